//! Conversations between real clients and real servers, as `tests/record/record.py` recorded them.

use crate::play::{parse, play, render, split, texts};
use std::collections::BTreeSet;
use twiceproof_wire::{Meaning, Protocol, registry};

macro_rules! transcript {
    ($protocol:literal, $name:literal) => {
        (
            $protocol,
            $name,
            include_str!(concat!("../transcripts/", $name, ".txt")),
        )
    };
}
/// Every transcript: its protocol, its name, its text.
pub(crate) const TRANSCRIPTS: &[(&str, &str, &str)] = &[
    transcript!("http", "http-curl.1"),
    transcript!("http", "http-curl.2"),
    transcript!("http", "http-curl.3"),
    transcript!("http", "http-java.1"),
    transcript!("http", "http-java.2"),
    transcript!("http", "http-python.1"),
    transcript!("http", "http-python.2"),
    transcript!("http", "http-ureq.1"),
    transcript!("postgres", "jdbc-batch.1"),
    transcript!("postgres", "jdbc-prepared.1"),
    transcript!("postgres", "jdbc-timeout.1"),
    transcript!("postgres", "jdbc-timeout.2"),
    transcript!("postgres", "pgbench.1"),
    transcript!("postgres", "pgbench.2"),
    transcript!("postgres", "pipelines.1"),
    transcript!("postgres", "psql-copy.1"),
    transcript!("postgres", "psql-notify.1"),
    transcript!("postgres", "psql-notify.2"),
    transcript!("postgres", "psql-queries.1"),
    transcript!("postgres", "psycopg-copy.1"),
    transcript!("postgres", "psycopg-cursor.1"),
    transcript!("postgres", "psycopg-pipeline.1"),
    transcript!("postgres", "psycopg-prepared.1"),
    transcript!("postgres", "psycopg2.1"),
    transcript!("redis", "node-redis.1"),
    transcript!("redis", "node-redis.2"),
    transcript!("redis", "redis-cli.1"),
    transcript!("redis", "redis-py.1"),
    transcript!("redis", "redis-py.2"),
    transcript!("redis", "redis-py.3"),
    transcript!("redis", "redis-rs.1"),
    transcript!("smtp", "smtplib.1"),
    transcript!("postgres", "tokio-postgres.1"),
];

/// How many splits are tried, over all transcripts.
const SPLITS: usize = 10_000;

/// Returns the protocol of an entry of the table.
pub(crate) fn protocol(name: &str) -> &'static dyn Protocol {
    registry::find(name).expect("the table names registered protocols")
}

#[test]
fn every_transcript_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let table = TRANSCRIPTS.iter().map(|(_, name, _)| format!("{name}.txt"));
    assert_eq!(files.collect::<BTreeSet<_>>(), table.collect());
}

#[test]
fn marks_are_as_looked_at() {
    for (name, transcript_name, transcript) in TRANSCRIPTS {
        let marks = play(protocol(name), &parse(transcript));
        insta::assert_snapshot!(*transcript_name, render(&marks));
    }
}

#[test]
fn each_request_has_its_reply() {
    for (name, transcript_name, transcript) in TRANSCRIPTS {
        let marks = play(protocol(name), &parse(transcript));
        let count = |is: fn(&Meaning) -> bool| marks.iter().filter(|(_, m)| is(&m.meaning)).count();
        let requests = count(|meaning| matches!(meaning, Meaning::Request(_)));
        let replies = count(|meaning| matches!(meaning, Meaning::ReplyEnd(_)));
        assert_eq!(requests, replies, "{transcript_name}");
        assert_eq!(count(|meaning| matches!(meaning, Meaning::Opaque(_))), 0);
    }
}

#[test]
fn splits_change_no_mark() {
    let mut seed = 1;
    let parsed = TRANSCRIPTS.iter().map(|(name, _, transcript)| {
        let chunks = parse(transcript);
        let marks = play(protocol(name), &chunks);
        (protocol(name), chunks, marks)
    });
    let parsed: Vec<_> = parsed.collect();
    for (protocol, chunks, marks) in parsed.iter().cycle().take(SPLITS) {
        let parts = split(chunks, &mut seed);
        assert_eq!(&play(*protocol, &parts), marks, "{parts:?}");
    }
}

#[test]
fn splits_of_bursts_conserve_bytes() {
    let mut seed = 2;
    for (_, _, transcript) in TRANSCRIPTS {
        play(protocol("opaque"), &split(&parse(transcript), &mut seed));
    }
}

#[test]
fn no_text_holds_a_secret() {
    let mut found = 0;
    for (name, _, transcript) in TRANSCRIPTS {
        found += usize::from(transcript.contains("hunter2"));
        for (_, mark) in play(protocol(name), &parse(transcript)) {
            let secret = texts(&mark)
                .into_iter()
                .find(|text| text.contains("hunter2"));
            assert_eq!(secret, None);
        }
    }
    assert!(
        found >= 5,
        "the secret is in too few transcripts to prove anything: {found}"
    );
}
