//! Faults: what the lab can inject. One file a kind, and a line in [`FAULTS`].

mod bandwidth;
mod cut;
mod disk_full;
mod duplicate;
mod error_reply;
mod expire;
mod host_crash;
mod io_error;
mod kill;
mod latency;
mod lost_reply;
mod partition;
mod pause;
mod read_only;
mod restart;
mod slice;

pub use crate::dispatcher::nemesis::Nemesis;

use crate::backend::{BACKENDS, Backend};
use crate::service::{self, SERVICES, ServiceKind};
use crate::tap::rules::{Effect, Lane, Shape};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use twiceproof_explore::LabError;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_model::target::ServiceSpec;
use twiceproof_model::{Fault, Target, Who};
use twiceproof_shim::FileCall;
use twiceproof_wire::Side;

/// Every kind of fault, in the order in which the reference lists them.
pub const FAULTS: &[&dyn FaultKind] = &[
    &kill::Kill,
    &host_crash::HostCrash,
    &pause::Pause,
    &partition::Partition,
    &latency::Latency,
    &bandwidth::Bandwidth,
    &slice::Slice,
    &cut::Cut,
    &lost_reply::LostReply,
    &duplicate::Duplicate,
    &error_reply::ErrorReply,
    &restart::Restart,
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
    /// A service as a whole.
    Service,
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
    fn strikes(&self, _fault: &Fault) -> Strikes;

    /// Returns whether it is in force until it is healed; else it is spent at once.
    fn stays(&self, _fault: &Fault) -> bool {
        true
    }

    /// Returns how long it is in force at least, in real time.
    fn lasts(&self, fault: &Fault) -> Option<Duration> {
        fault.lasts
    }

    /// Returns whether nothing passes on its links before it is healed.
    fn stops(&self, _fault: &Fault) -> bool {
        false
    }

    /// Returns what it does to one direction of one link, where it does anything to it.
    fn shape(&self, _fault: &Fault, _effect: Effect, _lane: Lane) -> Option<Box<dyn Shape>> {
        None
    }

    /// Returns whether it can strike a service of this kind, or what goes there.
    fn fits_service(&self, fault: &Fault, service: &dyn ServiceKind) -> bool {
        match self.strikes(fault) {
            Strikes::Process => true,
            Strikes::Service => service.restarts(),
            Strikes::Request | Strikes::Links => service.protocol().is_some(),
            Strikes::Lease => service.has_leases(),
            Strikes::Files => service.protocol().is_none(),
        }
    }

    /// Returns whether it can be injected on this backend.
    fn fits_backend(&self, _fault: &Fault, _backend: &dyn Backend) -> bool {
        true
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

/// Returns why the fault cannot be injected at all, where it cannot: of its kind, by whom it
/// strikes, in this target, or on this backend.
pub fn unfit(fault: &Fault, target: &Target, backend: &dyn Backend) -> Option<Unfit> {
    let kind = find(&fault.kind)?;
    let by_words = unfit_words(kind, fault);
    let by_service = || unfit_service(kind, fault, target);
    by_words
        .or_else(by_service)
        .or_else(|| unfit_backend(kind, fault, backend))
}

/// Returns why no backend but others can inject the fault, where that is so.
fn unfit_backend(kind: &dyn FaultKind, fault: &Fault, backend: &dyn Backend) -> Option<Unfit> {
    if kind.fits_backend(fault, backend) {
        return None;
    }
    let able = BACKENDS
        .iter()
        .filter(|one| kind.fits_backend(fault, **one));
    let names: Vec<&str> = able.map(|one| one.name()).collect();
    Some(Unfit {
        what: format!(
            "`{fault}` cannot be injected on the backend {}",
            backend.name()
        ),
        hint: format!("backends that can: {}", names.join(", ")),
    })
}

/// Returns why none of the target's services that the fault strikes can be struck by it, where that
/// is so.
fn unfit_service(kind: &dyn FaultKind, fault: &Fault, target: &Target) -> Option<Unfit> {
    if kind.strikes(fault) == Strikes::Process {
        return None;
    }
    let named = match &fault.who {
        Who::Service(name) => Some(name),
        Who::Instance(_) | Who::Any => fault.link.as_ref(),
    };
    let struck = target.services.iter();
    let struck = struck.filter(|spec| named.is_none_or(|name| spec.name == *name));
    let of = |spec: &ServiceSpec| service::find(&spec.kind);
    let fits = |spec: &ServiceSpec| of(spec).is_some_and(|one| kind.fits_service(fault, one));
    if struck.clone().any(fits) {
        return None;
    }
    let able = SERVICES
        .iter()
        .filter(|one| kind.fits_service(fault, **one));
    let names: Vec<&str> = able.map(|one| one.kind().name).collect();
    let what = match struck.clone().next().filter(|_| named.is_some()) {
        Some(spec) => format!(
            "`{fault}` cannot strike `{}`, of kind {}",
            spec.name, spec.kind
        ),
        None => format!("`{fault}` strikes no service of the target"),
    };
    Some(Unfit {
        what,
        hint: format!("kinds of services that it can strike: {}", names.join(", ")),
    })
}

/// Returns why the words of the fault cannot stand together, where they cannot.
fn unfit_words(kind: &dyn FaultKind, fault: &Fault) -> Option<Unfit> {
    let name = kind.kind().name;
    let (fits, who) = match kind.strikes(fault) {
        Strikes::Process | Strikes::Request | Strikes::Files => {
            (fault.instance().is_some(), "job#1")
        }
        Strikes::Lease | Strikes::Service => {
            (matches!(fault.who, Who::Service(_)), "the service's name")
        }
        Strikes::Links => (true, "any"),
    };
    if !fits {
        return Some(Unfit {
            what: format!("a {name} fault does not strike `{}`", fault.who),
            hint: format!("write who = \"{who}\""),
        });
    }
    if matches!(kind.strikes(fault), Strikes::Process) && fault.link.is_some() {
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
