//! What every protocol promises, whatever the bytes are.

use crate::play::{Chunk, play, split};
use proptest::prelude::*;
use std::collections::BTreeSet;
use twiceproof_wire::Side;
use twiceproof_wire::registry::{PROTOCOLS, find};

/// The protocols whose marks depend on the split, by their own word.
const SPLIT_DEPENDENT: &[&str] = &["opaque"];

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<&str> = PROTOCOLS.iter().map(|protocol| protocol.name()).collect();
    assert_eq!(names.len(), PROTOCOLS.len());
    for protocol in PROTOCOLS {
        assert!(protocol.doc().ends_with('.'), "{}", protocol.name());
        assert_eq!(find(protocol.name()).unwrap().name(), protocol.name());
    }
    assert!(find("gopher").is_none());
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Instance), Just(Side::Service)]
}

/// Messages that PostgreSQL's framing accepts, of kinds that exist or not, with bodies that mean
/// little.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let kinds = b"QPBDCESHFXdcfp123ACDEGHIKNRSTVZcdnst?".to_vec();
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[a-zA-Z0-9 ';$()]{0,30}".prop_map(|text| format!("{text}\0a\0").into_bytes()),
    ];
    (prop::sample::select(kinds), body).prop_map(|(kind, body)| {
        let length = (body.len() as u32 + 4).to_be_bytes();
        [&[kind], &length[..], &body].concat()
    })
}

fn startup() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        Just(196_608_i32),
        Just(80_877_103),
        Just(80_877_102),
        any::<i32>()
    ];
    code.prop_map(|code| {
        let body = [&code.to_be_bytes()[..], b"\0\0\0\x07user\0a\0\0"].concat();
        [&(body.len() as u32 + 4).to_be_bytes()[..], &body].concat()
    })
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&str> = vec![
        "220 a\r\n",
        "250-a\r\n",
        "250 a\r\n",
        "354 a\r\n",
        "334 a\r\n",
        "550 a\r\n",
        "EHLO a\r\n",
        "DATA\r\n",
        "AUTH LOGIN\r\n",
        "BDAT 3\r\n",
        "abc",
        ".\r\n",
        "a\r\n",
        "MAIL FROM:<a@b>\r\n",
        "STARTTLS\r\n",
        "QUIT\r\n",
    ];
    prop::sample::select(lines).prop_map(|line| line.as_bytes().to_vec())
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let values: Vec<&str> = vec![
        "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        "*1\r\n$5\r\nMULTI\r\n",
        "*1\r\n$4\r\nEXEC\r\n",
        "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n",
        "*1\r\n$11\r\nUNSUBSCRIBE\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
        "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
        ">2\r\n$10\r\ninvalidate\r\n_\r\n",
        "HELLO 3\r\n",
        "CLIENT REPLY SKIP\r\n",
        "CLIENT REPLY ON\r\n",
        "SET k 'v w'\r\n",
        "\r\n",
        "*0\r\n",
        "*-1\r\n",
        "+OK\r\n",
        "+QUEUED\r\n",
        "-ERR no\r\n",
        ":1\r\n",
        "%1\r\n+a\r\n*1\r\n,1.5\r\n",
        "*2\r\n",
        "$3\r\nabc\r\n",
        "$3\r\nab",
    ];
    prop::sample::select(values).prop_map(|value| value.as_bytes().to_vec())
}

/// Pieces of HTTP, in any order.
fn http() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&str> = vec![
        "GET /a HTTP/1.1\r\n",
        "HEAD /a HTTP/1.0\r\n",
        "POST /a HTTP/1.1\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 204 No\r\n",
        "HTTP/1.1 417 no\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: 20000000\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "\r\n",
        "3\r\nabc\r\n",
        "3\r\n",
        "0\r\n\r\n",
        "abc",
        "a: b\r\n",
        "\n",
        "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ];
    prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec())
}

fn conversation(piece: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Chunk>> {
    let chunk = prop_oneof![
        20 => (side(), piece).prop_map(|(side, bytes)| Chunk::Bytes(side, bytes)),
        1 => side().prop_map(Chunk::End),
    ];
    prop::collection::vec(chunk, 0..60)
}

/// Plays the conversation whole and split, under every protocol.
fn check(chunks: &[Chunk], mut seed: u64) {
    for protocol in PROTOCOLS {
        let marks = play(*protocol, chunks);
        let parts = play(*protocol, &split(chunks, &mut seed));
        if !SPLIT_DEPENDENT.contains(&protocol.name()) {
            assert_eq!(parts, marks, "{}", protocol.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(chunks in conversation(prop::collection::vec(any::<u8>(), 0..200)), seed: u64) {
        check(&chunks, seed);
    }

    #[test]
    fn messages_of_postgres(start in startup(), chunks in conversation(message()), seed: u64) {
        let mut all = vec![Chunk::Bytes(Side::Instance, start)];
        all.push(Chunk::Bytes(Side::Service, b"Z\0\0\0\x05I".to_vec()));
        all.extend(chunks);
        check(&all, seed);
    }

    #[test]
    fn lines_of_smtp(chunks in conversation(line()), seed: u64) {
        check(&chunks, seed);
    }

    #[test]
    fn values_of_redis(chunks in conversation(value()), seed: u64) {
        check(&chunks, seed);
    }

    #[test]
    fn pieces_of_http(chunks in conversation(http()), seed: u64) {
        check(&chunks, seed);
    }

    #[test]
    fn any_text_has_a_mask(sql in "\\PC*") {
        let masked = twiceproof_wire::sql::mask(&sql);
        prop_assert!(masked.len() <= twiceproof_wire::sql::MASK_BYTES_MAX);
        prop_assert!(!masked.chars().any(char::is_control));
        twiceproof_wire::sql::Effect::of(&sql);
    }
}
