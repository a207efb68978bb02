//! Redis: RESP2 and RESP3.
//!
//! A request is one command, in an array or in a line; a pipeline is as many. A command between
//! MULTI and EXEC is answered QUEUED and writes nothing; EXEC is the one effect of them all. What
//! comes unasked (messages of channels, invalidations) is a push. SUBSCRIBE and its like are
//! answered once for each channel; the last of these ends the reply.

mod command;
mod forge;
mod line;
mod open;
mod replies;
mod requests;
mod sha1;
mod table;

pub use requests::split as split_line;

use crate::marks::Marks;
use crate::{Codec, Errors, Forgery, Mark, Meaning, Protocol, Side};
use command::{Command, Kind, Replies as ReplyMode, Subscribed};
use open::{Open, Transaction, Value};
use replies::{Piece, Replies, STREAM_BYTES_MIN, Shape};
use requests::Requests;
use std::collections::VecDeque;
use twiceproof_model::{Outcome, Reply};

/// Longest line, of either side.
const LINE_BYTES_MAX: usize = 64 << 10;
/// Most words of a command.
const COUNT_MAX: u64 = 1 << 20;
/// Most parts of a reply that are looked at.
const PARTS_MAX: usize = 256;

/// The protocol of Redis and of what speaks like it.
pub(crate) struct Redis;

impl Protocol for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn doc(&self) -> &'static str {
        "Redis, RESP2 and RESP3: pipelines by command, MULTI to EXEC, scripts, blocking commands, pushes."
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(Dialogue::default())
    }

    fn errors(&self) -> Option<Errors> {
        Some(forge::ERRORS)
    }
}

/// What a value of the service turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Its first part will tell.
    Undecided,
    /// A reply, or a confirmation of a subscription.
    Reply,
    /// Something that nobody asked for.
    Push,
}

/// A value that is being read.
#[derive(Debug)]
struct Reading {
    class: Class,
    value: Value,
    is_push_type: bool,
}

/// How many subscriptions a session has, as the service told.
#[derive(Debug, Default)]
struct Subscriptions {
    channels: u64,
    patterns: u64,
    shards: u64,
}

/// The streams of one connection.
#[derive(Debug, Default)]
struct Dialogue {
    requests: Requests,
    replies: Replies,
    /// The requests without a complete reply, oldest first.
    open: VecDeque<Open>,
    reading: Option<Reading>,
    /// What is queued since MULTI was answered.
    transaction: Option<Transaction>,
    /// Whether MULTI was sent, and neither EXEC nor DISCARD since.
    is_multi_sent: bool,
    /// How commands are answered, as of the last CLIENT REPLY that was sent.
    reply_mode: Option<ReplyMode>,
    subscriptions: Subscriptions,
    is_resp3: bool,
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
                let marked = *self.position(side).1;
                marks.push(marked, Meaning::Opaque(reason.to_owned()));
            }
        }
        if self.is_opaque {
            let (offset, _) = self.position(side);
            *offset += rest.len() as u64;
            self.mark_rest(side, Meaning::Pass, &mut marks);
        }
    }

    fn end(&mut self, side: Side, marks: &mut Vec<Mark>) {
        let class = self.reading.as_ref().map(|reading| reading.class);
        let is_reply = side == Side::Service
            && !self.open.is_empty()
            && class != Some(Class::Push)
            && !self.is_opaque;
        let meaning = if is_reply {
            Meaning::ReplyPart
        } else {
            Meaning::Pass
        };
        self.mark_rest(side, meaning, &mut Marks::new(marks));
    }

    fn forge(&self, error: &str) -> Option<Forgery> {
        self.forged(error)
    }
}

impl Dialogue {
    /// Returns the offset of the side's next byte and the end of its last mark.
    fn position(&mut self, side: Side) -> (&mut u64, &mut u64) {
        match side {
            Side::Instance => (&mut self.requests.offset, &mut self.requests.marked),
            Side::Service => (&mut self.replies.offset, &mut self.replies.marked),
        }
    }

    /// Marks all that was read since the last mark, if there is any.
    fn mark_rest(&mut self, side: Side, meaning: Meaning, marks: &mut Marks<'_>) {
        let (offset, marked) = self.position(side);
        if *offset > *marked {
            *marked = *offset;
            let end = *offset;
            marks.push(end, meaning);
        }
    }

    fn feed_instance(
        &mut self,
        bytes: &mut &[u8],
        marks: &mut Marks<'_>,
    ) -> Result<(), &'static str> {
        while let Some(words) = self.requests.next(bytes)? {
            if words.words.is_empty() {
                // The service does not answer it; it goes with what follows.
                continue;
            }
            let command = command::read(&words.words, words.count);
            if matches!(command.name.as_ref(), "SYNC" | "PSYNC" | "REPLCONF") {
                return Err("replication");
            }
            self.take_command(command, marks)?;
        }
        Ok(())
    }

    fn take_command(
        &mut self,
        mut command: Command,
        marks: &mut Marks<'_>,
    ) -> Result<(), &'static str> {
        let is_silent = self.turn_replies(&command)?;
        if is_silent && (command.kind != Kind::Plain || self.is_multi_sent) {
            return Err("a change of the session without a reply");
        }
        match command.kind {
            Kind::Multi => self.is_multi_sent = true,
            Kind::Exec | Kind::Discard | Kind::Reset => self.is_multi_sent = false,
            _ => {}
        }
        let text = std::mem::take(&mut command.text);
        let meaning = if is_silent {
            Meaning::Unanswered(text)
        } else {
            self.open.push_back(Open::from(command));
            Meaning::Request(text)
        };
        self.mark_rest(Side::Instance, meaning, marks);
        Ok(())
    }

    /// Follows CLIENT REPLY; returns whether the command gets no answer.
    fn turn_replies(&mut self, command: &Command) -> Result<bool, &'static str> {
        let former = self.reply_mode;
        if former == Some(ReplyMode::Skip) {
            self.reply_mode = None;
        }
        let Some(mode) = command.replies else {
            return Ok(former.is_some());
        };
        if self.is_multi_sent {
            return Err("CLIENT REPLY inside MULTI");
        }
        self.reply_mode = match (mode, former) {
            (ReplyMode::On, _) => None,
            // Only ON ends OFF.
            (ReplyMode::Skip, Some(ReplyMode::Off)) => former,
            (mode, _) => Some(mode),
        };
        Ok(mode != ReplyMode::On || former == Some(ReplyMode::Skip))
    }

    fn feed_service(
        &mut self,
        bytes: &mut &[u8],
        marks: &mut Marks<'_>,
    ) -> Result<(), &'static str> {
        while let Some(piece) = self.replies.next(bytes)? {
            match piece {
                Piece::Begin {
                    depth: 0,
                    is_push,
                    count,
                } => self.begin(Shape::Many(count), is_push)?,
                Piece::Begin { depth, count, .. } => self.take_part(depth, Shape::Many(count))?,
                Piece::Value {
                    depth: 0, shape, ..
                } => {
                    if let Some(shape) = shape {
                        self.begin(shape, false)?;
                    }
                    self.finish(marks)?;
                }
                Piece::Value {
                    depth,
                    shape,
                    is_last,
                } => {
                    if let Some(shape) = shape {
                        self.take_part(depth, shape)?;
                    }
                    let waiting = self.replies.offset - self.replies.marked;
                    if waiting > STREAM_BYTES_MIN && !is_last {
                        self.mark_part(marks);
                    }
                }
                Piece::Stream => {
                    match &self.reading {
                        None => self.begin(Shape::Text(Vec::new()), false)?,
                        Some(reading) if reading.class == Class::Undecided => self.decide(&[])?,
                        Some(_) => {}
                    }
                    self.mark_part(marks);
                }
            }
        }
        Ok(())
    }

    /// Begins a value, or takes what it is after all, if it was passed on as it came.
    fn begin(&mut self, shape: Shape, is_push_type: bool) -> Result<(), &'static str> {
        if let Some(reading) = &mut self.reading {
            reading.value.shape = shape;
            return Ok(());
        }
        let is_array = matches!(shape, Shape::Many(_));
        let is_owed = matches!(self.open.front(), Some(open) if open.subscribed().is_some());
        let may_be_message = self.subscriptions.any() && !self.is_resp3;
        let class = match (is_push_type, self.open.is_empty()) {
            (true, _) => Class::Undecided,
            _ if is_array && (is_owed || may_be_message) => Class::Undecided,
            (false, false) => Class::Reply,
            // A service that takes no more clients says so unasked.
            (false, true) if matches!(shape, Shape::Error(_)) => Class::Push,
            (false, true) => return Err("a reply without a request"),
        };
        let parts = Vec::new();
        self.reading = Some(Reading {
            class,
            value: Value { shape, parts },
            is_push_type,
        });
        Ok(())
    }

    /// Takes a part of an array. The first may tell what the array is.
    fn take_part(&mut self, depth: usize, shape: Shape) -> Result<(), &'static str> {
        let Some(reading) = self.reading.as_mut().filter(|_| depth == 1) else {
            return Ok(());
        };
        if reading.value.parts.len() < PARTS_MAX {
            reading.value.parts.push(shape);
        }
        if reading.class == Class::Undecided {
            let name = match &reading.value.parts[0] {
                Shape::Text(name) => name.clone(),
                _ => Vec::new(),
            };
            self.decide(&name)?;
        }
        Ok(())
    }

    /// Decides what an array is, by its first part.
    fn decide(&mut self, name: &[u8]) -> Result<(), &'static str> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let is_message = matches!(name, b"message" | b"pmessage" | b"smessage");
        let is_confirmation = self.open.front().is_some_and(|open| {
            open.subscribed().is_some() && open.name.as_bytes().eq_ignore_ascii_case(name)
        });
        let is_unasked = reading.is_push_type || (is_message && self.subscriptions.any());
        reading.class = match (is_confirmation, is_unasked) {
            (true, _) => Class::Reply,
            (false, true) => Class::Push,
            (false, false) if self.open.is_empty() => return Err("a reply without a request"),
            (false, false) => Class::Reply,
        };
        Ok(())
    }

    /// Marks what was read so far, where it is known what it is.
    fn mark_part(&mut self, marks: &mut Marks<'_>) {
        let meaning = match self.reading.as_ref().map(|reading| reading.class) {
            Some(Class::Reply) => Meaning::ReplyPart,
            Some(Class::Push) => Meaning::Pass,
            Some(Class::Undecided) | None => return,
        };
        self.mark_rest(Side::Service, meaning, marks);
    }

    /// Takes a value that is complete.
    fn finish(&mut self, marks: &mut Marks<'_>) -> Result<(), &'static str> {
        if matches!(&self.reading, Some(reading) if reading.class == Class::Undecided) {
            self.decide(&[])?;
        }
        let Some(Reading { class, value, .. }) = self.reading.take() else {
            return Ok(());
        };
        if class == Class::Push {
            self.mark_rest(Side::Service, Meaning::Push(push_text(&value)), marks);
            return Ok(());
        }
        if self.confirm(&value) {
            self.mark_rest(Side::Service, Meaning::ReplyPart, marks);
            return Ok(());
        }
        let Some(open) = self.open.pop_front() else {
            return Err("a reply without a request");
        };
        let kind = open.kind;
        let reply = self.answer(open, &value)?;
        let is_monitor = kind == Kind::Monitor && reply.outcome == Outcome::Ok;
        self.mark_rest(Side::Service, Meaning::ReplyEnd(reply), marks);
        if is_monitor {
            return Err("the log of all commands, after MONITOR");
        }
        Ok(())
    }

    /// Takes a confirmation, if the value is one; returns whether more of them end the reply.
    fn confirm(&mut self, value: &Value) -> bool {
        let Some(Kind::Subscription(subscribed, owed)) =
            self.open.front_mut().map(|open| &mut open.kind)
        else {
            return false;
        };
        let Some(Shape::Integer(total)) = value.parts.get(2) else {
            return false;
        };
        let before = self.subscriptions.of(*subscribed);
        let left = owed.unwrap_or(before).saturating_sub(1);
        *owed = Some(left);
        self.subscriptions
            .set(*subscribed, u64::try_from(*total).unwrap_or(0));
        left > 0
    }

    /// Returns the reply, and follows what it says of the session.
    fn answer(&mut self, open: Open, value: &Value) -> Result<Reply, &'static str> {
        let is_queued = matches!(&value.shape, Shape::Status(text) if text == b"QUEUED");
        if let Some(transaction) = self.transaction.as_mut().filter(|_| is_queued) {
            if open.kind != Kind::Plain {
                return Err("a change of the session inside MULTI");
            }
            transaction.push(open);
            return Ok(open::queued());
        }
        let is_error = matches!(value.shape, Shape::Error(_));
        match open.kind {
            Kind::Exec => {
                if let Some(transaction) = self.transaction.take() {
                    return Ok(transaction.exec(value));
                }
            }
            Kind::Multi if !is_error => self.transaction = Some(Transaction::default()),
            Kind::Discard if !is_error => self.transaction = None,
            Kind::Reset if !is_error => {
                self.transaction = None;
                self.subscriptions = Subscriptions::default();
                self.is_resp3 = false;
            }
            Kind::Hello(Some(is_resp3)) if !is_error => self.is_resp3 = is_resp3,
            _ => {}
        }
        Ok(open::reply(&open, value))
    }
}

impl Subscriptions {
    fn any(&self) -> bool {
        self.channels > 0 || self.patterns > 0 || self.shards > 0
    }

    fn of(&self, subscribed: Subscribed) -> u64 {
        match subscribed {
            Subscribed::Channels => self.channels,
            Subscribed::Patterns => self.patterns,
            Subscribed::Shards => self.shards,
        }
    }

    /// Takes a total as the service tells it: channels and patterns together, shards alone.
    fn set(&mut self, subscribed: Subscribed, total: u64) {
        match subscribed {
            Subscribed::Channels => self.channels = total.saturating_sub(self.patterns),
            Subscribed::Patterns => self.patterns = total.saturating_sub(self.channels),
            Subscribed::Shards => self.shards = total,
        }
    }
}

/// Returns what a push is: its kind, and the channel that it came by.
fn push_text(value: &Value) -> String {
    if let Shape::Error(text) = &value.shape {
        return format!("ERROR {}", open::code(text));
    }
    let text = |place: usize| match value.parts.get(place) {
        Some(Shape::Text(text)) => Some(command::show(text)),
        _ => None,
    };
    let kind = text(0).unwrap_or_default().to_ascii_uppercase();
    match (kind.as_str(), text(1)) {
        ("MESSAGE" | "PMESSAGE" | "SMESSAGE", Some(channel)) => format!("{kind} {channel}"),
        ("INVALIDATE", _) => kind,
        _ => "PUSH".to_owned(),
    }
}
