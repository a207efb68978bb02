//! The instance's stream: messages to requests.

use super::Unreadable;
use super::draft::Draft;
use super::framing::{Frame, Framing, Header, take_i32, take_string};
use super::open::{Control, Entry, Queue, Until};
use super::statements::{Statement, Statements};
use crate::marks::Marks;
use crate::sql::Effect;
use crate::{Meaning, REQUEST_BYTES_MAX};

/// How much of a query's text is read; what lies beyond may do anything.
const QUERY_BYTES_MAX: usize = 64 << 10;
/// How much of any other message is read: its kind and two names.
const NAMES_BYTES_MAX: usize = 512;
/// Longest message of the start-up, as the server has it.
const STARTUP_BYTES_MAX: i64 = 10_000;

const CANCEL_CODE: i32 = 80_877_102;
const SSL_CODE: i32 = 80_877_103;
const GSSENC_CODE: i32 = 80_877_104;
const MAJOR_VERSION: i32 = 3;

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Before the start-up message.
    Startup,
    /// From the start-up message on.
    Session,
    /// After a cancel request: nothing more is due.
    Over,
}

/// The stream of the instance.
#[derive(Debug)]
pub(super) struct Frontend {
    pub(super) framing: Framing,
    /// The end of the last mark.
    pub(super) marked: u64,
    phase: Phase,
    header: Option<Header>,
    statements: Statements,
    /// The messages that belong to the next request.
    draft: Option<Draft>,
    /// Whether the last request spoke the extended protocol.
    is_extended: bool,
    /// Whether the last message carried or ended COPY data.
    is_copy_tail: bool,
}

impl Frontend {
    pub(super) fn new() -> Self {
        Self {
            framing: Framing::startup(),
            marked: 0,
            phase: Phase::Startup,
            header: None,
            statements: Statements::default(),
            draft: None,
            is_extended: false,
            is_copy_tail: false,
        }
    }

    /// Reads all bytes, or those up to where they make no sense.
    pub(super) fn feed(
        &mut self,
        bytes: &mut &[u8],
        queue: &mut Queue,
        marks: &mut Marks<'_>,
    ) -> Result<(), Unreadable> {
        if self.phase == Phase::Over {
            return self.pass_rest(bytes, marks);
        }
        while let Some(frame) = self.framing.next(bytes) {
            match frame {
                Frame::Header(header) => {
                    let keep_max = self.check(header)?;
                    if is_copy_data(header.kind) {
                        self.split_before_copy(header.start, queue, marks);
                    }
                    self.header = Some(header);
                    self.framing.accept(header, keep_max);
                }
                Frame::Part => {
                    if self.header.is_some_and(|header| is_copy_data(header.kind)) {
                        self.pass(marks);
                    }
                }
                Frame::Body(body) => {
                    let Some(header) = self.header.take() else {
                        continue;
                    };
                    if self.phase == Phase::Startup {
                        self.take_startup(header, &body, marks)?;
                        if self.phase == Phase::Over {
                            return self.pass_rest(bytes, marks);
                        }
                    } else {
                        self.take(header, &body, queue, marks)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn pass_rest(&mut self, bytes: &mut &[u8], marks: &mut Marks<'_>) -> Result<(), Unreadable> {
        self.framing.offset += bytes.len() as u64;
        *bytes = &[];
        if self.framing.offset > self.marked {
            self.pass(marks);
        }
        Ok(())
    }

    /// Returns how much of the message's body is read, if it makes sense.
    fn check(&self, header: Header) -> Result<usize, Unreadable> {
        let unreadable = |reason: &str| {
            Err(Unreadable {
                start: header.start,
                reason: reason.to_owned(),
            })
        };
        let length = header.body_bytes;
        if self.phase == Phase::Startup {
            return match length {
                4..=STARTUP_BYTES_MAX => Ok(NAMES_BYTES_MAX),
                _ => unreadable("no start-up message of PostgreSQL"),
            };
        }
        let is_known = b"BCDEFHPQSXcdfp".contains(&header.kind);
        let is_copy = is_copy_data(header.kind);
        if !is_known || length < 0 {
            return unreadable("no message of PostgreSQL");
        }
        if !is_copy && length.unsigned_abs() > REQUEST_BYTES_MAX {
            return unreadable("a request of more than 16 MiB");
        }
        // The service may still be in the COPY, or not: what it makes of this message is anybody's
        // guess.
        let ends_copy = is_copy || b"HSXp".contains(&header.kind);
        if self.is_copy_tail && self.is_extended && !ends_copy {
            return unreadable("a COPY without the Sync that ends it");
        }
        Ok(match header.kind {
            b'P' | b'Q' => QUERY_BYTES_MAX,
            _ if is_copy => 0,
            _ => NAMES_BYTES_MAX,
        })
    }

    fn take_startup(
        &mut self,
        header: Header,
        mut body: &[u8],
        marks: &mut Marks<'_>,
    ) -> Result<(), Unreadable> {
        let code = take_i32(&mut body).unwrap_or(0);
        let session = take_i32(&mut body);
        match (code, session) {
            (SSL_CODE | GSSENC_CODE, _) => self.mark(Meaning::Answer(b"N"), marks),
            (CANCEL_CODE, Some(session)) => {
                self.mark(Meaning::Cancel { session }, marks);
                self.phase = Phase::Over;
            }
            _ if code >> 16 == MAJOR_VERSION => {
                self.pass(marks);
                self.phase = Phase::Session;
                self.framing.expect_kinds();
            }
            _ => {
                return Err(Unreadable {
                    start: header.start,
                    reason: "a version of the protocol other than 3".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        header: Header,
        mut body: &[u8],
        queue: &mut Queue,
        marks: &mut Marks<'_>,
    ) -> Result<(), Unreadable> {
        let was_copy_tail = std::mem::replace(&mut self.is_copy_tail, is_copy_data(header.kind));
        match header.kind {
            b'Q' | b'F' => {
                let statement = match header.kind {
                    b'Q' => read_query(body, header),
                    _ => function_call(take_i32(&mut body)),
                };
                self.is_extended = false;
                self.draft(queue).execute(statement);
                self.finish(Until::Ready, queue, marks);
            }
            b'P' | b'B' | b'D' | b'C' | b'E' => self.take_extended(header, body, queue),
            b'S' if was_copy_tail && self.is_extended && self.draft.is_none() => {
                queue.is_skipping = false;
                queue.entries.push_back(Entry::CopySync);
                self.pass(marks);
            }
            b'S' => {
                self.is_extended = true;
                self.draft(queue);
                queue.is_skipping = false;
                if let Some(open) = queue.last() {
                    open.has_sync = true;
                }
                self.finish(Until::Ready, queue, marks);
            }
            b'H' => self.take_flush(queue, marks),
            b'X' => self.mark(Meaning::Goodbye, marks),
            _ if self.draft.is_some() => {}
            _ => self.pass(marks),
        }
        Ok(())
    }

    fn take_flush(&mut self, queue: &mut Queue, marks: &mut Marks<'_>) {
        let is_skipped = queue.is_skipping && queue.last().is_some_and(|open| !open.has_begun);
        match &self.draft {
            // Without messages before it a Flush has no answer, and so has what the service skips.
            None => self.pass(marks),
            Some(_) if is_skipped => {
                self.draft = None;
                queue.drop_last();
                self.pass(marks);
            }
            Some(draft) => {
                let until = Until::Responses(draft.responses);
                self.is_extended = true;
                self.finish(until, queue, marks);
            }
        }
    }

    /// Takes a message that a Sync or a Flush will make a request of.
    fn take_extended(&mut self, header: Header, mut body: &[u8], queue: &mut Queue) {
        let is_cut = header.body_bytes.unsigned_abs() > body.len() as u64;
        if self.draft.is_none() {
            queue.begin();
        }
        let draft = self.draft.get_or_insert_with(Draft::new);
        draft.responses = draft.responses.saturating_add(1);
        match header.kind {
            b'P' => {
                let name = take_string(&mut body);
                let statement = Statement::read(take_string(&mut body), is_cut);
                draft.prepare("PARSE", statement.text.clone());
                self.statements.prepare(name, statement);
            }
            b'B' => {
                let portal = take_string(&mut body);
                let name = take_string(&mut body);
                self.statements.bind(portal, name, body);
            }
            b'E' => {
                let portal = self.statements.portal(take_string(&mut body));
                draft.execute(portal.unwrap_or_else(Statement::unknown));
            }
            kind => {
                let Some((&space, mut name)) = body.split_first() else {
                    return;
                };
                let name = take_string(&mut name);
                if kind == b'C' {
                    draft.prepare("CLOSE", "".into());
                    self.statements.close(space, name);
                } else {
                    let statement = match space {
                        b'S' => self.statements.statement(name),
                        _ => self.statements.portal(name),
                    };
                    let text = statement.map_or_else(|| "".into(), |statement| statement.text);
                    draft.prepare("DESCRIBE", text);
                }
            }
        }
    }

    /// Makes a request of the messages before COPY data that no Sync or Flush parts from them.
    fn split_before_copy(&mut self, start: u64, queue: &mut Queue, marks: &mut Marks<'_>) {
        if self.draft.is_some() {
            self.is_extended = true;
            self.finish_at(start, Until::Ready, queue, marks);
        }
    }

    fn draft(&mut self, queue: &mut Queue) -> &mut Draft {
        if self.draft.is_none() {
            queue.begin();
        }
        self.draft.get_or_insert_with(Draft::new)
    }

    /// Makes a request of the messages so far.
    fn finish(&mut self, until: Until, queue: &mut Queue, marks: &mut Marks<'_>) {
        self.finish_at(self.framing.offset, until, queue, marks);
    }

    fn finish_at(&mut self, end: u64, until: Until, queue: &mut Queue, marks: &mut Marks<'_>) {
        let Some(draft) = self.draft.take() else {
            return;
        };
        let text = draft.text();
        if let Some(open) = queue.last() {
            open.is_extended = self.is_extended;
            open.effect = draft.effect;
            open.control = Control::of(&text);
            open.owed = draft.responses;
            open.until = if open.is_copy_in { Until::Ready } else { until };
        }
        self.marked = end;
        marks.push(end, Meaning::Request(text));
    }

    fn pass(&mut self, marks: &mut Marks<'_>) {
        self.mark(Meaning::Pass, marks);
    }

    fn mark(&mut self, meaning: Meaning, marks: &mut Marks<'_>) {
        self.marked = self.framing.offset;
        marks.push(self.marked, meaning);
    }
}

/// Returns whether messages of this kind carry or end COPY data.
fn is_copy_data(kind: u8) -> bool {
    matches!(kind, b'd' | b'c' | b'f')
}

fn read_query(mut body: &[u8], header: Header) -> Statement {
    let is_cut = header.body_bytes.unsigned_abs() > body.len() as u64;
    Statement::read(take_string(&mut body), is_cut)
}

fn function_call(function: Option<i32>) -> Statement {
    Statement {
        text: format!("FUNCTION CALL {}", function.unwrap_or(0)).into(),
        effect: Effect::UNKNOWN,
    }
}
