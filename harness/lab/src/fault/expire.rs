//! A lease that ends.

use super::{FaultKind, Nemesis, Strikes};
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};

/// Ends a lease now, as the service would end it when its time is over, or waits until it is.
/// Effect: the lease was there and is gone; in milliseconds where its own time passed. A key
/// without a time to live is no lease.
pub(super) struct Expire;

const KIND: Kind = Kind {
    name: "expire",
    doc: "Ends a lease in the service that `who` names, as if its time were over. No time passes for its holder.",
    keys: &[
        Key {
            name: "lease",
            value: KeyType::Text,
            required: true,
            default: "",
            doc: "The key that is the lease; `advisory`: the session of PostgreSQL that has such a lock.",
        },
        Key {
            name: "mode",
            value: KeyType::OneOf(&["now", "wait"]),
            required: false,
            default: "now",
            doc: "`now`: the service drops it; `wait`: its own time passes, and a tenth more, 60 s at most.",
        },
    ],
    port: None,
};

impl FaultKind for Expire {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Lease
    }

    fn stays(&self, _fault: &Fault) -> bool {
        false
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        let lease = fault.key("lease").unwrap_or_default();
        let waits = fault.key("mode") == Some("wait");
        Box::pin(nemesis.expire(fault, lease, waits))
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        let struck = nemesis.struck(fault);
        Box::pin(async move { Ok(struck) })
    }
}
