//! A machine that is gone from one moment to the next.

use super::{FaultKind, Nemesis, Strikes};
use futures_util::future::{LocalBoxFuture, ready};
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;

/// Kills every process of an instance, and nobody tells its services: sessions, and the locks that
/// they hold, stay until the heal. Then the services notice. Effect: links that stayed open at the
/// service.
pub(super) struct HostCrash;

const KIND: Kind = Kind {
    name: twiceproof_model::fault::HOST_CRASH,
    doc: "Kills the instance with its machine: its services keep its sessions until the fault is healed.",
    keys: &[],
    port: None,
};

impl FaultKind for HostCrash {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Process
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(nemesis.crash(fault))
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        let noticed = nemesis.notice(fault);
        Box::pin(ready(noticed.map(|()| nemesis.struck(fault))))
    }
}
