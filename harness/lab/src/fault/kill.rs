//! A signal that ends processes.

use super::{FaultKind, Nemesis, Strikes};
use crate::sandbox::Scope;
use futures_util::future::LocalBoxFuture;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;
use twiceproof_model::kind::{Key, KeyType, Kind};

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
/// code that stands for it; a signal that is ignored has none.
pub(super) struct Kill;

const KIND: Kind = Kind {
    name: twiceproof_model::fault::KILL,
    doc: "Sends a signal to the instance, SIGKILL to its whole process tree by default.",
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

    fn strikes(&self) -> Strikes {
        Strikes::Process
    }

    fn stays(&self) -> bool {
        false
    }

    fn inject<'a>(
        &'a self,
        fault: &'a Fault,
        nemesis: &'a mut Nemesis<'_, '_>,
    ) -> LocalBoxFuture<'a, Result<(), LabError>> {
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
        let ended = nemesis.ended_by(fault, signal_of(fault));
        Box::pin(async move { Ok(u64::from(ended)) })
    }
}
