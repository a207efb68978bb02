//! PostgreSQL.

use super::{check, down, up};
use crate::play::Chunk;
use twiceproof_wire::Side;

/// A message of PostgreSQL.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind], &length[..], body].concat()
}

/// A message without a kind, as at start-up.
fn startup(code: i32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 8).to_be_bytes();
    [&length[..], &code.to_be_bytes(), body].concat()
}

/// Messages of PostgreSQL in one chunk, for bodies that are text.
pub(super) fn messages(messages: &[(u8, &str)]) -> Vec<u8> {
    let messages = messages
        .iter()
        .map(|(kind, body)| message(*kind, body.as_bytes()));
    messages.collect::<Vec<_>>().concat()
}

/// A session with its start-up done and these chunks.
pub(super) fn session(chunks: &[Chunk]) -> Vec<Chunk> {
    let start = [
        up(&startup(3 << 16, b"user\0a\0\0")),
        down(&message(b'Z', b"I")),
    ];
    [&start, chunks].concat()
}

#[track_caller]
pub(super) fn check_session(chunks: &[Chunk], expect: &[&str]) {
    let chunks = session(chunks);
    let expect = [&["> 16 pass", "< 6 pass"], expect].concat();
    check("postgres", &chunks, &expect);
}

pub(super) const READY: (u8, &str) = (b'Z', "I");
const IN_TRANSACTION: (u8, &str) = (b'Z', "T");
pub(super) const ERROR: (u8, &str) = (b'E', "SERROR\0VERROR\0C23505\0Mhunter2\0\0");
pub(super) const FATAL: (u8, &str) = (b'E', "SFATAL\0VFATAL\0C57P01\0Mhunter2\0\0");

#[test]
fn postgres_starts_up() {
    check(
        "postgres",
        &[
            up(&startup(80_877_104, b"")),
            up(&startup(80_877_103, b"")),
            up(&startup(3 << 16, b"user\0a\0\0")),
            down(&message(b'R', b"\0\0\0\x03")),
            up(&message(b'p', b"hunter2\0")),
            down(&messages(&[
                (b'R', "\0\0\0\0"),
                (b'K', "\0\0\0\x07secret"),
                READY,
            ])),
        ],
        &[
            "> 8 answer N",
            "> 8 answer N",
            "> 29 pass",
            "< 18 pass",
            "< 15 session",
            "< 6 pass",
        ],
    );
    check(
        "postgres",
        &[
            up(&startup(80_877_102, b"\0\0\0\x07\0\0\0\x08")),
            up(b"more"),
        ],
        &["> 16 cancel", "> 4 pass"],
    );
    check(
        "postgres",
        &[up(&startup(2 << 16, b"")), down(b"E1234")],
        &[
            "> 0 opaque: a version of the protocol other than 3",
            "> 8 pass",
            "< 5 pass",
        ],
    );
    check(
        "postgres",
        &[up(b"\x16\x03\x01\x02\x00\x01")],
        &["> 0 opaque: no start-up message of PostgreSQL", "> 6 pass"],
    );
    check(
        "postgres",
        &[down(b"HTTP/1.1 400 no\r\n"), up(b"GET / HTTP/1.1\r\n\r\n")],
        &[
            "< 17 pass",
            "> 0 opaque: no start-up message of PostgreSQL",
            "> 18 pass",
        ],
    );
}

#[test]
fn postgres_refused_at_start_up() {
    check(
        "postgres",
        &[
            up(&startup(3 << 16, b"user\0a\0\0")),
            down(&messages(&[FATAL])),
        ],
        &["> 16 pass", "< 36 pass"],
    );
}

#[test]
fn postgres_pushes() {
    let notify = (b'A', "\0\0\0\x07work\0hunter2\0");
    let status = (b'S', "a\0b\0");
    let notice = (b'N', "SNOTICE\0Mhunter2\0\0");
    check_session(
        &[
            down(&messages(&[notify, status, notice])),
            up(&messages(&[(b'Q', "SELECT f()\0")])),
            // What others notified while the request was on its way.
            down(&messages(&[notify])),
            down(&messages(&[
                notice,
                (b'C', "SELECT 1\0"),
                status,
                notify,
                READY,
            ])),
            down(&messages(&[FATAL])),
        ],
        &[
            "< 22 push NOTIFY work",
            "< 32 pass",
            "> 16 request SELECT f()",
            "< 22 push NOTIFY work",
            "< 68 part",
            "< 6 reply [SELECT 1], writes, frees locks",
            "< 36 push FATAL 57P01",
        ],
    );
}

#[test]
fn postgres_dies_in_a_reply() {
    check_session(
        &[
            up(&messages(&[(b'Q', "COMMIT\0"), (b'Q', "SELECT 1\0")])),
            down(&messages(&[FATAL])),
            Chunk::End(Side::Service),
        ],
        &[
            "> 12 request COMMIT",
            "> 14 request SELECT ?",
            "< 36 reply [57P01], writes, frees locks",
        ],
    );
    check_session(
        &[
            up(&messages(&[(b'Q', "SELECT 1\0")])),
            down(&message(b'D', b"half")[..7]),
            Chunk::End(Side::Service),
        ],
        &["> 14 request SELECT ?", "< 7 part"],
    );
}

#[test]
fn postgres_statements_we_know_nothing_of() {
    check_session(
        &[
            up(&messages(&[
                (b'B', "\0b\0"),
                (b'E', "\0\0\0\0\0"),
                (b'S', ""),
            ])),
            down(&messages(&[(b'C', "SELECT 1\0"), READY])),
            up(&messages(&[
                (b'F', "\0\0\x06\x3e\0\0\0\0"),
                (b'C', "Sb\0"),
                (b'S', ""),
            ])),
            down(&messages(&[(b'V', "\0\0\0\0"), READY, (b'3', ""), READY])),
        ],
        &[
            "> 23 request EXECUTE (unknown statement)",
            "< 14 part",
            "< 6 reply [SELECT 1], writes, frees locks",
            "> 13 request FUNCTION CALL 1598",
            "> 13 request CLOSE",
            "< 9 part",
            "< 6 reply [], writes, frees locks",
            "< 5 part",
            "< 6 reply []",
        ],
    );
}

#[test]
fn postgres_transactions_free_locks_at_their_end() {
    check_session(
        &[
            up(&messages(&[
                (b'Q', "UPDATE t SET a = 1\0"),
                (b'Q', "COMMIT\0"),
                (b'Q', "EXECUTE p\0"),
            ])),
            down(&messages(&[(b'C', "UPDATE 0\0"), IN_TRANSACTION])),
            down(&messages(&[(b'C', "ROLLBACK\0"), READY])),
            down(&messages(&[(b'C', "INSERT 0 1\0"), READY])),
        ],
        &[
            "> 24 request UPDATE t SET a = ?",
            "> 12 request COMMIT",
            "> 15 request EXECUTE p",
            "< 14 part",
            "< 6 reply [UPDATE 0], writes",
            "< 14 part",
            "< 6 reply [ROLLBACK], frees locks",
            "< 16 part",
            "< 6 reply [INSERT 1], writes, frees locks",
        ],
    );
}

#[test]
fn postgres_goes_opaque() {
    check_session(
        &[
            up(&message(b'Q', b"START_REPLICATION\0")),
            down(&message(b'W', b"\0\0\0")),
            up(b"d"),
        ],
        &[
            "> 23 request START_REPLICATION",
            "< 0 opaque: replication",
            "< 8 pass",
            "> 1 pass",
        ],
    );
    check_session(
        &[down(&message(b'C', b"SELECT 1\0"))],
        &["< 0 opaque: a reply without a request", "< 14 pass"],
    );
    check_session(
        &[down(&message(b'Z', b"I"))],
        &[
            "< 0 opaque: an answer to a Sync that was not sent",
            "< 6 pass",
        ],
    );
    check_session(
        &[up(b"Q\x01\0\0\x05hunter2")],
        &["> 0 opaque: a request of more than 16 MiB", "> 12 pass"],
    );
    check_session(
        &[up(b"Q\0\0\0\x03")],
        &["> 0 opaque: no message of PostgreSQL", "> 5 pass"],
    );
    check_session(
        &[up(b"!\0\0\0\x04")],
        &["> 0 opaque: no message of PostgreSQL", "> 5 pass"],
    );
}

#[test]
fn postgres_passes_data_as_they_come() {
    let huge = b"d\x7f\xff\xff\xffab";
    check_session(
        &[
            up(&messages(&[(b'Q', "COPY t FROM STDIN\0")])),
            up(huge),
            down(b"D\x7f\xff\xff\xffab"),
        ],
        &["> 23 request COPY t FROM STDIN", "> 7 pass", "< 7 part"],
    );
}
