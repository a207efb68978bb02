//! The service's stream: messages to replies.

use super::Unreadable;
use super::framing::{Frame, Framing, Header, take_i32, take_string};
use super::open::{Entry, Open, Queue, Until};
use super::reply::{self, Status};
use crate::marks::Marks;
use crate::sql::{Effect, printable};
use crate::{Meaning, REQUEST_BYTES_MAX};

/// How much of a message is read: a tag, a code, a channel.
const BODY_BYTES_MAX: usize = 512;

/// What is done with the bytes of a message while it is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plan {
    /// They are marked as they come.
    Stream(Meaning),
    /// The whole message gets one mark.
    Wait,
}

/// The stream of the service.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) framing: Framing,
    /// The end of the last mark.
    pub(super) marked: u64,
    message: Option<(Header, Plan)>,
    /// The session's status as of the last ReadyForQuery; none before the first, while all passes.
    pub(super) status: Option<Status>,
    /// What the requests did that ended since the last ReadyForQuery.
    effect: Effect,
}

impl Backend {
    pub(super) fn new() -> Self {
        Self {
            framing: Framing::typed(),
            marked: 0,
            message: None,
            status: None,
            effect: Effect::NONE,
        }
    }

    /// Returns whether the next byte belongs to a reply, as far as one can tell.
    pub(super) fn is_in_reply(&self, queue: &Queue) -> bool {
        let is_request = matches!(queue.entries.front(), Some(Entry::Request(_)));
        self.status.is_some() && is_request
    }

    /// Reads all bytes, or those up to where they make no sense.
    pub(super) fn feed(
        &mut self,
        bytes: &mut &[u8],
        queue: &mut Queue,
        marks: &mut Marks<'_>,
    ) -> Result<(), Unreadable> {
        self.finish_complete(queue, marks);
        while let Some(frame) = self.framing.next(bytes) {
            match frame {
                Frame::Header(header) => {
                    let plan = self.plan(header, queue)?;
                    let keep_max = match plan {
                        Plan::Stream(_) => 0,
                        Plan::Wait => BODY_BYTES_MAX,
                    };
                    self.message = Some((header, plan));
                    self.framing.accept(header, keep_max);
                }
                Frame::Part => {
                    if let Some((header, Plan::Stream(meaning))) = &self.message
                        && !is_last_response(header.kind, queue)
                    {
                        let meaning = meaning.clone();
                        self.mark(meaning, marks);
                    }
                }
                Frame::Body(body) => {
                    if let Some((header, plan)) = self.message.take() {
                        self.take(header, plan, &body, queue, marks)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns what to do with a message, if it makes sense here.
    fn plan(&self, header: Header, queue: &mut Queue) -> Result<Plan, Unreadable> {
        let unreadable = |reason: &str| {
            Err(Unreadable {
                start: header.start,
                reason: reason.to_owned(),
            })
        };
        if !b"123ACDEGHIKNRSTVWZcdnstv".contains(&header.kind) || header.body_bytes < 0 {
            return unreadable("no message of PostgreSQL");
        }
        let is_session = self.status.is_some();
        let plan = match (header.kind, queue.entries.front()) {
            (b'W', _) => return unreadable("replication"),
            (b'Z' | b'K', _) => Plan::Wait,
            (_, Some(Entry::CopySync)) => Plan::Stream(Meaning::Pass),
            _ if !is_session => Plan::Stream(Meaning::Pass),
            (b'A' | b'C' | b'E' | b'G', _) => Plan::Wait,
            (b'N', Some(Entry::Request(open))) if open.is_due() => Plan::Stream(Meaning::ReplyPart),
            (b'S', Some(Entry::Request(open))) if open.has_begun => {
                Plan::Stream(Meaning::ReplyPart)
            }
            (b'N' | b'S', _) => Plan::Stream(Meaning::Pass),
            (_, None) => return unreadable("a reply without a request"),
            (kind, Some(_)) if is_last_response(kind, queue) => Plan::Wait,
            (_, Some(_)) => Plan::Stream(Meaning::ReplyPart),
        };
        if plan == Plan::Wait && header.body_bytes.unsigned_abs() > REQUEST_BYTES_MAX {
            return unreadable("a message of more than 16 MiB");
        }
        Ok(plan)
    }

    fn take(
        &mut self,
        header: Header,
        plan: Plan,
        mut body: &[u8],
        queue: &mut Queue,
        marks: &mut Marks<'_>,
    ) -> Result<(), Unreadable> {
        match header.kind {
            b'K' => {
                let session = take_i32(&mut body).unwrap_or(0);
                self.mark(Meaning::Session { session }, marks);
            }
            b'Z' => return self.take_ready(header, body, queue, marks),
            b'A' if plan == Plan::Wait => {
                take_i32(&mut body);
                let channel = String::from_utf8_lossy(take_string(&mut body)).into_owned();
                let channel: String = channel.chars().map(printable).collect();
                // The server sends what others notify only between requests, before the reply to
                // the next begins.
                let is_part = queue.head().is_some_and(|open| open.has_begun);
                let push = Meaning::Push(format!("NOTIFY {channel}"));
                self.mark(if is_part { Meaning::ReplyPart } else { push }, marks);
            }
            b'E' if plan == Plan::Wait => self.take_error(body, queue, marks),
            kind => match (plan, queue.head()) {
                (Plan::Stream(Meaning::Pass), _) => self.mark(Meaning::Pass, marks),
                (_, None) => {
                    return Err(Unreadable {
                        start: header.start,
                        reason: "a reply without a request".to_owned(),
                    });
                }
                (_, Some(open)) => {
                    if take_response(kind, body, open) {
                        self.finish_head(self.framing.offset, queue, marks);
                    } else if kind == b'G' {
                        self.mark(Meaning::Prompt, marks);
                    } else {
                        self.mark(Meaning::ReplyPart, marks);
                    }
                }
            },
        }
        Ok(())
    }

    fn take_error(&mut self, body: &[u8], queue: &mut Queue, marks: &mut Marks<'_>) {
        let error = reply::read_error(body);
        let head = queue.head().filter(|open| !error.is_fatal || open.is_due());
        let Some(open) = head else {
            let severity = if error.is_fatal { "FATAL" } else { "ERROR" };
            self.mark(Meaning::Push(format!("{severity} {}", error.code)), marks);
            return;
        };
        open.has_begun = true;
        open.error.get_or_insert_with(|| error.code.clone());
        let until = open.until;
        let skipped = match until {
            Until::Ready => 0,
            _ => queue.skip(&error.code),
        };
        if until == Until::Undecided || (until == Until::Ready && !error.is_fatal) {
            self.mark(Meaning::ReplyPart, marks);
            return;
        }
        self.finish_head(self.framing.offset, queue, marks);
        for _ in 0..skipped {
            if let Some(open) = queue.head() {
                open.error = Some(error.code.clone());
            }
            self.finish_head(self.framing.offset, queue, marks);
        }
    }

    fn take_ready(
        &mut self,
        header: Header,
        body: &[u8],
        queue: &mut Queue,
        marks: &mut Marks<'_>,
    ) -> Result<(), Unreadable> {
        let after = Status::read(body);
        let Some(before) = self.status.replace(after) else {
            self.mark(Meaning::Pass, marks);
            return Ok(());
        };
        let skipped_for = queue.skipped_for.take();
        match queue.entries.pop_front() {
            Some(Entry::CopySync) => self.mark(Meaning::Pass, marks),
            Some(Entry::Request(mut open)) if open.until == Until::Ready => {
                if open.owed > 0 && open.responses == 0 {
                    open.error = open.error.or(skipped_for);
                }
                // The Sync before the data of a COPY, if there is one, was skipped if it began.
                let takes_next = open.is_extended && (open.is_copy_in || !open.has_sync);
                if takes_next && matches!(queue.entries.front(), Some(Entry::CopySync)) {
                    queue.entries.pop_front();
                }
                let effect = std::mem::take(&mut self.effect);
                let reply = reply::of_ready(open, effect, before, after);
                self.mark(Meaning::ReplyEnd(reply), marks);
            }
            _ => {
                return Err(Unreadable {
                    start: header.start,
                    reason: "an answer to a Sync that was not sent".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Ends the replies whose last response came before the request was known to be complete.
    pub(super) fn finish_complete(&mut self, queue: &mut Queue, marks: &mut Marks<'_>) {
        while queue.head().is_some_and(|open| open.is_complete()) {
            self.finish_head(self.marked, queue, marks);
        }
    }

    /// Ends the reply of the oldest request without a ReadyForQuery.
    fn finish_head(&mut self, end: u64, queue: &mut Queue, marks: &mut Marks<'_>) {
        if let Some(Entry::Request(open)) = queue.entries.pop_front() {
            // An error has undone what the Sync would have committed.
            self.effect = match open.error {
                Some(_) => Effect::NONE,
                None => self.effect | open.effect,
            };
            self.marked = end;
            marks.push(end, Meaning::ReplyEnd(reply::of_responses(open)));
        }
    }

    fn mark(&mut self, meaning: Meaning, marks: &mut Marks<'_>) {
        self.marked = self.framing.offset;
        marks.push(self.marked, meaning);
    }
}

/// Returns whether a message of this kind answers one message of the instance.
fn is_response(kind: u8) -> bool {
    b"123CTnIs".contains(&kind)
}

/// Returns whether a message of this kind would be the last of the reply that is due.
fn is_last_response(kind: u8, queue: &Queue) -> bool {
    let head = queue.entries.front();
    is_response(kind) && matches!(head, Some(Entry::Request(open)) if open.awaits_last())
}

/// Takes a part of a reply, and returns whether it is the last one.
fn take_response(kind: u8, body: &[u8], open: &mut Open) -> bool {
    open.has_begun |= kind != b'N' && kind != b'S';
    open.responses = open.responses.saturating_add(u32::from(is_response(kind)));
    match kind {
        b'C' => open.complete(reply::read_tag(body)),
        b'G' => {
            open.is_copy_in = true;
            // What ends the COPY is the Sync behind its data.
            if open.until != Until::Undecided {
                open.until = Until::Ready;
            }
        }
        _ => {}
    }
    open.is_complete()
}
