//! HTTP/1.

use super::{check, down, up};
use crate::play::Chunk;
use twiceproof_wire::Side;

#[test]
fn http_keeps_alive_and_pipelines() {
    check(
        "http",
        &[
            up(b"GET /a/17?token=hunter2 HTTP/1.1\r\nAuthorization: Bearer hunter2\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            up(
                b"POST /charge HTTP/1.1\r\nContent-Length: 3\r\nIdempotency-Key: k\r\n\r\nabc\
                HEAD /a HTTP/1.1\r\n\r\n\r\nDELETE /a HTTP/1.1\r\n\r\n",
            ),
            down(
                b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n\
                HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n\
                HTTP/1.1 204 No Content\r\n\r\n",
            ),
        ],
        &[
            "> 67 request GET /a/??token=?",
            "< 42 part",
            "< 1 reply [200]",
            "> 67 request POST /charge idempotency-key=?",
            "> 20 request HEAD /a",
            "> 24 request DELETE /a",
            "< 38 reply [503], writes, frees locks",
            "< 42 reply [200]",
            "< 27 reply [204], writes, frees locks",
        ],
    );
}

#[test]
fn http_without_a_body() {
    check(
        "http",
        &[
            up(b"GET /a HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            up(b"GET /a HTTP/1.1\r\nExpect: 100-continue\r\n\r\n"),
            down(b"HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n"),
            up(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ],
        &[
            "> 60 request GET /a",
            "< 38 reply [200]",
            "> 41 request GET /a",
            "< 38 reply [404]",
            "> 52 request PUT /a",
        ],
    );
}

#[test]
fn http_chunks_both_ways() {
    check(
        "http",
        &[
            up(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"),
            up(b"3;a=\"b\"\r\nabc\r\n000A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab\r\n\r\n0\r\n\r\n"),
        ],
        &[
            "> 96 request PUT /a",
            "< 56 part",
            "< 5 reply [200], writes, frees locks",
        ],
    );
}

#[test]
fn http_body_up_to_the_end() {
    check(
        "http",
        &[
            up(b"GET /a HTTP/1.0\r\n\r\n"),
            down(b"HTTP/1.0 200 OK\r\n\r\nhello"),
            down(b" and more"),
            Chunk::End(Side::Service),
        ],
        &["> 19 request GET /a", "< 33 part", "< 0 reply [200]"],
    );
    check(
        "http",
        &[
            up(b"GET /a HTTP/1.1\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
            Chunk::End(Side::Service),
        ],
        &["> 19 request GET /a", "< 43 part"],
    );
}

#[test]
fn http_body_that_waits_to_be_called_for() {
    let head = b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    check(
        "http",
        &[
            up(head),
            down(b"HTTP/1.1 103 Early\r\n\r\n"),
            down(b"HTTP/1.1 100 Continue\r\n\r\n"),
            up(b"abcGET /b HTTP/1.1\r\n\r\n"),
            down(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
            down(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
        ],
        &[
            "> 60 request PUT /a",
            "< 22 prompt",
            "< 25 part",
            "> 3 pass",
            "> 19 request GET /b",
            "< 43 reply [201], writes, frees locks",
            "< 48 reply [304]",
        ],
    );
    check(
        "http",
        &[
            up(head),
            down(b"HTTP/1.1 417 no\r\nContent-Length: 0\r\n\r\n"),
            up(b"GET /b HTTP/1.1\r\n\r\n"),
        ],
        &[
            "> 60 request PUT /a",
            "< 38 reply [417], writes, frees locks",
            "> 0 opaque: a body that was refused before it was sent",
            "> 19 pass",
        ],
    );
}

#[test]
fn http_request_that_is_too_long_to_hold() {
    check(
        "http",
        &[
            up(b"PUT /a HTTP/1.1\r\nContent-Length: 17000000\r\n\r\nabc"),
            up(&[b'x'; 2000]),
        ],
        &["> 45 request PUT /a", "> 2003 pass"],
    );
}

#[test]
fn http_answer_before_the_end_of_the_request() {
    check(
        "http",
        &[
            up(b"PUT /a HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc"),
            down(b"HTTP/1.1 413 no\r\nContent-Length: 0\r\n\r\n"),
            up(b"def"),
            up(b"GET /b HTTP/1.1\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ],
        &[
            "< 38 part",
            "> 44 request PUT /a",
            "> 19 request GET /b",
            "< 0 reply [413], writes, frees locks",
            "< 38 reply [200]",
        ],
    );
}

#[test]
fn http_answer_that_nobody_asked_for() {
    check(
        "http",
        &[down(
            b"HTTP/1.1 408 slow\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        )],
        &["< 60 pass", "< 1 push 408"],
    );
}

#[test]
fn http_becomes_something_else() {
    check(
        "http",
        &[
            up(b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
            down(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello"),
            up(b"\x81\x85"),
        ],
        &[
            "> 42 request GET /chat",
            "< 36 reply [101]",
            "< 0 opaque: another protocol after an upgrade",
            "< 7 pass",
            "> 2 pass",
        ],
    );
    check(
        "http",
        &[
            up(b"CONNECT pay:443 HTTP/1.1\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\n\r\n"),
            up(b"\x16\x03\x01"),
        ],
        &[
            "> 28 request CONNECT ?",
            "< 19 reply [200], writes, frees locks",
            "< 0 opaque: a tunnel after CONNECT",
            "> 3 pass",
        ],
    );
}

/// Plays what an instance sends; the link must be opaque from the first byte of the request on.
#[track_caller]
fn check_refused(request: &[u8], reason: &str) {
    let opaque = format!("> 0 opaque: {reason}");
    let pass = format!("> {} pass", request.len());
    check("http", &[up(request)], &[&opaque, &pass]);
}

#[test]
fn http_that_two_readers_could_frame_differently() {
    let heads: &[(&str, &str)] = &[
        (
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "a length and a transfer coding",
        ),
        (
            "Content-Length: 3\r\nContent-Length: 3",
            "a length that is given twice",
        ),
        ("Content-Length: 3, 3", "a length that is no number"),
        ("Content-Length: +3", "a length that is no number"),
        ("Content-Length: 0x3", "a length that is no number"),
        ("Content-Length:", "a length that is no number"),
        (
            "Content-Length: 9999999999999999999",
            "a length that is no number",
        ),
        ("Content-Length : 3", "a header with a strange name"),
        (
            "Transfer-Encoding: gzip, chunked",
            "an unknown transfer coding",
        ),
        ("Transfer-Encoding: xchunked", "an unknown transfer coding"),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "a length that is given twice",
        ),
        ("A: b\r\n c", "a header folded over two lines"),
        ("A: b\nContent-Length: 3", "a line that ends in LF alone"),
        ("A: b\rContent-Length: 3", "a CR within a line"),
        ("A: b\0", "control characters where HTTP has text"),
        ("hunter2", "a header without a colon"),
    ];
    for (headers, reason) in heads {
        let request = format!("POST /a HTTP/1.1\r\n{headers}\r\n\r\nabc");
        check_refused(request.as_bytes(), reason);
    }
    let old = b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check_refused(old, "a transfer coding in HTTP/1.0");
    let chunk =
        |text: &str| format!("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{text}");
    for (text, reason) in [
        ("3\nabc\r\n", "a line that ends in LF alone"),
        ("3\r\nabcd\r\n", "a chunk that is longer than its size"),
        ("-3\r\nabc\r\n", "no size of a chunk"),
        ("0x3\r\nabc\r\n", "no size of a chunk"),
        ("3 x\r\nabc\r\n", "no size of a chunk"),
        ("\r\n", "no size of a chunk"),
        ("fffffffffffffffff\r\n", "no size of a chunk"),
        ("0\r\nhunter2\r\n\r\n", "a header without a colon"),
    ] {
        check_refused(chunk(text).as_bytes(), reason);
    }
}

#[test]
fn http_that_is_none() {
    check_refused(b"\x16\x03\x01\x02\0\x01", "encrypted (TLS)");
    check_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2");
    check_refused(b"GET /a\r\n\r\n", "no request of HTTP");
    check_refused(b"GET  /a HTTP/1.1\r\n\r\n", "no request of HTTP");
    check_refused(b"GET /a HTTP/1.1 \r\n\r\n", "no request of HTTP");
    check_refused(b"GE(T /a HTTP/1.1\r\n\r\n", "no request of HTTP");
    check_refused(b"hunter2\n", "a line that ends in LF alone");
    check_refused(&[b'a'; 70_000], "a head or line that is too long");
}

#[test]
fn http_garbage_within_a_reply() {
    check(
        "http",
        &[
            up(b"GET /a HTTP/1.1\r\n\r\n"),
            down(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            down(b"garbage\r\n"),
            down(b"more"),
        ],
        &[
            "> 19 request GET /a",
            "< 55 part",
            "< 0 opaque: no size of a chunk",
            "< 13 pass",
        ],
    );
    check(
        "http",
        &[up(b"GET /a HTTP/1.1\r\n\r\n"), down(b"220 smtp\r\n\r\n")],
        &[
            "> 19 request GET /a",
            "< 0 opaque: no response of HTTP",
            "< 12 pass",
        ],
    );
}
