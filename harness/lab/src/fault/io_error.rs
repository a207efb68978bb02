//! Calls on shared files that fail.

use super::{FaultKind, Nemesis, Strikes};
use crate::tap::file;
use futures_util::future::{LocalBoxFuture, ready};
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_shim::FileCall;

/// The errors that can be asked for.
const ERRNOS: &[&str] = &["EIO", "ESTALE", "ENOLCK", "EACCES", "EDQUOT", "EMFILE"];

/// Every call in a shared folder that is a step fails.
/// Effect: the calls that were refused.
pub(super) struct IoError;

const KIND: Kind = Kind {
    name: "io-error",
    doc: "Calls on files in shared folders fail; data is read and written as ever.",
    keys: &[Key {
        name: "errno",
        value: KeyType::OneOf(ERRNOS),
        required: false,
        default: "EIO",
        doc: "What they fail with.",
    }],
    port: None,
};

impl FaultKind for IoError {
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

    fn refuses(&self, fault: &Fault, _call: &FileCall) -> Option<i32> {
        file::errno_of(fault.key("errno").unwrap_or("EIO"))
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(ready(Ok(nemesis.struck(fault))))
    }
}
