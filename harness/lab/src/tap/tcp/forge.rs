//! Errors that the tap forges in the place of a reply.

use super::{HOLD_BYTES_MAX, Stand, Tap};
use crate::tap::rules::Effect;
use std::sync::Arc;
use twiceproof_model::event::LinkEnd;
use twiceproof_wire::{Finish, Forgery, Meaning, Side};

/// An error that is to be forged.
#[derive(Clone, Debug)]
pub struct ForgedError {
    /// The error, in the words of the protocol.
    pub error: Arc<str>,
    /// Counts it when the instance was given it.
    pub effect: Effect,
}

/// A reply that is being forged, or waits to be delivered.
pub(super) struct Forging {
    effect: Effect,
    ends: bool,
    /// What makes the reply of the service's answer to what it was sent instead; none once it is
    /// made.
    finish: Option<Finish>,
    /// That answer, as far as it came.
    answer: Vec<u8>,
}

impl Tap {
    /// Forges an error as the reply to the held request, or returns that it cannot be.
    pub(super) fn forge(&mut self, wanted: &ForgedError) -> bool {
        // A reply that is there already is the one that the service skipped the request with.
        let is_reply = |meaning: &Meaning| matches!(meaning, Meaning::ReplyEnd(_));
        let is_answered = self.down.marks.iter().any(|mark| is_reply(&mark.meaning));
        let is_request = |meaning: &Meaning| matches!(meaning, Meaning::Request(_));
        let front = self.up.marks.front();
        let Some(end) = front
            .filter(|mark| is_request(&mark.meaning))
            .map(|mark| mark.end)
        else {
            return false;
        };
        self.flush();
        let codec = self
            .codec
            .as_ref()
            .filter(|_| !is_answered && !self.up.buffer.is_ready());
        let Some(forgery) = codec.and_then(|codec| codec.forge(&wanted.error)) else {
            return false;
        };
        let Forgery {
            instead,
            finish,
            ends,
        } = forgery;
        self.up.marks.pop_front();
        let count = usize::try_from(end - self.up.buffer.begin()).unwrap_or(0);
        self.up.buffer.advance(count);
        self.up.buffer.permit(end);
        self.stand = Stand::InFlight { whole: false };
        self.instead.push(&instead);
        self.instead.permit(u64::MAX);
        self.forging = Some(Forging {
            effect: wanted.effect.clone(),
            ends,
            finish: Some(finish),
            answer: Vec::new(),
        });
        self.take_answer(&[]);
        true
    }

    /// Takes what the service says to what it was sent instead; returns whether it was that.
    pub(super) fn take_answer(&mut self, bytes: &[u8]) -> bool {
        let Some(forging) = &mut self.forging else {
            return false;
        };
        let Some(finish) = &forging.finish else {
            return false;
        };
        forging.answer.extend_from_slice(bytes);
        let Some((consumed, reply)) = finish(&forging.answer) else {
            if forging.answer.len() > HOLD_BYTES_MAX {
                self.cut(LinkEnd::Reset);
            }
            return true;
        };
        forging.finish = None;
        let rest = forging.answer.split_off(consumed.min(forging.answer.len()));
        self.take(Side::Service, &reply);
        if !rest.is_empty() {
            self.take(Side::Service, &rest);
        }
        true
    }

    /// Notes that a reply is delivered: a forged one counts, and the link may end with it.
    pub(super) fn deliver_forged(&mut self) {
        let Some(forging) = self.forging.take() else {
            return;
        };
        if forging.finish.is_some() {
            // The service ended before the reply was made.
            return;
        }
        forging.effect.add(1);
        if forging.ends {
            self.flush();
            self.cut(LinkEnd::Fin);
        }
    }
}
