//! Real client programs see the same bytes through a tap as from the server itself, and so does the
//! server.

use super::observe::{Heard, Observed, Way, observe};
use crate::service_kit::{Fixture, Wanted, hashes, run};
use futures_util::{SinkExt, StreamExt, future};
use std::process::Command;
use tokio_postgres::{NoTls, SimpleQueryMessage};
use twiceproof_lab::tap::tcp::Mode;

const SEED: &str = include_str!("../../../../wire/tests/record/seed.sql");
pub(super) const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/tests/record/");
const DRIVER: &str = "/usr/share/java/postgresql.jar";

/// Every way but the direct one, which is what they are measured by.
pub(super) const WAYS: [Way; 4] = [
    Way::Tap(Mode::Pump),
    Way::Tap(Mode::Trace),
    Way::Gate { whole: false },
    Way::Gate { whole: true },
];

fn server() -> Wanted<'static> {
    Wanted {
        kind: "postgres",
        seeds: &[("seed.sql", SEED)],
        ..Wanted::default()
    }
}

/// Takes out of bytes what differs from session to session.
type Mask = fn(&[u8]) -> Vec<u8>;

/// Runs the client in every way and compares what it saw and what it left behind. Returns what it
/// saw.
fn compare<C: Future<Output = String>>(client: impl Fn(u16) -> C) -> Observed {
    compare_but_for(server(), [<[u8]>::to_vec; 2], client)
}

/// The same on any service, but for what the masks take out of the bytes that the client sends and
/// of those that it receives.
pub(super) fn compare_but_for<C: Future<Output = String>>(
    wanted: Wanted<'_>,
    [mask_up, mask_down]: [Mask; 2],
    client: impl Fn(u16) -> C,
) -> Observed {
    run(async {
        let mut fixture = Fixture::start(wanted).await.unwrap();
        let (direct, _) = observe(&mut fixture, Way::Direct, &client).await;
        let state = hashes(&fixture.capture().await);
        let mut traced: Option<Heard> = None;
        for way in WAYS {
            fixture.service.reset().await.unwrap();
            let (seen, heard) = observe(&mut fixture, way, &client).await;
            assert_eq!(seen.told, direct.told, "{way:?}");
            assert_eq!(seen.links.len(), direct.links.len(), "{way:?}");
            for (seen, direct) in seen.links.iter().zip(&direct.links) {
                let same = |seen: &[u8], direct: &[u8]| {
                    assert!(
                        seen == direct,
                        "{way:?}\n{}\ndirectly\n{}",
                        seen.escape_ascii(),
                        direct.escape_ascii()
                    );
                };
                same(&mask_up(&seen.0), &mask_up(&direct.0));
                same(&mask_down(&seen.1), &mask_down(&direct.1));
            }
            assert_eq!(hashes(&fixture.capture().await), state, "{way:?}");
            assert_eq!(heard.opaque, Vec::<String>::new(), "{way:?}");
            if way != Way::Tap(Mode::Pump) {
                let first = traced.get_or_insert(Heard {
                    requests: heard.requests.clone(),
                    ..Heard::default()
                });
                assert_eq!(heard.requests, first.requests, "{way:?}");
                let requests: usize = heard.requests.iter().map(Vec::len).sum();
                assert_eq!(requests, heard.replies, "{way:?}");
                assert_ne!(requests, 0);
            }
        }
        direct
    })
}

/// Runs a program with the port in its environment; returns how it ended and all that it printed.
pub(super) async fn program(port: u16, words: Vec<String>) -> String {
    let mut command = Command::new("timeout");
    command.arg("50").args(words);
    command
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", port.to_string())
        .env("HTTP_PORT", port.to_string());
    command
        .env("PGUSER", "app")
        .env("PGDATABASE", "app")
        .env("PGAPPNAME", "client")
        .env("NODE_PATH", "/usr/share/nodejs");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{:?}\n{}{}",
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr)
    )
}

fn psql(script: &str) -> impl Fn(u16) -> future::LocalBoxFuture<'static, String> {
    let words = format!("psql -X -f {PROGRAMS}{script}");
    words_of(words)
}

fn python(script: &str) -> impl Fn(u16) -> future::LocalBoxFuture<'static, String> {
    words_of(format!("/usr/bin/python3 {PROGRAMS}{script}"))
}

fn java(mode: &str) -> impl Fn(u16) -> future::LocalBoxFuture<'static, String> {
    words_of(format!("java -cp {DRIVER} {PROGRAMS}Jdbc.java {mode}"))
}

pub(super) fn words_of(words: String) -> impl Fn(u16) -> future::LocalBoxFuture<'static, String> {
    move |port| {
        let words = words.split(' ').map(str::to_owned).collect();
        Box::pin(program(port, words))
    }
}

#[test]
fn psql_queries() {
    let seen = compare(psql("psql-queries.sql"));
    assert!(seen.told.contains("NOTICE:  shout inside"), "{}", seen.told);
}

#[test]
fn psql_copies_both_ways() {
    let seen = compare(psql("psql-copy.sql"));
    assert!(seen.told.contains("invalid input syntax"), "{}", seen.told);
}

#[test]
fn psql_backslash_copy_in_and_out_and_large() {
    let script = "\\copy log (text) from program 'seq 1 200000'\n\
        \\copy (select text from log order by id) to stdout\n\
        \\copy (select text from log where id < 9) to stdout csv\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.sql");
    std::fs::write(&path, script).unwrap();
    let seen = compare(words_of(format!("psql -X -q -f {}", path.display())));
    assert!(
        seen.told
            .ends_with("\n199999\n200000\n1\n2\n3\n4\n5\n6\n7\n8\n")
    );
}

#[test]
fn psql_notifies() {
    let client = psql("psql-notify.sql");
    let seen = compare(|port| {
        let told = client(port);
        // The server counts its processes.
        async { told.await.replace(|told: char| told.is_ascii_digit(), "#") }
    });
    assert_eq!(seen.links.len(), 2);
}

#[test]
fn psycopg_pipelines() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/tap/psycopg_pipeline.py"
    );
    let seen = compare(words_of(format!("/usr/bin/python3 {script}")));
    assert!(seen.told.contains("('after a flush',)"), "{}", seen.told);
}

#[test]
fn psycopg_walks_a_cursor_of_the_server() {
    compare(python("psycopg_cursor.py"));
}

#[test]
fn psycopg_prepares() {
    compare(python("psycopg_prepared.py"));
}

#[test]
fn psycopg_copies() {
    compare(python("psycopg_copy.py"));
}

#[test]
fn psycopg2_does_all_its_things() {
    compare(python("psycopg2_session.py"));
}

#[test]
fn jdbc_prepares_past_the_fifth_execution() {
    let seen = compare(java("prepared"));
    assert!(seen.told.starts_with("Some(0)"), "{}", seen.told);
    let named = seen.links[0].0.windows(5).any(|bytes| bytes == b"S_1\0U");
    assert!(named, "the statement got a name");
}

#[test]
fn jdbc_sends_batches() {
    let seen = compare(java("batch"));
    assert!(seen.told.starts_with("Some(0)"), "{}", seen.told);
}

#[test]
fn jdbc_cancels_what_takes_too_long() {
    let seen = compare(java("timeout"));
    assert!(seen.told.contains("due to user request"), "{}", seen.told);
    assert_eq!(seen.links.len(), 2);
}

#[test]
fn pgbench_prepared() {
    let words = "pgbench -n -M prepared -t 20 --random-seed 7 -f";
    let words = format!("{words} {PROGRAMS}pgbench.sql");
    compare(move |port| {
        let words = words.split(' ').map(str::to_owned).collect();
        async move {
            let told = program(port, words).await;
            // The rest are times.
            told.lines()
                .filter(|line| line.contains("processed"))
                .collect()
        }
    });
}

#[test]
fn tokio_postgres_copies_pipelines_and_fails() {
    let seen = compare_but_for(server(), [unnumbered, <[u8]>::to_vec], |port| async move {
        let config = format!("host=127.0.0.1 port={port} user=app dbname=app");
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        // Statements are closed when they are dropped, at any time; so all of them live to the end.
        let update = "UPDATE account SET name = $1 WHERE id = $2";
        let update = client.prepare(update).await.unwrap();
        let insert = "INSERT INTO account VALUES (1, 'x', 0)";
        let insert = client.prepare(insert).await.unwrap();
        let copy_in = client.prepare("COPY log (text) FROM STDIN").await.unwrap();
        let copy_out = client.prepare("COPY log (text) TO STDOUT").await.unwrap();
        let one = async |id: usize, name: &&str| client.execute(&update, &[name, id_of(id)]).await;
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let updates = (1..).zip(&names).map(|(id, name)| one(id, name));
        let mut told = format!("{:?}", future::join_all(updates).await);
        told += &format!("{:?}", client.execute(&insert, &[]).await);
        let mut sink = Box::pin(client.copy_in(&copy_in).await.unwrap());
        for _ in 0..100 {
            sink.send(&b"some line\n"[..]).await.unwrap();
        }
        told += &format!("{:?}", sink.as_mut().finish().await);
        let rows = client.copy_out(&copy_out).await.unwrap();
        told += &format!("{}", rows.count().await);
        for message in client
            .simple_query("SELECT 1; SELECT nonsense")
            .await
            .iter()
            .flatten()
        {
            if let SimpleQueryMessage::Row(row) = message {
                told += row.get(0).unwrap();
            }
        }
        drop(client);
        connection.await.unwrap().unwrap();
        told
    });
    assert!(seen.told.contains("duplicate key"), "{}", seen.told);
}

/// Small numbers with a place to lie in, as parameters are references.
fn id_of(id: usize) -> &'static i32 {
    &[0, 1, 2, 3, 4, 5, 6, 7][id]
}

/// Takes out the numbers of statements, which tokio-postgres counts in the whole process, and
/// lengths with them.
fn unnumbered(up: &[u8]) -> Vec<u8> {
    let length = |at: usize| {
        let word = up.get(at..at + 4)?;
        Some(u32::from_be_bytes(word.try_into().unwrap()) as usize)
    };
    let mut at = length(0).unwrap_or(0);
    let mut masked = up[..at].to_vec();
    while let Some(length) = length(at + 1) {
        masked.push(up[at]);
        let body = &up[at + 5..at + 1 + length];
        let mut is_name = false;
        for byte in body {
            is_name = *byte == b's' || (is_name && byte.is_ascii_digit());
            if !is_name || *byte == b's' {
                masked.push(*byte);
            }
        }
        at += 1 + length;
    }
    masked
}
