//! Messages that come in pieces.

use super::{DIRECTION, FaultKind, Strikes};
use crate::tap::rules::{Allow, Effect, Lane, Shape};
use std::time::{Duration, Instant};
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};

/// Bytes go in writes of a few at a time. Effect: writes that were split.
pub(super) struct Slice;

/// The longest piece: longer ones than a tap reads at once split nothing.
const BYTES_MAX: i64 = 64 << 10;

const KIND: Kind = Kind {
    name: "slice",
    doc: "Splits what goes into pieces of so many bytes.",
    keys: &[
        Key {
            name: "bytes",
            value: KeyType::Integer {
                min: 1,
                max: BYTES_MAX,
            },
            required: true,
            default: "",
            doc: "How many bytes a piece has at most.",
        },
        Key {
            name: "delay",
            value: KeyType::Duration,
            required: false,
            default: "no time",
            doc: "The time between two pieces.",
        },
        DIRECTION,
    ],
    port: None,
};

impl FaultKind for Slice {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Links
    }

    fn shape(&self, fault: &Fault, effect: Effect, _lane: Lane) -> Option<Box<dyn Shape>> {
        let bytes: usize = fault.key("bytes")?.parse().ok()?;
        Some(Box::new(Sliced {
            effect,
            bytes: bytes.max(1),
            delay: super::duration_of(fault, "delay"),
            free: None,
        }))
    }
}

/// One direction in pieces.
struct Sliced {
    effect: Effect,
    bytes: usize,
    delay: Duration,
    free: Option<Instant>,
}

impl Shape for Sliced {
    fn next(&mut self, now: Instant, _at: u64, ready: usize) -> Allow {
        if let Some(free) = self.free.filter(|free| *free > now) {
            return Allow::Wait(free);
        }
        if ready > self.bytes {
            self.effect.add(1);
        }
        Allow::Pass(self.bytes)
    }

    fn sent(&mut self, now: Instant, _count: usize) {
        self.free = Some(now + self.delay);
    }
}
