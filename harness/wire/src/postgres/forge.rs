//! Forged errors of PostgreSQL.
//!
//! Within a transaction a real error would abort it, and its locks would be free. So the server is
//! sent a statement that fails in the request's place, and at COMMIT a ROLLBACK: from then on the
//! session is what the instance was told, and the server itself answers what follows.

use super::PostgresCodec;
use super::framing::{Frame, Framing};
use super::open::{Control, Entry, Until};
use super::reply::Status;
use crate::forge::{Errors, Forgery, text_of};

/// What can be forged.
pub(super) const ERRORS: Errors = Errors {
    doc: "a SQLSTATE, such as 40001",
    fits: is_code,
};

/// The messages that go with codes.
const TEXTS: &[(&str, &str)] = &[
    (
        "40001",
        "could not serialize access due to concurrent update",
    ),
    ("40P01", "deadlock detected"),
    ("53100", "No space left on device"),
    ("53200", "out of memory"),
    ("55P03", "canceling statement due to lock timeout"),
    ("57014", "canceling statement due to user request"),
    (
        "57P01",
        "terminating connection due to administrator command",
    ),
];

/// The codes behind which the server ends the session.
const FATAL: &[&str] = &["57P01", "57P02", "57P03", "57P05", "25P03", "08P01"];

/// What the server is sent to abort its transaction. It is no SQL.
const FAILS: &str = "forged error";
/// What it is sent where the request begins the transaction.
const FAILS_BEGUN: &str = "BEGIN; SELECT 1/0";

fn is_code(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.len() == 5 && text.bytes().all(is_plain) && !text.starts_with("00")
}

impl PostgresCodec {
    /// Forges an error as the reply to the oldest request.
    pub(super) fn forged(&self, code: &str) -> Option<Forgery> {
        let status = self.backend.status.filter(|_| !self.is_opaque)?;
        let Some(Entry::Request(open)) = self.queue.entries.front() else {
            return None;
        };
        let is_copy = matches!(self.queue.entries.get(1), Some(Entry::CopySync));
        let is_new = !open.has_begun && open.responses == 0;
        if !is_code(code) || !is_new || is_copy || !self.backend.framing.is_between() {
            return None;
        }
        if FATAL.contains(&code) {
            return Some(Forgery::unheard(error("FATAL", code)).and_end());
        }
        // What a Flush ends leaves the server skipping, up to the next Sync, as after any error.
        let (end, last) = match open.until {
            Until::Ready => (b'S', b'Z'),
            Until::Responses(_) => (b'H', b'E'),
            Until::Undecided => return None,
        };
        let query = |text: &str| message(b'Q', &[text.as_bytes(), b"\0"].concat());
        match (open.is_extended, status, open.control) {
            (_, Status::Failed, _) | (_, _, Control::End) => None,
            (true, _, Control::None) => {
                let parse = message(b'P', &[&b"\0"[..], FAILS.as_bytes(), b"\0\0\0"].concat());
                Some(instead([parse, message(end, b"")].concat(), last, code))
            }
            (true, _, _) if open.until != Until::Ready => None,
            (false, Status::Idle, Control::None) => {
                let mut reply = error("ERROR", code);
                reply.extend(b"Z\0\0\0\x05I");
                Some(Forgery::unheard(reply))
            }
            (_, Status::Idle, Control::Whole) => Some(instead(query(FAILS_BEGUN), b'Z', code)),
            (_, Status::Transaction, Control::None) => Some(instead(query(FAILS), b'Z', code)),
            (_, Status::Transaction, Control::Commit) => {
                Some(instead(query("ROLLBACK"), b'Z', code))
            }
            (_, Status::Idle, _) | (_, _, Control::Whole | Control::Several) => None,
        }
    }
}

/// Sends the server something that fails, or ends its transaction, up to a message of this kind.
fn instead(instead: Vec<u8>, last: u8, code: &str) -> Forgery {
    let code = code.to_owned();
    Forgery {
        instead,
        finish: Box::new(move |answer| finish(answer, last, &code)),
        ends: false,
    }
}

/// Puts the error in the place of what the server says up to the last message; a ReadyForQuery
/// stays, and so does what is no answer, such as a notification.
fn finish(answer: &[u8], last: u8, code: &str) -> Option<(usize, Vec<u8>)> {
    let mut framing = Framing::typed();
    let mut rest = answer;
    let (mut start, mut kind) = (0, 0);
    let mut reply = Vec::new();
    while let Some(frame) = framing.next(&mut rest) {
        match frame {
            Frame::Header(header) => {
                kind = header.kind;
                framing.accept(header, 0);
            }
            Frame::Part => {}
            Frame::Body(_) => {
                let end = answer.len() - rest.len();
                if kind == last {
                    reply.extend(error("ERROR", code));
                }
                if matches!(kind, b'A' | b'S' | b'Z') {
                    reply.extend(&answer[start..end]);
                }
                if kind == last {
                    return Some((end, reply));
                }
                start = end;
            }
        }
    }
    None
}

fn error(severity: &str, code: &str) -> Vec<u8> {
    let text = text_of(TEXTS, code, "an error that was injected");
    let fields = format!("S{severity}\0V{severity}\0C{code}\0M{text}\0\0");
    message(b'E', fields.as_bytes())
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[kind], &length.to_be_bytes()[..], body].concat()
}
