//! A partition between an instance and its services.

use super::{DIRECTION, FaultKind, Nemesis, Strikes, Unfit, direction_of};
use crate::backend::Backend;
use crate::tap::rules::{Allow, Effect, Lane, Shape};
use futures_util::future::LocalBoxFuture;
use std::time::Instant;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::event::LinkEnd;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_wire::Side;

/// Cuts instances off from services. Effect: bytes held or lost, and links cut.
pub(super) struct Partition;

const KIND: Kind = Kind {
    name: "partition",
    doc: "Cuts instances off from services, until it is healed.",
    keys: &[
        DIRECTION,
        Key {
            name: "mode",
            value: KeyType::OneOf(&["hold", "drop", "refuse", "reset", "half-open", "silent"]),
            required: false,
            default: "hold",
            doc: "hold: all waits, in order; drop: bytes are lost, and links that lost some end with the \
                  heal; refuse: links end in order, new ones are refused; reset: links are reset, new \
                  ones too; half-open: services lose the links that there are, and the instances hear \
                  nothing of it until the heal resets them; silent: packets are dropped, those of connects \
                  too, so that time-outs of TCP itself strike.",
        },
    ],
    port: None,
};

impl FaultKind for Partition {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Links
    }

    fn refuse(&self, fault: &Fault) -> Option<Unfit> {
        let mode = mode(fault);
        let is_whole = !matches!(mode, "hold" | "drop");
        (is_whole && direction_of(fault).is_some()).then(|| Unfit {
            what: format!("a partition of one direction cannot {mode}"),
            hint: "mode = \"hold\" or \"drop\" can; leave `direction` out for the others"
                .to_owned(),
        })
    }

    fn fits_backend(&self, fault: &Fault, backend: &dyn Backend) -> bool {
        mode(fault) != SILENT || backend.drops_packets()
    }

    fn stops(&self, fault: &Fault) -> bool {
        matches!(mode(fault), "hold" | "drop" | SILENT)
    }

    fn shape(&self, fault: &Fault, effect: Effect, lane: Lane) -> Option<Box<dyn Shape>> {
        Some(match mode(fault) {
            "hold" | SILENT => Box::new(Held {
                effect,
                counted: lane.at,
            }),
            "drop" => Box::new(Lossy {
                effect,
                has_lost: false,
            }),
            // One direction is enough to end a link.
            _ if lane.from == Side::Service => return None,
            "refuse" => Box::new(Ending::new(effect, LinkEnd::Fin, lane, 0)),
            _ => Box::new(Ending::new(effect, LinkEnd::Reset, lane, 0)),
        })
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(async move {
            if mode(fault) == HALF_OPEN {
                return nemesis.half_open(fault).await;
            }
            if !self.stops(fault) {
                nemesis.forget_held(fault);
            }
            nemesis.shape(fault, self.stops(fault));
            match mode(fault) {
                SILENT => nemesis.silence(fault).await,
                "refuse" => nemesis.refuse(fault, true).await,
                _ => Ok(()),
            }
        })
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(async move {
            match mode(fault) {
                "refuse" => nemesis.refuse(fault, false).await?,
                HALF_OPEN => nemesis.close_half_open(fault),
                SILENT => nemesis.hear_again(fault).await?,
                _ => {}
            }
            nemesis.lift(fault).await
        })
    }
}

/// The service loses the link, and the instance hears nothing.
const HALF_OPEN: &str = "half-open";

/// No packet gets through.
const SILENT: &str = "silent";

/// Returns how it cuts off.
fn mode(fault: &Fault) -> &str {
    fault.key("mode").unwrap_or("hold")
}

/// Bytes wait, in order.
struct Held {
    effect: Effect,
    /// Offset of the first byte that was not counted.
    counted: u64,
}

impl Shape for Held {
    fn next(&mut self, _now: Instant, at: u64, ready: usize) -> Allow {
        let end = at + ready as u64;
        self.effect.add(end.saturating_sub(self.counted));
        self.counted = self.counted.max(end);
        Allow::Hold
    }
}

/// Bytes are lost, so the link can only end.
struct Lossy {
    effect: Effect,
    has_lost: bool,
}

impl Shape for Lossy {
    fn next(&mut self, _now: Instant, _at: u64, ready: usize) -> Allow {
        if ready == 0 {
            return Allow::Hold;
        }
        self.effect.add(ready as u64);
        self.has_lost = true;
        Allow::Discard(ready)
    }

    fn heal(&mut self) -> Option<LinkEnd> {
        self.has_lost.then_some(LinkEnd::Reset)
    }
}

/// The link ends.
pub(super) struct Ending {
    effect: Effect,
    how: LinkEnd,
    after: u64,
    counts: bool,
}

impl Ending {
    /// Returns the shape that ends the link once so many more bytes have gone.
    pub(super) fn new(effect: Effect, how: LinkEnd, lane: Lane, bytes: u64) -> Self {
        Self {
            effect,
            how,
            after: lane.at.saturating_add(bytes),
            counts: true,
        }
    }
}

impl Shape for Ending {
    fn next(&mut self, _now: Instant, at: u64, _ready: usize) -> Allow {
        let left = self.after.saturating_sub(at);
        if left > 0 {
            return Allow::Pass(usize::try_from(left).unwrap_or(usize::MAX));
        }
        if std::mem::take(&mut self.counts) {
            self.effect.add(1);
        }
        Allow::End(self.how)
    }
}
