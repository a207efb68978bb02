//! Faults: what the lab can inject. One file a kind, and a line in [`FAULTS`].

mod bandwidth;
mod cut;
mod disk_full;
mod expire;
mod io_error;
mod kill;
mod latency;
mod lost_reply;
mod partition;
mod pause;
mod read_only;
mod slice;

pub use crate::dispatcher::nemesis::Nemesis;

use crate::tap::rules::{Effect, Lane, Shape};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use twiceproof_explore::LabError;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_model::{Fault, Who};
use twiceproof_shim::FileCall;
use twiceproof_wire::Side;

/// Every kind of fault, in the order in which the reference lists them.
pub const FAULTS: &[&dyn FaultKind] = &[
    &kill::Kill,
    &pause::Pause,
    &partition::Partition,
    &latency::Latency,
    &bandwidth::Bandwidth,
    &slice::Slice,
    &cut::Cut,
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
    /// Links, those that come later too.
    Links,
}

/// Key of faults that strike links in one direction or both.
const DIRECTION: Key = Key {
    name: "direction",
    value: KeyType::OneOf(&["both", "to", "from"]),
    required: false,
    default: "both",
    doc: "What is struck: what goes to the service, what comes from it, or both.",
};

/// Returns whose bytes the fault strikes; `None`: those of both.
pub(crate) fn direction_of(fault: &Fault) -> Option<Side> {
    let own = find(&fault.kind).map_or(&[][..], |kind| kind.kind().keys);
    let key = own.iter().find(|key| key.name == DIRECTION.name)?;
    match fault.key(DIRECTION.name).unwrap_or(key.default) {
        "from" => Some(Side::Service),
        "to" => Some(Side::Instance),
        _ => None,
    }
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

    /// Returns whether nothing passes on its links before it is healed.
    fn stops(&self, _fault: &Fault) -> bool {
        false
    }

    /// Returns what it does to one direction of one link, where it does anything to it.
    fn shape(&self, _fault: &Fault, _effect: Effect, _lane: Lane) -> Option<Box<dyn Shape>> {
        None
    }

    /// Returns why a fault with these words cannot be what it says, where it cannot.
    fn refuse(&self, _fault: &Fault) -> Option<Unfit> {
        None
    }

    /// Injects it.
    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        Box::pin(async move {
            nemesis.shape(fault, self.stops(fault));
            Ok(())
        })
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
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        Box::pin(nemesis.lift(fault))
    }
}

/// Why a fault cannot be injected as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// A lowercase fragment: what cannot be.
    pub what: String,
    /// What can.
    pub hint: String,
}

/// Returns why the fault cannot be injected at all, where it cannot: of its kind, or by whom it
/// strikes.
pub fn unfit(fault: &Fault) -> Option<Unfit> {
    let kind = find(&fault.kind)?;
    let name = kind.kind().name;
    let (fits, who) = match kind.strikes() {
        Strikes::Process | Strikes::Request | Strikes::Files => {
            (fault.instance().is_some(), "job#1")
        }
        Strikes::Lease => (matches!(fault.who, Who::Service(_)), "the service's name"),
        Strikes::Links => (true, "any"),
    };
    if !fits {
        return Some(Unfit {
            what: format!("a {name} fault does not strike `{}`", fault.who),
            hint: format!("write who = \"{who}\""),
        });
    }
    if matches!(kind.strikes(), Strikes::Process) && fault.link.is_some() {
        return Some(Unfit {
            what: format!("a {name} fault has no link"),
            hint: "it strikes processes: leave `link` out".to_owned(),
        });
    }
    kind.refuse(fault)
}

/// Returns the time that an own key names; none: no time.
fn duration_of(fault: &Fault, key: &str) -> Duration {
    let text = fault.key(key).unwrap_or_default();
    humantime::parse_duration(text).unwrap_or_default()
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
