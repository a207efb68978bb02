//! One session with the recording sink, as bytes in and bytes out.

use super::book::{Book, Given};
use super::request::{Progress, RequestReader, TOO_LARGE};
use crate::service::sink;
use std::io;
use std::sync::{Arc, Mutex};
use twiceproof_wire::http1::RequestHead;

/// One session.
pub(super) struct Session {
    pub(super) book: Arc<Mutex<Book>>,
    reader: RequestReader,
    is_closed: bool,
}

impl Session {
    /// Begins a session that writes into this book.
    pub(super) fn new(book: Arc<Mutex<Book>>) -> Self {
        Self {
            book,
            reader: RequestReader::default(),
            is_closed: false,
        }
    }
}

impl sink::Session for Session {
    const GREETING: &'static [u8] = b"";

    fn feed(&mut self, mut bytes: &[u8], replies: &mut Vec<u8>) -> io::Result<()> {
        while !self.is_closed {
            let given = match self.reader.take(&mut bytes) {
                Ok(None) => return Ok(()),
                Ok(Some(Progress::Waits)) => {
                    replies.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                    continue;
                }
                Ok(Some(Progress::Whole(head, body))) => {
                    self.is_closed = !head.keeps_alive();
                    let mut book = self.book.lock().expect("no holder of this lock panics");
                    let given = book.answer(&head, &body).ok_or_else(full)?;
                    write(&given, Some(&head), self.is_closed, replies);
                    continue;
                }
                Err(TOO_LARGE) => Given::plain(413, TOO_LARGE),
                Err(flaw) => Given::plain(400, flaw),
            };
            self.is_closed = true;
            write(&given, None, true, replies);
        }
        Ok(())
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }
}

fn full() -> io::Error {
    io::Error::other("more requests than one trial may send")
}

/// Appends a response to the request with this head; without one it could not be read.
fn write(given: &Given, head: Option<&RequestHead>, closes: bool, replies: &mut Vec<u8>) {
    let mut text = format!("HTTP/1.1 {} {}\r\n", given.status, reason(given.status));
    for (name, value) in &given.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_body = !matches!(given.status, 204 | 304);
    if has_body {
        text.push_str(&format!("Content-Length: {}\r\n", given.body.len()));
    }
    if closes {
        text.push_str("Connection: close\r\n");
    } else if head.is_some_and(|head| head.is_old) {
        text.push_str("Connection: keep-alive\r\n");
    }
    text.push_str("\r\n");
    if has_body && head.is_none_or(|head| head.method != "HEAD") {
        text.push_str(&given.body);
    }
    replies.extend_from_slice(text.as_bytes());
}

/// Returns the words for the commonest statuses; they mean nothing to programs.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
