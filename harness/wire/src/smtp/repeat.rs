//! Mails that reach the service twice, as where a relay tries again.

use super::Dialogue;
use super::command::Kind;
use super::forge::end_of_reply;
use crate::Part;

/// Most bytes of the commands before a mail's body that are kept; a mail with more is not repeated.
const LINES_BYTES_MAX: usize = 64 << 10;

/// The commands that the next mail's body belongs to, as they were sent.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    hello: Vec<u8>,
    lines: Vec<Vec<u8>>,
    is_cut: bool,
}

impl Envelope {
    /// Takes a command.
    pub(super) fn take(&mut self, line: &[u8]) {
        let verb = line.split(|byte| byte.is_ascii_whitespace()).next();
        match verb.unwrap_or_default().to_ascii_uppercase().as_slice() {
            b"EHLO" | b"HELO" | b"LHLO" => self.hello = line.to_vec(),
            b"MAIL" => self.begin(line),
            b"RCPT" => self.push(line),
            // Of a body in parts, only the last one is at hand.
            b"BDAT" if !line.to_ascii_uppercase().ends_with(b" LAST\r\n") => self.is_cut = true,
            _ => {}
        }
    }

    fn begin(&mut self, line: &[u8]) {
        self.lines.clear();
        self.is_cut = false;
        self.push(line);
    }

    fn push(&mut self, line: &[u8]) {
        let bytes: usize = self.lines.iter().map(Vec::len).sum();
        self.is_cut |= bytes + line.len() > LINES_BYTES_MAX;
        if !self.is_cut {
            self.lines.push(line.to_vec());
        }
    }
}

impl Dialogue {
    /// Repeats the oldest request, of which these are the bytes: a mail, with the commands that it
    /// belongs to.
    pub(super) fn repeated(&self, request: &[u8]) -> Option<Vec<Part>> {
        let is_body = self.open.front() == Some(&Kind::Body) && !self.is_opaque;
        let Envelope {
            hello,
            lines,
            is_cut,
        } = &self.envelope;
        if !is_body || *is_cut || hello.is_empty() || lines.is_empty() {
            return None;
        }
        let is_chunk = request
            .get(..4)
            .is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"));
        let data: &[&[u8]] = if is_chunk { &[] } else { &[b"DATA\r\n"] };
        let before = [&b""[..], hello].into_iter();
        let said = before
            .chain(lines.iter().map(Vec::as_slice))
            .chain(data.iter().copied())
            .chain([request]);
        let part = |bytes: &[u8]| Part {
            bytes: bytes.to_vec(),
            end: |bytes, _| end_of_reply(bytes),
        };
        Some(said.map(part).collect())
    }
}
