//! A request that reaches its service twice.

use super::{FaultKind, Nemesis, Strikes};
use crate::service::ServiceKind;
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;
use twiceproof_wire::registry;

/// The request at which the instance stands is forwarded, and given to the service once more by a
/// connection of the lab's own, as a proxy or a relay does that tries again. Effect: second replies
/// read, of which the instance sees none.
pub(super) struct Duplicate;

const KIND: Kind = Kind {
    name: twiceproof_model::fault::DUPLICATE,
    doc: "Gives the request at which the instance stands to its service twice: a mail, or a web request.",
    keys: &[],
    port: None,
};

impl FaultKind for Duplicate {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Request
    }

    fn stays(&self, _fault: &Fault) -> bool {
        false
    }

    fn fits_service(&self, _fault: &Fault, service: &dyn ServiceKind) -> bool {
        let protocol = service.protocol().and_then(registry::find);
        protocol.is_some_and(|protocol| protocol.repeats())
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(nemesis.duplicate(fault))
    }
}
