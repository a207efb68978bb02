//! Faults: what the lab can inject. One file a kind, and a line in [`FAULTS`].

mod disk_full;
mod expire;
mod io_error;
mod kill;
mod lost_reply;
mod pause;
mod read_only;

pub use crate::dispatcher::nemesis::Nemesis;

use crate::fail::harness;
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::Kind;
use twiceproof_shim::FileCall;

/// Every kind of fault, in the order in which the reference lists them.
pub const FAULTS: &[&dyn FaultKind] = &[
    &kill::Kill,
    &pause::Pause,
    &lost_reply::LostReply,
    &expire::Expire,
    &io_error::IoError,
    &disk_full::DiskFull,
    &read_only::ReadOnly,
];

/// What a kind of fault strikes, and so when it can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// The processes of an instance that runs.
    Process,
    /// The request at which an instance stands held.
    Request,
    /// A lease in a service.
    Lease,
    /// The calls on shared files of an instance that runs.
    Files,
}

/// A kind of fault: an entry of [`FAULTS`].
///
/// Whatever it injects it takes back in `heal`; what the world forgets by itself when the trial's
/// sandboxes and links go needs no more.
pub trait FaultKind: Sync {
    /// Returns the entry on itself: name, doc and own keys.
    fn kind(&self) -> &'static Kind;

    /// Returns what it strikes.
    fn strikes(&self) -> Strikes;

    /// Returns whether it is in force until it is healed; else it is spent at once.
    fn stays(&self) -> bool {
        true
    }

    /// Injects it.
    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        _nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(async move { Err(harness(format!("{} has steps of its own", fault.kind))) })
    }

    /// Returns the error number with which a call on a shared file fails while it is in force.
    fn refuses(&self, _fault: &Fault, _call: &FileCall) -> Option<i32> {
        None
    }

    /// Takes it back, and returns what it struck in all; 0: nothing. One that was spent at once is
    /// asked at the end of the trial's main part.
    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        _nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(async move { Err(harness(format!("{} has steps of its own", fault.kind))) })
    }
}

/// Returns the kind of fault with this name.
pub fn find(name: &str) -> Option<&'static dyn FaultKind> {
    FAULTS
        .iter()
        .copied()
        .find(|fault| fault.kind().name == name)
}

/// Returns the kinds of all faults: the names that `fault.kind` allows.
pub fn kinds() -> Vec<Kind> {
    FAULTS.iter().map(|fault| *fault.kind()).collect()
}
