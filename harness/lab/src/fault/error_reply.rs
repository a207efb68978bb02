//! A request that fails, as the service could have it fail.

use super::{FaultKind, Nemesis, Strikes, Unfit};
use crate::service::ServiceKind;
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_wire::registry::{self, PROTOCOLS};

/// The request at which the instance stands is not forwarded, and answered with an error of the
/// protocol; the session is left as after a real one. Effect: forged replies delivered. Where the
/// service could not give the error, the request is forwarded.
pub(super) struct ErrorReply;

/// The key that says which.
const REPLY: &str = "reply";

const KIND: Kind = Kind {
    name: twiceproof_model::fault::ERROR_REPLY,
    doc: "Answers the request at which the instance stands with an error, and does not forward it.",
    keys: &[Key {
        name: REPLY,
        value: KeyType::Text,
        required: true,
        default: "",
        doc: "The error, in the words of the protocol: `40001`, `LOADING`, `503`, `421`.",
    }],
    port: None,
};

impl FaultKind for ErrorReply {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Request
    }

    fn stays(&self, _fault: &Fault) -> bool {
        false
    }

    fn fits_service(&self, fault: &Fault, service: &dyn ServiceKind) -> bool {
        let protocol = service.protocol().and_then(registry::find);
        let errors = protocol.and_then(|protocol| protocol.errors());
        let reply = fault.key(REPLY).unwrap_or_default();
        errors.is_some_and(|errors| (errors.fits)(reply))
    }

    fn refuse(&self, fault: &Fault) -> Option<Unfit> {
        let reply = fault.key(REPLY).unwrap_or_default();
        let all = || {
            PROTOCOLS
                .iter()
                .filter_map(|one| Some((one.name(), one.errors()?)))
        };
        if all().any(|(_, errors)| (errors.fits)(reply)) {
            return None;
        }
        let known: Vec<String> = all()
            .map(|(name, errors)| format!("{name}: {}", errors.doc))
            .collect();
        Some(Unfit {
            what: format!(
                "no service replies with the error `{}`",
                reply.escape_debug()
            ),
            hint: known.join("; "),
        })
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(async move {
            nemesis.forge(fault, fault.key(REPLY).unwrap_or_default());
            Ok(())
        })
    }
}
