//! Messages that come late.

use super::{DIRECTION, FaultKind, Strikes};
use crate::tap::rules::{Allow, Dice, Effect, Lane, Shape};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};

/// Every message is due at its arrival, and a delay with a jitter, and none overtakes another.
/// Effect: messages delayed.
pub(super) struct Latency;

const KIND: Kind = Kind {
    name: "latency",
    doc: "Delays every message, in order; where a link cannot be read, whatever is read at once.",
    keys: &[
        Key {
            name: "delay",
            value: KeyType::Duration,
            required: true,
            default: "",
            doc: "How long a message takes.",
        },
        Key {
            name: "jitter",
            value: KeyType::Duration,
            required: false,
            default: "no jitter",
            doc: "How much more or less it takes, at most, evenly drawn.",
        },
        DIRECTION,
    ],
    port: None,
};

impl FaultKind for Latency {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Links
    }

    fn shape(&self, fault: &Fault, effect: Effect, lane: Lane) -> Option<Box<dyn Shape>> {
        let time = |key| super::duration_of(fault, key);
        Some(Box::new(Late::new(
            effect,
            lane,
            time("delay"),
            time("jitter"),
        )))
    }
}

/// The messages on their way.
struct Late {
    effect: Effect,
    dice: Dice,
    delay: Duration,
    jitter: Duration,
    /// The delay of the message that is arriving.
    current: Option<Duration>,
    /// Ends of pieces with the times at which they are due.
    pieces: VecDeque<(u64, Instant)>,
    arrived: u64,
}

impl Late {
    fn new(effect: Effect, lane: Lane, delay: Duration, jitter: Duration) -> Self {
        Self {
            effect,
            dice: Dice::new(lane.seed),
            delay,
            jitter,
            current: None,
            pieces: VecDeque::new(),
            arrived: lane.at,
        }
    }

    fn draw(&mut self) -> Duration {
        let jitter_us = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX);
        let more = Duration::from_micros(self.dice.below(jitter_us.saturating_mul(2) + 1));
        (self.delay + more).saturating_sub(self.jitter)
    }
}

impl Shape for Late {
    fn arrive(&mut self, now: Instant, end: u64, whole: bool) {
        if end <= self.arrived {
            return;
        }
        let delay = match self.current {
            Some(delay) => delay,
            None => self.draw(),
        };
        self.current = (!whole).then_some(delay);
        self.effect.add(u64::from(whole));
        self.arrived = end;
        let last = self.pieces.back().map_or(now, |(_, due)| *due);
        self.pieces.push_back((end, last.max(now + delay)));
    }

    fn next(&mut self, now: Instant, at: u64, ready: usize) -> Allow {
        while self.pieces.front().is_some_and(|(end, _)| *end <= at) {
            self.pieces.pop_front();
        }
        let mut free = at;
        for (end, due) in &self.pieces {
            if *due > now {
                break;
            }
            free = *end;
        }
        match self.pieces.front() {
            // What arrived before the rule was there is not delayed.
            None => Allow::Pass(ready),
            Some((_, due)) if *due > now => Allow::Wait(*due),
            Some(_) => Allow::Pass(usize::try_from(free - at).unwrap_or(usize::MAX)),
        }
    }
}
