//! Links that carry few bytes a second.

use super::{DIRECTION, FaultKind, Strikes};
use crate::tap::rules::{Allow, Effect, Lane, Shape};
use std::time::{Duration, Instant};
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};

/// Each link and direction carries so many bytes a second. Effect: pieces that had to wait.
pub(super) struct Bandwidth;

/// The most bytes a second: beyond, no link is slower for it.
const RATE_MAX: i64 = 10_000_000_000;
/// Pieces a second into which what goes is split, so that it flows.
const PIECES_A_SECOND: u64 = 100;

const KIND: Kind = Kind {
    name: "bandwidth",
    doc: "Lets so many bytes a second pass, for each link and direction.",
    keys: &[
        Key {
            name: "rate",
            value: KeyType::Integer {
                min: 1,
                max: RATE_MAX,
            },
            required: true,
            default: "",
            doc: "Bytes a second.",
        },
        DIRECTION,
    ],
    port: None,
};

impl FaultKind for Bandwidth {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Links
    }

    fn shape(&self, fault: &Fault, effect: Effect, _lane: Lane) -> Option<Box<dyn Shape>> {
        let rate: u64 = fault.key("rate")?.parse().ok()?;
        Some(Box::new(Slow {
            effect,
            rate: rate.max(1),
            free: None,
            waits: false,
        }))
    }
}

/// One direction with a rate.
struct Slow {
    effect: Effect,
    rate: u64,
    /// When the next byte may go.
    free: Option<Instant>,
    waits: bool,
}

impl Shape for Slow {
    fn next(&mut self, now: Instant, _at: u64, ready: usize) -> Allow {
        match self.free {
            Some(free) if free > now && ready > 0 => {
                if !std::mem::replace(&mut self.waits, true) {
                    self.effect.add(1);
                }
                Allow::Wait(free)
            }
            _ => {
                self.waits = false;
                let piece = (self.rate / PIECES_A_SECOND).max(1);
                Allow::Pass(usize::try_from(piece).unwrap_or(usize::MAX))
            }
        }
    }

    fn sent(&mut self, now: Instant, count: usize) {
        let nanoseconds = u128::from(count as u64) * 1_000_000_000 / u128::from(self.rate);
        let time = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.free = Some(self.free.map_or(now, |free| free.max(now)) + time);
    }
}
