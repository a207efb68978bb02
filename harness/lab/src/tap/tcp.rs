//! The TCP tap: one task a link, which joins the instance's socket and the service's through a
//! codec.

mod ends;
mod flow;
mod forge;
mod hashes;
mod read;
mod twin;
mod ungated;

use crate::service::ServiceStream;
use crate::tap::buffer::Buffer;
use crate::tap::direction::Direction;
use crate::tap::rules::LinkRules;
use crate::tap::talk::tell_passed;
pub use crate::tap::talk::{Mode, Permit, TapEvent, Tell};
pub use forge::ForgedError;
use forge::Forging;
use std::future::poll_fn;
use std::hash::DefaultHasher;
use std::io;
use tokio::sync::mpsc;
use twiceproof_model::Reply;
use twiceproof_model::event::{LinkEnd, Peer};
use twiceproof_wire::{Codec, Mark, Meaning, Side};
pub use twin::Duplicate;
use twin::Twin;

/// Most bytes of one direction that a tap keeps while it holds; then it stops reading.
pub const HOLD_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a reply that is held back as a whole; a longer one is delivered in parts as it
/// comes.
pub const HOLD_REPLY_MAX: usize = 16 << 20;
/// Most bytes read at once.
const READ_BYTES_MAX: usize = 64 << 10;
/// Bytes read at once on a new link: most links never have more to say.
const READ_BYTES_FIRST: usize = 4 << 10;

/// Bytes after which a link lets the others have their turn: one that is always ready would keep
/// a rule waiting that another one is to heed.
const TURN_BYTES: usize = 128 << 10;

/// What reading from a side gave: the count of bytes, none at the end.
type Read = (Side, io::Result<usize>);

/// Where the oldest request of the link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// There is none, or it was not announced.
    Idle,
    /// It waits for a permit.
    Held,
    /// It was forwarded; `whole`: its reply is held back as a whole.
    InFlight { whole: bool },
    /// Its reply waits for a permit.
    Answered,
}

struct Tap {
    instance: ServiceStream,
    service: ServiceStream,
    codec: Option<Box<dyn Codec>>,
    gate: bool,
    up: Direction,
    down: Direction,
    /// Bytes of our own for the instance; they go first.
    answers: Buffer,
    /// Bytes of our own for the service; they go first.
    instead: Buffer,
    forging: Option<Forging>,
    twin: Option<Twin>,
    stand: Stand,
    request_hash: DefaultHasher,
    reply_hash: DefaultHasher,
    hashed_to: u64,
    abandoned: bool,
    /// Whether the instance's end is kept from the service.
    stranded: bool,
    /// Whether the service's end is kept from the instance.
    detached: bool,
    /// Whether the instance said anything that is not for the codec to answer: before that, what
    /// comes in parts must not be passed in parts.
    is_begun: bool,
    /// Whether the instance waits for the service outside any request. So does a new link, as many
    /// services speak first.
    asked: bool,
    /// Whether bytes wait for a time of their own, as it was told.
    is_delayed: bool,
    /// The side that was read last.
    last_read: Side,
    /// Bytes read since the other tasks of the thread had their turn.
    turn_bytes: usize,
    /// Room for the marks of what was just read; empty in between.
    fresh: Vec<Mark>,
    tell: Tell,
}

/// Joins the two sockets until both directions have ended, or nobody holds the other end of
/// `permits` any more.
///
/// `codec` is `None` for a plain pump. Bytes are conserved in order, but for those that a codec
/// answers itself.
pub async fn join(
    instance: ServiceStream,
    service: ServiceStream,
    codec: Option<Box<dyn Codec>>,
    mode: Mode,
    permits: mpsc::UnboundedReceiver<Permit>,
    tell: Tell,
) {
    join_ruled(instance, service, codec, mode, permits, tell, None).await;
}

/// Joins two sockets as [`join`] does, under the rules of a table.
pub async fn join_ruled(
    instance: ServiceStream,
    service: ServiceStream,
    codec: Option<Box<dyn Codec>>,
    mode: Mode,
    mut permits: mpsc::UnboundedReceiver<Permit>,
    tell: Tell,
    mut rules: Option<LinkRules>,
) {
    let mut tap = Tap {
        instance,
        service,
        codec: codec.filter(|_| mode != Mode::Pump),
        gate: mode == Mode::Gate,
        up: Direction::default(),
        down: Direction::default(),
        answers: Buffer::default(),
        instead: Buffer::default(),
        forging: None,
        twin: None,
        stand: Stand::Idle,
        request_hash: DefaultHasher::new(),
        reply_hash: DefaultHasher::new(),
        hashed_to: 0,
        abandoned: false,
        stranded: false,
        detached: false,
        is_begun: false,
        asked: true,
        is_delayed: false,
        last_read: Side::Instance,
        turn_bytes: 0,
        fresh: Vec::new(),
        tell,
    };
    tap.is_begun = tap.codec.is_none();
    let mut scratch = vec![0; READ_BYTES_FIRST];
    loop {
        // Whatever woke us: a rule is in force before anything else is written.
        if let Some(reader) = &mut rules
            && reader.table.has_changed().unwrap_or(false)
        {
            tap.heed_rules(reader);
        }
        tap.advance();
        tap.flush();
        if tap.is_over() {
            break;
        }
        if tap.turn_bytes >= TURN_BYTES {
            tap.turn_bytes = 0;
            tokio::task::yield_now().await;
            continue;
        }
        let due = tap.due();
        tokio::select! {
            biased;
            permit = permits.recv() => match permit {
                Some(permit) => tap.apply(permit),
                None => break,
            },
            is_kept = changed(&mut rules), if rules.is_some() => match &mut rules {
                Some(reader) if is_kept => tap.heed_rules(reader),
                _ => rules = None,
            },
            _ = sleep_until(due), if due.is_some() => {}
            read = poll_fn(|cx| tap.poll(cx, &mut scratch)) => {
                if let Some((side, read)) = read {
                    let is_full = matches!(read, Ok(count) if count == scratch.len());
                    tap.took(side, read, &scratch);
                    if is_full && scratch.len() < READ_BYTES_MAX {
                        scratch.resize(READ_BYTES_MAX, 0);
                    }
                }
            }
        }
    }
    (tap.tell)(TapEvent::Gone);
}

/// Resolves when the table of rules was swapped; returns whether it is still kept by somebody.
async fn changed(rules: &mut Option<LinkRules>) -> bool {
    match rules {
        Some(reader) => reader.table.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn sleep_until(due: Option<std::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

impl Tap {
    fn is_over(&self) -> bool {
        let both_ended = self.up.ended.is_some() && self.down.ended.is_some();
        (self.up.shut && self.down.shut) || (self.detached && both_ended)
    }

    fn take(&mut self, side: Side, bytes: &[u8]) {
        // Where nothing is held back, reading the bytes must not make them wait: they go first.
        let is_passed = !self.gate && (side == Side::Service || self.is_begun);
        let end = self.direction(side).buffer.end() + bytes.len() as u64;
        if is_passed {
            self.pass(side, bytes);
        }
        let mut marks = std::mem::take(&mut self.fresh);
        if let Some(codec) = &mut self.codec {
            codec.feed(side, bytes, &mut marks);
        }
        if side == Side::Service && std::mem::take(&mut self.asked) {
            (self.tell)(TapEvent::Told);
        }
        let has_codec = self.codec.is_some();
        self.direction(side).arrive(end, &marks, has_codec);
        if self.gate {
            let direction = self.direction(side);
            direction.buffer.push(bytes);
            direction.marks.extend(marks.drain(..));
            self.fresh = marks;
            return;
        }
        if !is_passed {
            self.up.buffer.push(bytes);
            self.swallow(&marks);
        }
        for mark in marks.drain(..) {
            tell_passed(mark.meaning, &mut self.tell);
        }
        self.fresh = marks;
    }

    fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Instance => &mut self.up,
            Side::Service => &mut self.down,
        }
    }

    fn answer(&mut self, bytes: &'static [u8]) {
        self.answers.push(bytes);
        self.answers.permit(u64::MAX);
    }

    /// Notes that a side's stream ended.
    fn end(&mut self, side: Side, how: LinkEnd) {
        let mut marks = Vec::new();
        if let Some(codec) = &mut self.codec {
            codec.end(side, &mut marks);
        }
        let (direction, by) = match side {
            Side::Instance => (&mut self.up, Peer::Instance),
            Side::Service => (&mut self.down, Peer::Service),
        };
        if direction.ended.is_some() {
            return;
        }
        direction.ended = Some(how);
        if self.gate {
            direction.marks.extend(marks);
        } else {
            direction.buffer.permit(u64::MAX);
            for mark in marks {
                tell_passed(mark.meaning, &mut self.tell);
            }
        }
        (self.tell)(TapEvent::Closed { by, how });
    }

    /// Follows the marks of a gated link as far as permits reach.
    fn advance(&mut self) {
        if !self.gate {
            return;
        }
        while self.advance_up() {}
        while self.advance_down() {}
        let unanswered = self.down.ended.is_some() && self.down.marks.is_empty();
        if unanswered && matches!(self.stand, Stand::InFlight { .. }) {
            // What is left of a torn reply still reaches the instance, as it would without us.
            self.down.buffer.permit(u64::MAX);
            self.stand = Stand::Answered;
            (self.tell)(TapEvent::Reply {
                reply: Reply::unknown(),
                bytes_hash: 0,
            });
        } else if unanswered {
            self.down.buffer.permit(u64::MAX);
        }
        if self.up.ended.is_some() && self.up.marks.is_empty() {
            self.up.buffer.permit(u64::MAX);
        }
    }

    /// Handles the next mark of the instance's stream; returns whether there may be another.
    fn advance_up(&mut self) -> bool {
        let Some(mark) = self.up.marks.front() else {
            return false;
        };
        let end = mark.end;
        match &mark.meaning {
            Meaning::Request(text) | Meaning::Unanswered(text) => {
                if self.stand == Stand::Idle {
                    let text = text.clone();
                    let bytes_hash = self.hash_request(end);
                    self.stand = Stand::Held;
                    (self.tell)(TapEvent::Request { text, bytes_hash });
                }
                return false;
            }
            Meaning::Answer(bytes) => {
                // What the codec answers itself stands alone in the stream: all before it has gone.
                let bytes = *bytes;
                self.flush();
                if self.up.buffer.is_ready() {
                    return false;
                }
                let count = usize::try_from(end - self.up.buffer.begin()).unwrap_or(0);
                self.up.buffer.advance(count);
                self.up.buffer.permit(end);
                self.answer(bytes);
            }
            Meaning::Opaque(reason) => {
                let reason = reason.clone();
                self.up.buffer.permit(end);
                (self.tell)(TapEvent::Opaque(reason));
            }
            Meaning::Pass if self.stand == Stand::Idle && !self.asked => {
                self.asked = true;
                self.up.buffer.permit(end);
                (self.tell)(TapEvent::Asked);
            }
            _ => self.up.buffer.permit(end),
        }
        self.up.marks.pop_front();
        true
    }

    /// Handles the next mark of the service's stream; returns whether there may be another.
    fn advance_down(&mut self) -> bool {
        let Some(mark) = self.down.marks.front() else {
            return false;
        };
        let end = mark.end;
        let whole = self.stand == Stand::InFlight { whole: true }
            && self.down.buffer.len() < HOLD_REPLY_MAX;
        match &mark.meaning {
            Meaning::ReplyEnd(reply) if matches!(self.stand, Stand::InFlight { .. }) => {
                let reply = reply.clone();
                if self.awaits_twin() {
                    return false;
                }
                let bytes_hash = self.hash_reply(end);
                self.stand = Stand::Answered;
                (self.tell)(TapEvent::Reply { reply, bytes_hash });
                return false;
            }
            // A reply that is there before its request was forwarded (the server skips it after an
            // error) waits for it, as does one behind a reply that is not delivered.
            Meaning::ReplyEnd(_) if matches!(self.stand, Stand::Held | Stand::Answered) => {
                return false;
            }
            Meaning::ReplyPart => {
                self.hash_part(end);
                if !whole {
                    self.down.buffer.permit(end);
                }
            }
            Meaning::Push(text) => {
                let text = text.clone();
                self.down.buffer.permit(end);
                (self.tell)(TapEvent::Pushed(text));
            }
            Meaning::Session { session } => {
                let session = *session;
                self.down.buffer.permit(end);
                (self.tell)(TapEvent::Session(session));
            }
            Meaning::Opaque(reason) => {
                let reason = reason.clone();
                self.down.buffer.permit(end);
                (self.tell)(TapEvent::Opaque(reason));
            }
            // A prompt must arrive even while the reply is held back, or the operation cannot end.
            _ => self.down.buffer.permit(end),
        }
        self.down.marks.pop_front();
        true
    }

    /// Does what the dispatcher permits.
    fn apply(&mut self, permit: Permit) {
        match permit {
            Permit::Forge(wanted) if self.stand == Stand::Held => {
                if !self.forge(&wanted) {
                    self.apply(Permit::Release);
                }
            }
            Permit::Duplicate(duplicate) if self.stand == Stand::Held => {
                self.duplicate(duplicate);
                self.apply(Permit::Release);
            }
            Permit::Release | Permit::Forward if self.stand == Stand::Held => {
                let whole = matches!(permit, Permit::Forward);
                self.stand = Stand::InFlight { whole };
                let mark = self.up.marks.pop_front();
                let end = mark.as_ref().map_or(0, |mark| mark.end);
                self.up.buffer.permit(end);
                if mark.is_some_and(|mark| matches!(mark.meaning, Meaning::Unanswered(_))) {
                    self.stand = Stand::Answered;
                    (self.tell)(TapEvent::unanswered());
                }
            }
            Permit::Deliver if self.stand == Stand::Answered => {
                // A request without a reply has no mark on this side.
                let is_end = |mark: &mut Mark| matches!(mark.meaning, Meaning::ReplyEnd(_));
                if let Some(mark) = self.down.marks.pop_front_if(is_end) {
                    self.down.buffer.permit(mark.end);
                }
                self.stand = Stand::Idle;
                self.deliver_forged();
            }
            Permit::Drop => self.cut(LinkEnd::Reset),
            Permit::Abandon => self.abandon(),
            Permit::Strand => {
                self.abandon();
                self.stranded = true;
            }
            Permit::Detach => self.detach(),
            Permit::Desert => {
                self.ungate();
                self.up.buffer.cut_all();
            }
            Permit::Deafen(is_deaf) => {
                // Where that is refused, the fault has no effect, which is told.
                let _ = self.instance.deafen(is_deaf);
            }
            // A permit that comes after the end of what it is for is void.
            Permit::Release
            | Permit::Forward
            | Permit::Forge(_)
            | Permit::Duplicate(_)
            | Permit::Deliver => {}
        }
    }
}
