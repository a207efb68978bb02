//! Real clients of HTTP see the same bytes through a tap as from the service itself, and so does
//! the service.

use super::clients::{WAYS, program, words_of};
use super::observe::{Observed, Way, observe};
use crate::service_kit::{Fixture, Wanted, hashes, run};
use twiceproof_lab::tap::tcp::Mode;

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/tests/record/");

async fn server() -> Fixture {
    let command = "/usr/bin/python3\nhttp_server.py";
    let folder = std::fs::canonicalize(PROGRAMS).unwrap();
    let options = [
        ("command", command),
        ("folder", folder.to_str().unwrap()),
        ("listen", "8080"),
        ("env", "HTTP_PORT=8080"),
    ];
    let wanted = Wanted {
        kind: "http",
        options: &options,
        ..Wanted::default()
    };
    Fixture::start(wanted).await.unwrap()
}

/// Runs the client in every way and compares what it saw and what the service took. Returns what
/// it saw, and the requests of each link.
fn compare<C: Future<Output = String>>(client: impl Fn(u16) -> C) -> (Observed, Vec<Vec<String>>) {
    run(async {
        let mut fixture = server().await;
        let (direct, _) = observe(&mut fixture, Way::Direct, &client).await;
        let state = hashes(&fixture.capture().await);
        let mut traced: Option<Vec<Vec<String>>> = None;
        for way in WAYS {
            fixture.service.reset().await.unwrap();
            let (seen, heard) = observe(&mut fixture, way, &client).await;
            assert_eq!(seen.told, direct.told, "{way:?}");
            let count = seen.links.len();
            assert_eq!(count, direct.links.len(), "{way:?}");
            for (seen, direct) in seen.links.iter().zip(&direct.links) {
                assert_eq!(unported(&seen.0), unported(&direct.0), "{way:?}");
                let same = seen.1 == direct.1;
                assert!(same, "{way:?}\n{}", seen.1.escape_ascii());
            }
            assert_eq!(hashes(&fixture.capture().await), state, "{way:?}");
            assert_eq!(heard.opaque, Vec::<String>::new(), "{way:?}");
            if way != Way::Tap(Mode::Pump) {
                let first = traced.get_or_insert(heard.requests.clone());
                assert_eq!(heard.requests, *first, "{way:?}");
                let requests: usize = heard.requests.iter().map(Vec::len).sum();
                assert_eq!(requests, heard.replies, "{way:?}");
                assert_ne!(requests, 0);
            }
        }
        (direct, traced.expect("some way was traced"))
    })
}

/// Returns what a client sent without the port that it was given.
fn unported(sent: &[u8]) -> String {
    let text = String::from_utf8_lossy(sent);
    let lines = text.split_inclusive("\r\n");
    lines
        .filter(|line| !line.to_ascii_lowercase().starts_with("host: 127.0.0.1:"))
        .collect()
}

#[test]
fn curl_sees_the_same() {
    let (seen, requests) = compare(words_of(format!("/bin/sh {PROGRAMS}http_curl.sh")));
    assert!(seen.told.starts_with("Some(0)"), "{}", seen.told);
    assert!(
        requests[0].contains(&"POST /charge".to_owned()),
        "{requests:?}"
    );
}

#[test]
fn http_client_and_requests_see_the_same() {
    let (seen, requests) = compare(words_of(format!(
        "/usr/bin/python3 {PROGRAMS}http_client.py"
    )));
    assert!(seen.told.starts_with("Some(0)"), "{}", seen.told);
    assert_eq!(requests.iter().map(Vec::len).sum::<usize>(), 13);
}

#[test]
fn the_jdks_client_sees_the_same() {
    let (seen, _) = compare(words_of(format!("java {PROGRAMS}Http.java")));
    assert!(seen.told.starts_with("Some(0)"), "{}", seen.told);
}

#[test]
fn a_large_body_passes_whole() {
    let client = |port: u16| async move {
        let url = format!("curl -sS -A curl --data-binary @- http://127.0.0.1:{port}/large");
        let script = format!(
            "seq 1 200000 | {url} | md5sum; curl -sS -A curl http://127.0.0.1:{port}/large | md5sum"
        );
        program(port, vec!["sh".to_owned(), "-c".to_owned(), script]).await
    };
    let (seen, _) = compare(client);
    assert!(seen.links.iter().any(|(_, down)| down.len() > 3_000_000));
}

/// Garbage within a reply: the link is opaque from there on, and the client fails as it would
/// alone.
#[test]
fn garbage_within_a_message_reaches_the_client() {
    run(async {
        let mut fixture = server().await;
        let client = |port: u16| {
            let url = format!("http://127.0.0.1:{port}/garbage");
            let words = ["curl", "-sS", "-A", "curl", "--max-time", "20", &url];
            program(port, words.map(str::to_owned).to_vec())
        };
        let (direct, _) = observe(&mut fixture, Way::Direct, client).await;
        assert!(!direct.told.starts_with("Some(0)"), "{}", direct.told);
        for way in WAYS {
            let (seen, heard) = observe(&mut fixture, way, client).await;
            assert_eq!(seen.told, direct.told, "{way:?}");
            assert_eq!(seen.links[0].1, direct.links[0].1, "{way:?}");
            let opaque = usize::from(way != Way::Tap(Mode::Pump));
            assert_eq!(heard.opaque.len(), opaque, "{way:?}");
        }
    });
}
