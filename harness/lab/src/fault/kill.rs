//! A signal that ends processes.

use super::{FaultKind, Nemesis, Strikes, Unfit};
use crate::sandbox::Scope;
use crate::service::Halt;
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_model::{Fault, Who};

/// The signals that can be sent, with their numbers on Linux.
const SIGNALS: &[(&str, i32)] = &[
    ("KILL", 9),
    ("TERM", 15),
    ("INT", 2),
    ("HUP", 1),
    ("QUIT", 3),
    ("ABRT", 6),
];

/// Kills the processes of an instance. Effect: the instance's end, by that signal or with the exit
/// code that stands for it; a signal that is ignored has none. A service that is killed is started
/// again by the heal, as [`super::restart::Restart`] does it.
pub(super) struct Kill;

const KIND: Kind = Kind {
    name: twiceproof_model::fault::KILL,
    doc: "Sends a signal to the instance, SIGKILL to its whole process tree by default; or kills a service.",
    keys: &[
        Key {
            name: "signal",
            value: KeyType::OneOf(&["KILL", "TERM", "INT", "HUP", "QUIT", "ABRT"]),
            required: false,
            default: "KILL",
            doc: "Which signal.",
        },
        Key {
            name: "scope",
            value: KeyType::OneOf(&["tree", "process"]),
            required: false,
            default: "tree",
            doc: "Every process of the instance, or its first one alone.",
        },
    ],
    port: None,
};

fn signal_of(fault: &Fault) -> i32 {
    let name = fault.key("signal").unwrap_or("KILL");
    let known = SIGNALS.iter().find(|(known, _)| *known == name);
    known.map_or(9, |(_, number)| *number)
}

impl FaultKind for Kill {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn strikes(&self, fault: &Fault) -> Strikes {
        match fault.who {
            Who::Service(_) => Strikes::Service,
            Who::Instance(_) | Who::Any => Strikes::Process,
        }
    }

    fn stays(&self, fault: &Fault) -> bool {
        matches!(fault.who, Who::Service(_))
    }

    fn refuse(&self, fault: &Fault) -> Option<Unfit> {
        let is_service = matches!(fault.who, Who::Service(_));
        let is_plain = fault.key("signal").is_none_or(|signal| signal == "KILL")
            && fault.key("scope").is_none_or(|scope| scope == "tree");
        (is_service && !is_plain).then(|| Unfit {
            what: "a service is killed with all its processes, by SIGKILL".to_owned(),
            hint: "leave `signal` and `scope` out, or write kind = \"restart\"".to_owned(),
        })
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
        if self.stays(fault) {
            return Box::pin(nemesis.halt(fault, Halt::Kill));
        }
        let scope = match fault.key("scope") {
            Some("process") => Scope::Process,
            _ => Scope::Tree,
        };
        Box::pin(nemesis.signal(fault, scope, signal_of(fault)))
    }

    fn heal<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<u64, LabError>> {
        if self.stays(fault) {
            return Box::pin(nemesis.start_again(fault));
        }
        let ended = nemesis.ended_by(fault, signal_of(fault));
        Box::pin(async move { Ok(u64::from(ended)) })
    }
}
