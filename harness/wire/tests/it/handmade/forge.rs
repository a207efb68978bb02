//! Errors that are forged: what the service is sent in the request's place, what the instance is
//! given, and how what follows reads.

use super::postgres::{messages, session};
use super::{down, up};
use crate::play::{Chunk, render};
use twiceproof_wire::registry::{PROTOCOLS, find};
use twiceproof_wire::{Codec, Mark, Side};

/// A codec that was played a conversation, with the marks of its last call.
struct Played {
    codec: Box<dyn Codec>,
    marks: Vec<(Side, Mark)>,
}

impl Played {
    fn new(protocol: &str, chunks: &[Chunk]) -> Self {
        let codec = find(protocol).expect("a protocol").codec();
        let marks = Vec::new();
        let mut played = Self { codec, marks };
        for chunk in chunks {
            let Chunk::Bytes(side, bytes) = chunk else {
                continue;
            };
            played.feed(*side, bytes);
        }
        played.marks.clear();
        played
    }

    fn feed(&mut self, side: Side, bytes: &[u8]) {
        let mut marks = Vec::new();
        self.codec.feed(side, bytes, &mut marks);
        self.marks
            .extend(marks.into_iter().map(|mark| (side, mark)));
    }

    /// Returns the meanings of the marks since, without their lengths.
    fn meanings(&self) -> Vec<String> {
        let rendered = render(&self.marks);
        let meaning = |line: &str| {
            line.split_whitespace()
                .skip(2)
                .collect::<Vec<_>>()
                .join(" ")
        };
        rendered.lines().map(meaning).collect()
    }
}

/// Forges an error after a conversation. `answer` is what the service says to what it is sent
/// instead; behind it comes `rest`.
#[track_caller]
fn check(
    (protocol, error): (&str, &str),
    chunks: &[Chunk],
    (instead, answer): (&[u8], &[u8]),
    told: &[u8],
    meanings: &[&str],
) {
    let mut played = Played::new(protocol, chunks);
    let forgery = played.codec.forge(error).expect("it can be forged");
    assert_eq!(
        forgery.instead.escape_ascii().to_string(),
        instead.escape_ascii().to_string()
    );
    for cut in 0..answer.len() {
        assert!((forgery.finish)(&answer[..cut]).is_none(), "{cut}");
    }
    let with_rest = [answer, b"rest"].concat();
    let (consumed, reply) = (forgery.finish)(&with_rest).expect("the answer is whole");
    assert_eq!(consumed, answer.len());
    assert_eq!(
        reply.escape_ascii().to_string(),
        told.escape_ascii().to_string()
    );
    played.feed(Side::Service, &reply);
    assert_eq!(played.meanings(), meanings);
}

#[track_caller]
fn check_refused(protocol: &str, error: &str, chunks: &[Chunk]) {
    let played = Played::new(protocol, chunks);
    assert!(played.codec.forge(error).is_none(), "{error}");
}

const IDLE: &[u8] = b"Z\0\0\0\x05I";
const FAILED: &[u8] = b"Z\0\0\0\x05E";

fn query(text: &str) -> Vec<u8> {
    messages(&[(b'Q', &format!("{text}\0"))])
}

fn error(severity: &str, code: &str, text: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0M{text}\0\0");
    messages(&[(b'E', &fields)])
}

/// A session of PostgreSQL that sent these queries, the last one unanswered.
fn queries(queries: &[&str]) -> Vec<Chunk> {
    let mut chunks = session(&[]);
    for (place, text) in queries.iter().enumerate() {
        chunks.push(up(&query(text)));
        if place + 1 < queries.len() {
            chunks.push(down(b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T"));
        }
    }
    chunks
}

#[test]
fn postgres_hears_nothing_outside_a_transaction() {
    let told = error("ERROR", "40P01", "deadlock detected");
    check(
        ("postgres", "40P01"),
        &queries(&["UPDATE t SET a = 1"]),
        (b"", b""),
        &[&told, IDLE].concat(),
        &["part", "reply [40P01], writes, frees locks"],
    );
}

#[test]
fn postgres_aborts_the_transaction_of_a_forged_error() {
    let syntax = error("ERROR", "42601", "syntax error at or near \"forged\"");
    let notice = b"A\0\0\0\x11\0\0\0\x01chan\0abc\0";
    let answer = [&syntax[..], notice, FAILED].concat();
    let text = "could not serialize access due to concurrent update";
    let told = [notice, &error("ERROR", "40001", text)[..], FAILED].concat();
    check(
        ("postgres", "40001"),
        &queries(&["BEGIN", "UPDATE t SET a = 1"]),
        (&query("forged error"), &answer),
        &told,
        &[
            "push NOTIFY chan",
            "part",
            "reply [40001], writes, frees locks",
        ],
    );
}

#[test]
fn postgres_rolls_back_where_commit_fails() {
    let text = "could not serialize access due to concurrent update";
    let rolled_back = [b"C\0\0\0\x0dROLLBACK\0", IDLE].concat();
    check(
        ("postgres", "40001"),
        &queries(&["BEGIN", "COMMIT"]),
        (&query("ROLLBACK"), &rolled_back),
        &[&error("ERROR", "40001", text)[..], IDLE].concat(),
        &["part", "reply [40001], writes, frees locks"],
    );
}

#[test]
fn postgres_stands_in_the_transaction_that_the_request_begins() {
    let division = error("ERROR", "22012", "division by zero");
    let begun = messages(&[(b'C', "BEGIN\0")]);
    check(
        ("postgres", "40P01"),
        &queries(&["BEGIN; UPDATE t SET a = 1; COMMIT"]),
        (
            &query("BEGIN; SELECT 1/0"),
            &[&begun[..], &division, FAILED].concat(),
        ),
        &[&error("ERROR", "40P01", "deadlock detected")[..], FAILED].concat(),
        &["part", "reply [40P01], writes, frees locks"],
    );
}

#[test]
fn postgres_fails_in_the_extended_protocol() {
    let text = "canceling statement due to user request";
    let parse = b"P\0\0\0\x10\0SELECT 1\0\0\0";
    let fails = b"P\0\0\0\x14\0forged error\0\0\0";
    let syntax = error("ERROR", "42601", "syntax error at or near \"forged\"");
    let told = error("ERROR", "57014", text);
    // A Sync ends the request, or a Flush, after which the server skips what follows.
    let sync = b"S\0\0\0\x04";
    let flush = b"H\0\0\0\x04";
    for (end, ready, meanings) in [
        (sync, IDLE, &["part", "reply [57014], frees locks"][..]),
        (flush, &b""[..], &["reply [57014], frees locks"][..]),
    ] {
        let mut chunks = session(&[]);
        chunks.push(up(&[&parse[..], end].concat()));
        check(
            ("postgres", "57014"),
            &chunks,
            (&[&fails[..], end].concat(), &[&syntax[..], ready].concat()),
            &[&told[..], ready].concat(),
            meanings,
        );
    }
}

#[test]
fn postgres_ends_the_link_behind_a_fatal_error() {
    let text = "terminating connection due to administrator command";
    check(
        ("postgres", "57P01"),
        &queries(&["BEGIN", "UPDATE t SET a = 1"]),
        (b"", b""),
        &error("FATAL", "57P01", text),
        &["reply [57P01], writes, frees locks"],
    );
}

#[test]
fn postgres_gives_no_error_where_none_can_be() {
    let failed = |text: &str| {
        let mut chunks = queries(&["BEGIN", "SELECT 1/0"]);
        let division = error("ERROR", "22012", "division by zero");
        chunks.push(down(&[&division[..], FAILED].concat()));
        chunks.push(up(&query(text)));
        chunks
    };
    check_refused("postgres", "40001", &failed("SELECT 1"));
    check_refused("postgres", "40001", &failed("COMMIT"));
    check_refused("postgres", "40001", &queries(&["BEGIN", "ROLLBACK"]));
    check_refused("postgres", "40001", &queries(&["COMMIT"]));
    check_refused(
        "postgres",
        "40001",
        &queries(&["UPDATE t SET a = 1; COMMIT"]),
    );
    check_refused("postgres", "LOADING", &queries(&["SELECT 1"]));
    check_refused("postgres", "00000", &queries(&["SELECT 1"]));
    // Nothing was asked, or the greeting is not over.
    check_refused("postgres", "40001", &session(&[]));
    check_refused("postgres", "40001", &session(&[])[..1]);
    // A part of the answer is there already.
    let mut begun = queries(&["SELECT 1"]);
    begun.push(down(b"T\0\0"));
    check_refused("postgres", "40001", &begun);
}

#[test]
fn redis_refuses_one_command_or_a_whole_transaction() {
    let loading = b"-LOADING Redis is loading the dataset in memory\r\n";
    check(
        ("redis", "LOADING"),
        &[up(b"SET a 1\r\n")],
        (b"", b""),
        loading,
        &["reply [LOADING]"],
    );
    check(
        ("redis", "ERR out of luck"),
        &[up(b"GET a\r\nGET b\r\n"), down(b"$-1\r\n")],
        (b"", b""),
        b"-ERR out of luck\r\n",
        &["reply [ERR]"],
    );
    let queued = [up(b"MULTI\r\nSET a 1\r\n"), down(b"+OK\r\n")];
    check(
        ("redis", "OOM"),
        &queued,
        (
            b"*1\r\n$12\r\nFORGED.ERROR\r\n",
            b"-ERR unknown command\r\n",
        ),
        b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        &["reply [OOM]"],
    );
    let exec = [
        up(b"MULTI\r\nSET a 1\r\nEXEC\r\n"),
        down(b"+OK\r\n+QUEUED\r\n"),
    ];
    check(
        ("redis", "LOADING"),
        &exec,
        (b"*1\r\n$7\r\nDISCARD\r\n", b"+OK\r\n"),
        b"-EXECABORT Transaction discarded because of: \
          LOADING Redis is loading the dataset in memory\r\n",
        &["reply [EXECABORT]"],
    );
    check_refused("redis", "40001", &[up(b"SET a 1\r\n")]);
    check_refused("redis", "ERR\r\nX", &[up(b"SET a 1\r\n")]);
    check_refused("redis", "LOADING", &[up(b"SET a 1\r\n"), down(b"+O")]);
    check_refused(
        "redis",
        "LOADING",
        &[up(b"CLIENT REPLY OFF\r\nSET a 1\r\n")],
    );
}

#[test]
fn http_closes_behind_an_error() {
    let told = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    let post = b"POST /charge HTTP/1.1\r\nHost: pay\r\nContent-Length: 2\r\n\r\n{}";
    check(
        ("http", "503"),
        &[up(post)],
        (b"", b""),
        told,
        &["reply [503], writes, frees locks"],
    );
    let head = b"PUT /a HTTP/1.1\r\nHost: pay\r\nContent-Length: 99999999\r\n\r\n";
    check_refused("http", "503", &[up(head)]);
    check_refused("http", "200", &[up(post)]);
    check_refused("http", "503", &[up(post), down(b"HTTP/1.1 2")]);
}

#[test]
fn smtp_refuses_commands_and_leaves_at_a_body() {
    let greeting = [up(b""), down(b"220 mail\r\n")];
    let with = |more: &[Chunk]| [&greeting[..], more].concat();
    check(
        ("smtp", "450"),
        &with(&[up(b"MAIL FROM:<a@b>\r\n")]),
        (b"", b""),
        b"450 4.2.0 Mailbox unavailable\r\n",
        &["reply [450]"],
    );
    check(
        ("smtp", "451"),
        &with(&[up(b"DATA\r\n")]),
        (b"RSET\r\n", b"250-all\r\n250 is gone\r\n"),
        b"451 4.3.0 Local error in processing\r\n",
        &["reply [451]"],
    );
    let body = with(&[up(b"DATA\r\n"), down(b"354 go\r\n"), up(b"hello\r\n.\r\n")]);
    check(
        ("smtp", "421"),
        &body,
        (b"", b""),
        b"421 4.3.2 Service not available, closing transmission channel\r\n",
        &["reply [421], writes"],
    );
    check_refused("smtp", "451", &body);
    check_refused("smtp", "250", &with(&[up(b"NOOP\r\n")]));
    check_refused("smtp", "451", &[up(b"NOOP\r\n")]);
}

#[test]
fn protocols_say_which_errors_they_forge() {
    #[track_caller]
    fn check(error: &str, expect: &[&str]) {
        let fit = PROTOCOLS.iter().filter(|protocol| {
            let errors = protocol.errors();
            errors.is_some_and(|errors| (errors.fits)(error))
        });
        let names: Vec<&str> = fit.map(|protocol| protocol.name()).collect();
        assert_eq!(names, expect, "{error}");
    }
    check("40001", &["postgres"]);
    check("40P01", &["postgres"]);
    check("LOADING", &["redis"]);
    check("BUSY Redis is busy", &["redis"]);
    check("503", &["smtp", "http"]);
    check("", &[]);
    check("200", &[]);
    check("loading", &[]);
}
