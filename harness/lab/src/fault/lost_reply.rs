//! A reply that is lost: the ambiguous commit.

use super::{FaultKind, Strikes};
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;

/// The request is forwarded, its reply read and thrown away, and the instance's side of the link
/// reset. Schedulers take it as the steps `forward` and `drop-reply`.
pub(super) struct LostReply;

const KIND: Kind = Kind {
    name: twiceproof_model::fault::LOST_REPLY,
    doc: "Forwards the request at which the instance stands, throws the reply away and resets the link.",
    keys: &[],
    port: None,
};

impl FaultKind for LostReply {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Request
    }
}
