//! One direction of a gated or pumped link.

use crate::tap::buffer::Buffer;
use crate::tap::rules::{Allow, Rule, Shape};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use twiceproof_model::event::LinkEnd;
use twiceproof_wire::Mark;

/// What the bytes of a direction wait for that may be written as far as permits go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Waits {
    /// There are none.
    #[default]
    Nothing,
    /// The socket takes no more.
    Socket,
    /// A rule lets them go at this time.
    Time(Instant),
    /// A rule stops them until it is healed.
    Heal,
}

/// One direction of a link.
#[derive(Default)]
pub(super) struct Direction {
    pub(super) buffer: Buffer,
    pub(super) marks: VecDeque<Mark>,
    pub(super) ended: Option<LinkEnd>,
    /// Whether the end was passed on.
    pub(super) shut: bool,
    /// The rules in force on it.
    pub(super) shapes: Vec<(Arc<Rule>, Box<dyn Shape>)>,
    pub(super) waits: Waits,
}

impl Direction {
    /// Notes for the rules what arrived: the bytes before `end`, with the ends of messages in them.
    pub(super) fn arrive(&mut self, end: u64, marks: &[Mark], has_codec: bool) {
        if self.shapes.is_empty() {
            return;
        }
        let now = Instant::now();
        for (_, shape) in &mut self.shapes {
            for mark in marks {
                shape.arrive(now, mark.end, true);
            }
            // Where nobody reads the stream, what is read at once counts as a message.
            shape.arrive(now, end, !has_codec);
        }
    }

    /// Returns whether everything before the end has gone, and the end may go.
    pub(super) fn is_drained(&self) -> bool {
        let is_free = matches!(self.waits, Waits::Nothing | Waits::Socket);
        self.buffer.len() == 0 && is_free
    }

    /// Writes what may be written now. Returns how the link ends, where a rule ends it.
    pub(super) fn drain(
        &mut self,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Option<LinkEnd>> {
        if self.shapes.is_empty() {
            self.buffer.drain_into(write)?;
            self.waits = match self.buffer.is_ready() {
                true => Waits::Socket,
                false => Waits::Nothing,
            };
            return Ok(None);
        }
        let now = Instant::now();
        loop {
            let (at, ready) = (self.buffer.begin(), self.buffer.ready().len());
            let count = match self.allowed(now, at, ready) {
                Allow::End(how) => return Ok(Some(how)),
                Allow::Hold => {
                    self.waits = Waits::Heal;
                    return Ok(None);
                }
                Allow::Wait(due) if ready > 0 => {
                    self.waits = Waits::Time(due);
                    return Ok(None);
                }
                Allow::Discard(count) if ready > 0 => {
                    self.buffer.advance(count.min(ready));
                    continue;
                }
                Allow::Pass(count) if ready > 0 && count > 0 => count.min(ready),
                Allow::Wait(_) | Allow::Discard(_) | Allow::Pass(_) => {
                    self.waits = Waits::Nothing;
                    return Ok(None);
                }
            };
            match write(&self.buffer.ready()[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.buffer.advance(written);
                    for (_, shape) in &mut self.shapes {
                        shape.sent(now, written);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.waits = Waits::Socket;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns what all rules together allow: an end goes before a stop, a stop before a wait.
    fn allowed(&mut self, now: Instant, at: u64, ready: usize) -> Allow {
        let mut least = Allow::Pass(ready);
        for (_, shape) in &mut self.shapes {
            least = stricter(least, shape.next(now, at, ready));
        }
        least
    }
}

/// Returns the stricter of two.
fn stricter(one: Allow, other: Allow) -> Allow {
    match (one, other) {
        (Allow::End(how), _) | (_, Allow::End(how)) => Allow::End(how),
        (Allow::Hold, _) | (_, Allow::Hold) => Allow::Hold,
        (Allow::Discard(count), _) | (_, Allow::Discard(count)) => Allow::Discard(count),
        (Allow::Wait(one), Allow::Wait(other)) => Allow::Wait(one.max(other)),
        (Allow::Wait(due), _) | (_, Allow::Wait(due)) => Allow::Wait(due),
        (Allow::Pass(one), Allow::Pass(other)) => Allow::Pass(one.min(other)),
    }
}
