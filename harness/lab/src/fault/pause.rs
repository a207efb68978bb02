//! A pause of all threads.

use super::{FaultKind, Nemesis, Strikes};
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;

/// Stops every thread of an instance, as a collector of garbage or a swapping machine does. Effect:
/// steps that were taken while it stood still; a pause that is given its time counts by itself.
pub(super) struct Pause;

const KIND: Kind = Kind {
    name: twiceproof_model::fault::PAUSE,
    doc: "Stops every thread of the instance, unseen by it.",
    keys: &[],
    port: None,
};

impl FaultKind for Pause {
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
        Box::pin(nemesis.pause(fault))
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(async move {
            nemesis.resume(fault).await?;
            Ok(nemesis.steps_since(fault) + u64::from(fault.lasts.is_some()))
        })
    }
}
