//! Requests whose replies are not complete, and what a reply says of them.

use super::command::{Command, Kind, Subscribed};
use super::replies::Shape;
use super::table::{Does, Entry, Rows};
use std::borrow::Cow;
use twiceproof_model::{Outcome, Reply, Tag};

/// Most commands of one transaction that are told apart; the rest count as writes of which nobody
/// knows how many.
const QUEUED_MAX: usize = 256;
/// Longest code of an error, in bytes.
const CODE_BYTES_MAX: usize = 32;

/// The errors of commands that were not begun.
const REFUSALS: &[&str] = &["LOADING", "NOAUTH", "NOPERM", "NOSCRIPT"];

/// A request that waits for its reply.
#[derive(Debug)]
pub(super) struct Open {
    /// Its name, for tags.
    pub(super) name: Cow<'static, str>,
    /// What is known of it.
    pub(super) entry: Entry,
    /// What it is.
    pub(super) kind: Kind,
}

impl Open {
    /// Returns what it subscribes to, or no longer does.
    pub(super) fn subscribed(&self) -> Option<Subscribed> {
        match self.kind {
            Kind::Subscription(subscribed, _) => Some(subscribed),
            _ => None,
        }
    }
}

impl From<Command> for Open {
    fn from(command: Command) -> Self {
        Self {
            name: command.name,
            entry: command.entry,
            kind: command.kind,
        }
    }
}

/// What a transaction has queued.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    queued: Vec<(Cow<'static, str>, Entry)>,
    is_more: bool,
}

impl Transaction {
    /// Takes a command that the service queued.
    pub(super) fn push(&mut self, open: Open) {
        if self.queued.len() < QUEUED_MAX {
            self.queued.push((open.name, open.entry));
        } else {
            self.is_more = true;
        }
    }

    /// Returns the reply to EXEC: one effect.
    pub(super) fn exec(self, value: &Value) -> Reply {
        let count = match &value.shape {
            Shape::Many(count) => *count,
            Shape::Error(text) => {
                return Reply {
                    outcome: Outcome::Error(code(text)),
                    tags: Vec::new(),
                    writes: false,
                    frees_locks: false,
                };
            }
            // A watched key was changed: nothing was done.
            _ => 0,
        };
        let mut tags = Vec::new();
        let mut reply = Reply {
            outcome: Outcome::Ok,
            tags: Vec::new(),
            writes: self.is_more && count > 0,
            frees_locks: self.is_more && count > 0,
        };
        for ((name, entry), shape) in self.queued.iter().zip(&value.parts) {
            let rows = rows(entry.rows, shape);
            let is_error = matches!(shape, Shape::Error(_)) && entry.does != Does::Unknown;
            if count == 0 || is_error || !writes(entry.does) {
                continue;
            }
            reply.writes = true;
            reply.frees_locks |= frees(entry.does, rows);
            tags.push(Tag {
                command: name.to_string(),
                rows,
            });
        }
        if tags.is_empty() || self.is_more {
            tags.push(Tag {
                command: "EXEC".to_owned(),
                rows: (!self.is_more).then_some(count),
            });
        }
        reply.tags = tags;
        reply
    }
}

/// A value of the service, as far as it matters.
#[derive(Debug)]
pub(super) struct Value {
    /// What it is.
    pub(super) shape: Shape,
    /// The first of its parts, if it is an array.
    pub(super) parts: Vec<Shape>,
}

/// Returns the reply to a command that was done at once.
pub(super) fn reply(open: &Open, value: &Value) -> Reply {
    let does = open.entry.does;
    if let Shape::Error(text) = &value.shape {
        let code = code(text);
        // What was refused before it began did nothing; a script may fail half-way.
        let may_have_written = does == Does::Unknown && !REFUSALS.contains(&code.as_str());
        return Reply {
            outcome: Outcome::Error(code),
            tags: Vec::new(),
            writes: may_have_written,
            frees_locks: may_have_written,
        };
    }
    let rows = rows(open.entry.rows, &value.shape);
    Reply {
        outcome: Outcome::Ok,
        tags: vec![Tag {
            command: open.name.to_string(),
            rows,
        }],
        writes: writes(does),
        frees_locks: frees(does, rows),
    }
}

/// Returns the reply to a command that the service keeps for EXEC.
pub(super) fn queued() -> Reply {
    Reply {
        outcome: Outcome::Ok,
        tags: vec![Tag {
            command: "QUEUED".to_owned(),
            rows: None,
        }],
        writes: false,
        frees_locks: false,
    }
}

fn writes(does: Does) -> bool {
    matches!(does, Does::Write | Does::Wake | Does::Unknown)
}

fn frees(does: Does, rows: Option<u64>) -> bool {
    does == Does::Unknown || (does == Does::Wake && rows != Some(0))
}

fn rows(rows: Rows, shape: &Shape) -> Option<u64> {
    match (rows, shape) {
        (Rows::Counted, Shape::Integer(count)) => Some(u64::try_from(*count).unwrap_or(0)),
        (Rows::Counted | Rows::Found, Shape::Null) => Some(0),
        (Rows::Found, Shape::Many(count)) => Some(*count),
        (Rows::Found, Shape::Status(_) | Shape::Text(_) | Shape::Integer(_)) => Some(1),
        _ => None,
    }
}

/// Returns the code of an error: its first word, where that looks like one. A script may say
/// anything.
pub(super) fn code(text: &[u8]) -> String {
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let is_code = (2..=CODE_BYTES_MAX).contains(&word.len())
        && word.iter().all(is_plain)
        && word[0].is_ascii_uppercase();
    match is_code {
        true => String::from_utf8_lossy(word).into_owned(),
        false => "ERR".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_errors() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            assert_eq!(code(text.as_bytes()), expect);
        }
        check("WRONGTYPE Operation against a key", "WRONGTYPE");
        check("ERR unknown command 'hunter2'", "ERR");
        check("hunter2 said a script", "ERR");
        check("", "ERR");
    }
}
