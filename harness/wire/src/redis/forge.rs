//! Forged errors of Redis.
//!
//! An error while commands are queued makes the server refuse the EXEC, and one at EXEC drops the
//! queue. So the server is sent a command that it does not know, or a DISCARD, in the request's
//! place.

use super::Dialogue;
use super::command::Kind;
use crate::forge::{Errors, Forgery, text_of};

/// What can be forged.
pub(super) const ERRORS: Errors = Errors {
    doc: "an error of Redis, such as LOADING",
    fits: is_error,
};

/// Longest error, in bytes.
const ERROR_BYTES_MAX: usize = 200;

/// The texts that go with first words.
const TEXTS: &[(&str, &str)] = &[
    ("LOADING", "Redis is loading the dataset in memory"),
    ("READONLY", "You can't write against a read only replica."),
    ("OOM", "command not allowed when used memory > 'maxmemory'."),
    (
        "MASTERDOWN",
        "Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    ),
    ("BUSY", "Redis is busy running a script."),
];

/// A command that no server has.
const UNKNOWN: &[u8] = b"*1\r\n$12\r\nFORGED.ERROR\r\n";
const DISCARD: &[u8] = b"*1\r\n$7\r\nDISCARD\r\n";

fn is_error(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_word =
        word.len() > 1 && word.bytes().all(is_plain) && !word.as_bytes()[0].is_ascii_digit();
    is_word && text.len() <= ERROR_BYTES_MAX && !text.contains(char::is_control)
}

impl Dialogue {
    /// Forges an error as the reply to the oldest request.
    pub(super) fn forged(&self, error: &str) -> Option<Forgery> {
        let open = self.open.front().filter(|_| !self.is_opaque)?;
        let is_between = self.reading.is_none() && self.replies.offset == self.replies.marked;
        if !is_error(error) || !is_between {
            return None;
        }
        let text = match error.contains(' ') {
            true => error.to_owned(),
            false => format!(
                "{error} {}",
                text_of(TEXTS, error, "an error that was injected")
            ),
        };
        match (open.kind, self.transaction.is_some()) {
            (Kind::Plain | Kind::Multi | Kind::Exec, false) => {
                Some(Forgery::unheard(format!("-{text}\r\n").into_bytes()))
            }
            (Kind::Plain, true) => Some(instead(UNKNOWN, text)),
            (Kind::Exec, true) => {
                let text = format!("EXECABORT Transaction discarded because of: {text}");
                Some(instead(DISCARD, text))
            }
            _ => None,
        }
    }
}

/// Sends the server a command whose reply is one line.
fn instead(command: &[u8], text: String) -> Forgery {
    Forgery {
        instead: command.to_vec(),
        finish: Box::new(move |answer| {
            let end = answer.iter().position(|byte| *byte == b'\n')?;
            Some((end + 1, format!("-{text}\r\n").into_bytes()))
        }),
        ends: false,
    }
}
