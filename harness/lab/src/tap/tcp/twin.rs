//! Requests that the tap gives to the service a second time, by a connection of its own.

use super::{HOLD_BYTES_MAX, Stand, Tap};
use crate::service::ServiceStream;
use crate::tap::buffer::Buffer;
use crate::tap::rules::Effect;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::task::{Context, Poll, ready};
use twiceproof_wire::{Meaning, Part};

/// What a request is repeated by.
#[derive(Debug)]
pub struct Duplicate {
    /// A new connection to the service.
    pub service: ServiceStream,
    /// Counts the request when its second reply was read.
    pub effect: Effect,
}

/// A request that the service is to be given again.
pub(super) struct Twin {
    service: ServiceStream,
    effect: Effect,
    /// What is still to be said, the part that is being answered first.
    parts: VecDeque<Part>,
    /// Whether the first reply is there, so that the second connection may speak.
    is_begun: bool,
    unsent: Buffer,
    answer: Vec<u8>,
}

impl Tap {
    /// Notes that the held request, which is released, is repeated behind its reply, if it can be.
    pub(super) fn duplicate(&mut self, duplicate: Duplicate) {
        let is_request = |meaning: &Meaning| matches!(meaning, Meaning::Request(_));
        let front = self.up.marks.front();
        let Some(end) = front
            .filter(|mark| is_request(&mark.meaning))
            .map(|mark| mark.end)
        else {
            return;
        };
        let mut request = Vec::new();
        let begin = self.up.buffer.limit();
        self.up
            .buffer
            .visit(begin, end, |bytes| request.extend_from_slice(bytes));
        let parts = self.codec.as_ref().and_then(|codec| codec.repeat(&request));
        self.twin = parts.map(|parts| Twin {
            service: duplicate.service,
            effect: duplicate.effect,
            parts: parts.into(),
            is_begun: false,
            unsent: Buffer::default(),
            answer: Vec::new(),
        });
    }

    /// Returns whether the reply that is complete waits for that to the repetition.
    pub(super) fn awaits_twin(&mut self) -> bool {
        let Some(twin) = &mut self.twin else {
            return false;
        };
        if matches!(self.stand, Stand::InFlight { .. })
            && !std::mem::replace(&mut twin.is_begun, true)
        {
            twin.say();
        }
        true
    }

    /// Is ready when the second connection went on; it is closed once the last part is answered, or
    /// the service ends it.
    pub(super) fn poll_twin(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<()> {
        let Some(twin) = self.twin.as_mut().filter(|twin| twin.is_begun) else {
            return Poll::Pending;
        };
        if ready!(twin.poll(cx, scratch)).is_break() {
            self.twin = None;
        }
        Poll::Ready(())
    }
}

impl Twin {
    /// Begins to say the next part.
    fn say(&mut self) {
        self.answer.clear();
        if let Some(part) = self.parts.front() {
            self.unsent.push(&part.bytes);
            self.unsent.permit(u64::MAX);
        }
        self.flush();
    }

    fn flush(&mut self) {
        let service = &self.service;
        if self
            .unsent
            .drain_into(|bytes| service.try_write(bytes))
            .is_err()
        {
            // Whoever takes no more may have answered; its end is read.
            self.unsent.cut_all();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<ControlFlow<()>> {
        if self.unsent.is_ready() && self.service.poll_writable(cx).is_ready() {
            self.flush();
        }
        let read = ready!(self.service.poll_read(cx, scratch));
        let count = read.unwrap_or(0);
        self.answer.extend_from_slice(&scratch[..count]);
        let is_end = count == 0;
        let part = self.parts.front();
        let is_answered = part.is_some_and(|part| (part.end)(&self.answer, is_end).is_some());
        if is_answered {
            self.parts.pop_front();
            if self.parts.is_empty() {
                self.effect.add(1);
                return Poll::Ready(ControlFlow::Break(()));
            }
            self.say();
        }
        Poll::Ready(match is_end || self.answer.len() > HOLD_BYTES_MAX {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }
}
