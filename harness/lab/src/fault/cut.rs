//! A link that ends in the middle.

use super::partition::Ending;
use super::{DIRECTION, FaultKind, Nemesis, Strikes};
use crate::tap::rules::{Effect, Lane, Shape};
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::event::LinkEnd;
use twiceproof_model::kind::{Key, KeyType, Kind};

/// Ends the link of the request at which the instance stands, after so many bytes, also inside a
/// message. The service's side always ends in order. Effect: links cut.
pub(super) struct Cut;

/// The most bytes before a cut.
const BYTES_MAX: i64 = 1 << 40;

const KIND: Kind = Kind {
    name: "cut",
    doc: "Ends the link of the request at which the instance stands, after so many bytes.",
    keys: &[
        Key {
            name: "bytes",
            value: KeyType::Integer {
                min: 0,
                max: BYTES_MAX,
            },
            required: false,
            default: "0",
            doc: "How many bytes still go: 0 cuts at once, a few cut inside a message.",
        },
        Key {
            name: "mode",
            value: KeyType::OneOf(&["rst", "fin"]),
            required: false,
            default: "rst",
            doc: "How the instance's side ends: reset, or in order.",
        },
        Key {
            default: "to",
            doc: "Whose bytes are counted: those to the service, or those from it.",
            value: KeyType::OneOf(&["to", "from"]),
            ..DIRECTION
        },
    ],
    port: None,
};

impl FaultKind for Cut {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Request
    }

    fn stays(&self, _fault: &Fault) -> bool {
        false
    }

    fn shape(&self, fault: &Fault, effect: Effect, lane: Lane) -> Option<Box<dyn Shape>> {
        Some(Box::new(Ending::new(
            effect,
            how(fault),
            lane,
            bytes(fault),
        )))
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(async move {
            nemesis.strike_request(fault, bytes(fault) == 0);
            Ok(())
        })
    }
}

/// Returns how the instance's side ends.
fn how(fault: &Fault) -> LinkEnd {
    match fault.key("mode") {
        Some("fin") => LinkEnd::Fin,
        _ => LinkEnd::Reset,
    }
}

/// Returns how many bytes go before.
fn bytes(fault: &Fault) -> u64 {
    let bytes = fault.key("bytes").and_then(|bytes| bytes.parse().ok());
    bytes.unwrap_or(0)
}
