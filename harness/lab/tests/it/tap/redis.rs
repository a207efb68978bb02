//! Clients of Redis, through a tap and without.

use super::clients::{PROGRAMS, WAYS, compare_but_for, program};
use super::observe::{Observed, Way, observe};
use crate::service_kit::{Fixture, Wanted, run};
use redis::{Client, RedisResult, Value, cmd, pipe};
use std::sync::mpsc;

fn server() -> Wanted<'static> {
    Wanted {
        kind: "redis",
        seeds: &[("seed.redis", "SET seeded yes\n")],
        ..Wanted::default()
    }
}

fn compare<C: Future<Output = String>>(client: impl Fn(u16) -> C) -> Observed {
    compare_but_for(server(), [<[u8]>::to_vec, unnumbered], client)
}

/// Blanks the number of the session, which HELLO tells.
fn unnumbered(down: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b"$2\r\nid\r\n:";
    let mut masked = down.to_vec();
    let found = down.windows(BEFORE.len()).position(|bytes| bytes == BEFORE);
    if let Some(at) = found.map(|at| at + BEFORE.len()) {
        let digits = down[at..].iter().take_while(|byte| byte.is_ascii_digit());
        masked.drain(at..at + digits.count());
    }
    masked
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn redis_cli_does_all_its_things() {
    // The help of all commands, which it asks for first, is in another order on each server.
    let from_first_reply = |down: &[u8]| {
        let found = down.windows(5).position(|bytes| bytes == b"+OK\r\n");
        down[found.expect("a first reply")..].to_vec()
    };
    let seen = compare_but_for(server(), [<[u8]>::to_vec, from_first_reply], |port| {
        let script = format!("redis-cli -p {port} < {PROGRAMS}redis-cli.txt");
        program(port, ["sh", "-c", &script].map(str::to_owned).to_vec())
    });
    assert!(seen.told.contains("WRONGTYPE"), "{}", seen.told);
}

#[test]
fn redis_py_does_all_its_things() {
    let script = format!("/usr/bin/python3 {PROGRAMS}redis_py_session.py");
    let seen = compare(|port| program(port, words(&script)));
    assert!(seen.told.contains("'pmessage'"), "{}", seen.told);
    assert_eq!(seen.links.len(), 3);
}

#[test]
fn node_redis_does_all_its_things() {
    let script = format!("node {PROGRAMS}redis_session.js");
    let seen = compare(|port| program(port, words(&script)));
    assert!(seen.told.starts_with("Some(0)"), "{}", seen.told);
    assert_eq!(seen.links.len(), 2);
}

#[test]
fn redis_benchmark_keeps_its_pipelines() {
    let command = "redis-benchmark -c 1 -n 200 -P 16 -t set,lpush,mset -q -p";
    compare(|port| {
        let told = program(port, words(&format!("{command} {port}")));
        // The rest are times.
        async { told.await.matches("requests per second").collect() }
    });
}

#[test]
fn the_redis_crate_does_all_its_things() {
    let seen = compare(|port| async move {
        let talk = tokio::task::spawn_blocking(move || talk(port));
        talk.await.unwrap().unwrap()
    });
    assert!(seen.told.contains("Message"), "{}", seen.told);
}

/// Speaks RESP3: a pipeline, a transaction, messages, an invalidation, an error.
fn talk(port: u16) -> RedisResult<String> {
    let client = Client::open(format!("redis://127.0.0.1:{port}/?protocol=resp3"))?;
    let mut connection = client.get_connection()?;
    let (sender, pushes) = mpsc::channel();
    connection.set_push_sender(sender);
    let connection = &mut connection;
    let mut told = String::new();
    let mut pipeline = pipe();
    for number in 0..50 {
        pipeline.cmd("HSET").arg("hash").arg(number).arg("x");
        pipeline.cmd("INCR").arg("counter");
    }
    pipeline.cmd("HGETALL").arg("nothing");
    told += &format!("{:?}", pipeline.query::<Vec<Value>>(connection)?);
    let mut transaction = pipe();
    transaction.atomic();
    transaction.cmd("INCRBY").arg("counter").arg(2);
    transaction.cmd("LRANGE").arg("nothing").arg(0).arg(-1);
    told += &format!("{:?}", transaction.query::<Vec<Value>>(connection)?);
    cmd("CLIENT").arg("TRACKING").arg("ON").exec(connection)?;
    cmd("GET").arg("seeded").query::<Value>(connection)?;
    cmd("SET")
        .arg("seeded")
        .arg("no")
        .query::<Value>(connection)?;
    connection.subscribe_resp3("channel")?;
    let mut publish = cmd("PUBLISH");
    publish
        .arg("channel")
        .arg("hello")
        .query::<Value>(connection)?;
    let refused = cmd("LPUSH")
        .arg("counter")
        .arg("x")
        .query::<Value>(connection);
    told += &format!("{refused:?}");
    connection.unsubscribe_resp3("channel")?;
    cmd("PING").query::<Value>(connection)?;
    for push in pushes.try_iter() {
        told += &format!("{:?}", push.kind);
    }
    Ok(told)
}

#[test]
fn locks_of_redis_py_keep_their_promises() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/tap/redis_py_locks.py"
    );
    let command = format!("/usr/bin/python3 {script}");
    run(async {
        let mut fixture = Fixture::start(server()).await.unwrap();
        for way in [&[Way::Direct][..], &WAYS[..]].concat() {
            fixture.service.reset().await.unwrap();
            let client = |port| program(port, words(&command));
            let (seen, heard) = observe(&mut fixture, way, client).await;
            assert!(seen.told.starts_with("Some(0)\n"), "{way:?}\n{}", seen.told);
            assert_eq!(seen.told.matches("... ok").count(), 20, "{}", seen.told);
            assert_eq!(heard.opaque, Vec::<String>::new(), "{way:?}");
        }
    });
}
