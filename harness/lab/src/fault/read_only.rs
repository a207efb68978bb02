//! A shared folder that cannot be changed.

use super::{FaultKind, Nemesis, Strikes};
use crate::tap::file;
use futures_util::future::{LocalBoxFuture, ready};
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;
use twiceproof_shim::FileCall;

/// Calls that change a shared folder fail with EROFS.
/// Effect: the calls that were refused.
pub(super) struct ReadOnly;

const KIND: Kind = Kind {
    name: "read-only",
    doc: "Calls that change shared folders fail with EROFS; files that are open are written to as ever.",
    keys: &[],
    port: None,
};

impl FaultKind for ReadOnly {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, _fault: &Fault) -> Strikes {
        Strikes::Files
    }

    fn inject<'a>(
        &'a self,
        _fault: &'a Fault,
        _nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        // Calls ask for it as they are let go.
        Box::pin(ready(Ok(())))
    }

    fn refuses(&self, _fault: &Fault, call: &FileCall) -> Option<i32> {
        file::changes(call).then(|| file::errno_of("EROFS"))?
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(ready(Ok(nemesis.struck(fault))))
    }
}
