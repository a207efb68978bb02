//! What a tap reads, and when.

use super::{HOLD_BYTES_MAX, HOLD_REPLY_MAX, Read, Stand, Tap};
use crate::tap::direction::Waits;
use std::io;
use std::task::{Context, Poll};
use twiceproof_model::event::LinkEnd;
use twiceproof_wire::Side;

impl Tap {
    fn wants_instance(&self) -> bool {
        let held = self.up.buffer.len() >= HOLD_BYTES_MAX;
        self.up.ended.is_none()
            && (!held || (self.gate && self.up.marks.is_empty() && !self.up.buffer.is_ready()))
    }

    fn wants_service(&self) -> bool {
        let whole = self.stand == Stand::InFlight { whole: true };
        let bound = if whole {
            HOLD_REPLY_MAX
        } else {
            HOLD_BYTES_MAX
        };
        self.down.ended.is_none() && self.down.buffer.len() < bound
    }

    /// Is ready when a socket takes bytes that wait for it, or with what reading from a side gave.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<Option<Read>> {
        let waits_down = self.down.waits == Waits::Socket || self.answers.is_ready();
        let waits_up = self.up.waits == Waits::Socket || self.instead.is_ready();
        if waits_down && self.instance.poll_writable(cx).is_ready()
            || waits_up && self.service.poll_writable(cx).is_ready()
        {
            return Poll::Ready(None);
        }
        if self.poll_twin(cx, scratch).is_ready() {
            return Poll::Ready(None);
        }
        // Neither side goes first for ever: one that never stops would keep the other one out.
        let first = match self.last_read {
            Side::Instance => Side::Service,
            Side::Service => Side::Instance,
        };
        let (wants_instance, wants_service) = (self.wants_instance(), self.wants_service());
        for side in [first, self.last_read] {
            let (from, is_wanted) = match side {
                Side::Instance => (&mut self.instance, wants_instance),
                Side::Service => (&mut self.service, wants_service),
            };
            if is_wanted && let Poll::Ready(read) = from.poll_read(cx, scratch) {
                return Poll::Ready(Some((side, read)));
            }
        }
        Poll::Pending
    }

    /// Handles what reading from one side gave; where nothing waits it is passed on at once.
    pub(super) fn took(&mut self, side: Side, read: io::Result<usize>, scratch: &[u8]) {
        self.last_read = side;
        match read {
            Ok(0) => self.end(side, LinkEnd::Fin),
            Ok(_) if self.detached => {}
            Ok(count) => {
                self.turn_bytes += count;
                let bytes = &scratch[..count];
                if side == Side::Instance || !self.take_answer(bytes) {
                    self.take(side, bytes);
                }
            }
            Err(_) => self.end(side, LinkEnd::Reset),
        }
    }
}
