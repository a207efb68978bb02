//! Forged errors of mail servers.
//!
//! A server that has begun to take a mail's body can only be left: there is a reply 421, after
//! which the link ends. A refused DATA leaves no transaction behind, so the server is sent RSET.

use super::command::Kind;
use super::{Dialogue, read_reply};
use crate::forge::{Errors, Forgery, is_status, text_of};

/// What can be forged.
pub(super) const ERRORS: Errors = Errors {
    doc: "a reply from 400 to 599, such as 421 or 451; at a mail's body 421 alone",
    fits: is_error,
};

/// The reply after which the server ends the session.
const CLOSING: &str = "421";

/// The texts that go with codes.
const TEXTS: &[(&str, &str)] = &[
    (
        "421",
        "4.3.2 Service not available, closing transmission channel",
    ),
    ("450", "4.2.0 Mailbox unavailable"),
    ("451", "4.3.0 Local error in processing"),
    ("452", "4.3.1 Insufficient system storage"),
    ("550", "5.2.0 Mailbox unavailable"),
    ("554", "5.3.0 Transaction failed"),
];

fn is_error(text: &str) -> bool {
    is_status(text, b"45")
}

impl Dialogue {
    /// Forges an error as the reply to the oldest request.
    pub(super) fn forged(&self, code: &str) -> Option<Forgery> {
        let kind = *self.open.front().filter(|_| !self.is_opaque)?;
        let is_between = self.is_greeted
            && !self.service.has_part()
            && self.service.offset == self.service.marked;
        if !is_error(code) || !is_between {
            return None;
        }
        let text = text_of(TEXTS, code, "An error that was injected");
        let reply = format!("{code} {text}\r\n").into_bytes();
        match kind {
            _ if code == CLOSING => Some(Forgery::unheard(reply).and_end()),
            Kind::Command | Kind::StartTls => Some(Forgery::unheard(reply)),
            Kind::Data => Some(Forgery {
                instead: b"RSET\r\n".to_vec(),
                finish: Box::new(move |answer| Some((end_of_reply(answer)?, reply.clone()))),
                ends: false,
            }),
            Kind::Auth | Kind::Chunk | Kind::Body => None,
        }
    }
}

/// Returns how many of the bytes the first whole reply has, if there is one.
pub(super) fn end_of_reply(bytes: &[u8]) -> Option<usize> {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        let is_last = read_reply(line).is_none_or(|(_, is_last)| is_last);
        if is_last && line.ends_with(b"\n") {
            return Some(end);
        }
    }
    None
}
