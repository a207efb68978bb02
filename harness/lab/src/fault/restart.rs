//! A service that goes down and comes back.

use super::{FaultKind, Nemesis, Strikes};
use crate::service::Halt;
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};

/// Stops a service; it is started on the same data by the heal. Its links end as the server ends
/// them, and new connections are refused meanwhile. Effect: links that ended.
pub(super) struct Restart;

const KIND: Kind = Kind {
    name: "restart",
    doc: "Stops the service that `who` names, and starts it on the same data when the fault is healed.",
    keys: &[
        Key {
            name: "down",
            value: KeyType::Duration,
            required: false,
            default: "no time",
            doc: "How long it is down at least, in real time.",
        },
        Key {
            name: "signal",
            value: KeyType::OneOf(&["TERM", "KILL"]),
            required: false,
            default: "TERM",
            doc: "TERM: it is stopped in order; KILL: it is killed with all its processes.",
        },
    ],
    port: None,
};

impl FaultKind for Restart {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Service
    }

    fn lasts(&self, fault: &Fault) -> Option<Duration> {
        let down = fault.key("down").map(|_| super::duration_of(fault, "down"));
        fault.lasts.max(down)
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        let halt = match fault.key("signal") {
            Some("KILL") => Halt::Kill,
            _ => Halt::InOrder,
        };
        Box::pin(nemesis.halt(fault, halt))
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(nemesis.start_again(fault))
    }
}
