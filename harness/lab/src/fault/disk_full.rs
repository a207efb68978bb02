//! A shared folder without room.

use super::{FaultKind, Nemesis, Strikes};
use crate::tap::file;
use futures_util::future::{LocalBoxFuture, ready};
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;
use twiceproof_shim::FileCall;

/// Calls that make or lengthen a file in a shared folder, or force it to the disk, fail
/// (ENOSPC).
/// Effect: the calls that were refused.
pub(super) struct DiskFull;

const KIND: Kind = Kind {
    name: "disk-full",
    doc: "Calls that make files in shared folders, or force them to the disk, fail with ENOSPC.",
    keys: &[],
    port: None,
};

impl FaultKind for DiskFull {
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
        file::needs_room(call).then(|| file::errno_of("ENOSPC"))?
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(ready(Ok(nemesis.struck(fault))))
    }
}
