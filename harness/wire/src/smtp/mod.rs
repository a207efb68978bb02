//! SMTP: command lines and their replies, and the bodies of mails.
//!
//! A request is a command line, an answer to an AUTH challenge, or a mail's body with the dot that
//! ends it. Only the end of a body writes: until then the service has promised nothing.

mod command;
mod forge;
mod lines;
mod repeat;

use crate::marks::Marks;
use crate::{Codec, Errors, Forgery, Mark, Meaning, Part, Protocol, REQUEST_BYTES_MAX, Side};
use command::{Command, Kind};
use lines::{BodyEnd, Lines};
use repeat::Envelope;
use std::collections::VecDeque;
use twiceproof_model::{Outcome, Reply, Tag};

/// Longest line, of either side.
const LINE_BYTES_MAX: usize = 64 << 10;

/// The protocol of mail submission.
pub(crate) struct Smtp;

impl Protocol for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn doc(&self) -> &'static str {
        "SMTP without encryption: commands, pipelines, AUTH, mail bodies by DATA and BDAT."
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(Dialogue::default())
    }

    fn errors(&self) -> Option<Errors> {
        Some(forge::ERRORS)
    }

    fn repeats(&self) -> bool {
        true
    }
}

/// What the instance sends now.
#[derive(Debug, Default)]
enum Mode {
    /// Lines.
    #[default]
    Lines,
    /// A mail's body, up to a dot that stands alone.
    Body(BodyEnd),
    /// So many more bytes of a body whose length was given.
    Chunk(u64, Kind),
}

/// The streams of one connection.
#[derive(Debug, Default)]
struct Dialogue {
    instance: Lines,
    service: Lines,
    mode: Mode,
    /// The requests without a complete reply, oldest first.
    open: VecDeque<Kind>,
    envelope: Envelope,
    /// Whether lines of the instance answer challenges.
    is_auth: bool,
    is_greeted: bool,
    is_opaque: bool,
}

impl Codec for Dialogue {
    fn feed(&mut self, side: Side, bytes: &[u8], marks: &mut Vec<Mark>) {
        let mut marks = Marks::new(marks);
        let mut rest = bytes;
        if !self.is_opaque {
            let read = match side {
                Side::Instance => self.feed_instance(&mut rest, &mut marks),
                Side::Service => self.feed_service(&mut rest, &mut marks),
            };
            if let Err(reason) = read {
                self.is_opaque = true;
                marks.push(self.lines(side).marked, Meaning::Opaque(reason.to_owned()));
            }
        }
        if self.is_opaque {
            let lines = self.lines(side);
            lines.offset += rest.len() as u64;
            lines.mark_rest(Meaning::Pass, &mut marks);
        }
    }

    fn end(&mut self, side: Side, marks: &mut Vec<Mark>) {
        let is_reply = side == Side::Service && !self.open.is_empty() && !self.is_opaque;
        let meaning = if is_reply {
            Meaning::ReplyPart
        } else {
            Meaning::Pass
        };
        self.lines(side).mark_rest(meaning, &mut Marks::new(marks));
    }

    fn forge(&self, error: &str) -> Option<Forgery> {
        self.forged(error)
    }

    fn repeat(&self, request: &[u8]) -> Option<Vec<Part>> {
        self.repeated(request)
    }
}

impl Dialogue {
    fn lines(&mut self, side: Side) -> &mut Lines {
        match side {
            Side::Instance => &mut self.instance,
            Side::Service => &mut self.service,
        }
    }

    fn feed_instance(
        &mut self,
        bytes: &mut &[u8],
        marks: &mut Marks<'_>,
    ) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            match &mut self.mode {
                Mode::Lines => {
                    let Some(line) = self.instance.next(bytes)? else {
                        return Ok(());
                    };
                    self.take_line(&line, marks)?;
                }
                Mode::Body(end) => {
                    let (length, is_end) = end.find(bytes);
                    self.instance.skip(bytes, length);
                    if is_end {
                        self.request("DATA body".to_owned(), Kind::Body, marks);
                    } else if self.instance.offset - self.instance.marked > REQUEST_BYTES_MAX {
                        return Err("a mail of more than 16 MiB");
                    }
                }
                Mode::Chunk(left, kind) => {
                    let length = (bytes.len() as u64).min(*left) as usize;
                    let kind = *kind;
                    *left -= length as u64;
                    let is_end = *left == 0;
                    self.instance.skip(bytes, length);
                    if is_end {
                        self.request("BDAT body".to_owned(), kind, marks);
                    }
                }
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], marks: &mut Marks<'_>) -> Result<(), &'static str> {
        if self.is_auth {
            self.request("AUTH ?".to_owned(), Kind::Auth, marks);
            return Ok(());
        }
        let Command { text, kind, chunk } = command::read(line);
        self.envelope.take(line);
        self.is_auth = kind == Kind::Auth;
        match chunk {
            Some(length) if length > REQUEST_BYTES_MAX => Err("a mail of more than 16 MiB"),
            Some(length) if length > 0 => {
                self.mode = Mode::Chunk(length, kind);
                Ok(())
            }
            _ => {
                self.request(text, kind, marks);
                Ok(())
            }
        }
    }

    fn request(&mut self, text: String, kind: Kind, marks: &mut Marks<'_>) {
        self.mode = Mode::Lines;
        self.open.push_back(kind);
        self.instance.mark_rest(Meaning::Request(text), marks);
    }

    fn feed_service(
        &mut self,
        bytes: &mut &[u8],
        marks: &mut Marks<'_>,
    ) -> Result<(), &'static str> {
        while let Some(line) = self.service.next(bytes)? {
            let Some((code, is_last)) = read_reply(&line) else {
                return Err("no reply of SMTP");
            };
            let meaning = match self.open.front() {
                _ if !self.is_greeted => {
                    self.is_greeted = is_last;
                    Meaning::Pass
                }
                None => Meaning::Push(code),
                Some(_) if !is_last => Meaning::ReplyPart,
                Some(kind) => {
                    let kind = *kind;
                    self.open.pop_front();
                    let is_start_of_tls = kind == Kind::StartTls && code == "220";
                    self.follow(kind, &code)?;
                    self.service
                        .mark_rest(Meaning::ReplyEnd(reply(kind, code)), marks);
                    if is_start_of_tls {
                        return Err("encrypted after STARTTLS");
                    }
                    continue;
                }
            };
            self.service.mark_rest(meaning, marks);
        }
        Ok(())
    }

    /// Draws what follows for the instance's stream from the complete reply to a request.
    fn follow(&mut self, kind: Kind, code: &str) -> Result<(), &'static str> {
        if kind == Kind::Auth {
            self.is_auth = code == "334" || self.open.contains(&Kind::Auth);
        }
        if kind == Kind::Data && code == "354" {
            if !self.open.is_empty() || self.instance.has_part() {
                return Err("a mail body before the service asked for it");
            }
            self.mode = Mode::Body(BodyEnd::default());
        }
        Ok(())
    }
}

/// Reads the code of a reply's line, and whether it is the last one.
fn read_reply(line: &[u8]) -> Option<(String, bool)> {
    let code = line.get(..3)?;
    let is_last = match line.get(3) {
        None | Some(b' ' | b'\r' | b'\n') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let is_code = code.iter().all(u8::is_ascii_digit);
    is_code.then(|| (String::from_utf8_lossy(code).into_owned(), is_last))
}

fn reply(kind: Kind, code: String) -> Reply {
    Reply {
        outcome: match code.as_bytes()[0] {
            b'4' | b'5' => Outcome::Error(code.clone()),
            _ => Outcome::Ok,
        },
        tags: vec![Tag {
            command: code,
            rows: None,
        }],
        writes: kind == Kind::Body,
        frees_locks: false,
    }
}
