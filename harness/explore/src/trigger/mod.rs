//! Triggers: what starts runs, and what the starts owe. One file each, one line in the registry.

pub mod at_least_once;
pub mod cron_overlap;
pub mod double_start;
pub mod operator_rerun;
pub mod pod_restart;
pub mod quartz_recovery;
pub mod retry_after_timeout;
mod starts;
pub mod workers;

pub use starts::{Fate, Past, Settings, Starts};

use crate::registry::TRIGGERS;
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ATTEMPTS, Contract, Hosts};

/// One kind of trigger.
pub struct Trigger {
    /// Its name in `trigger.kind`, its sentence and its own keys.
    pub kind: Kind,
    /// Why it runs twice: `T2`; empty where several starts are meant.
    pub cause: &'static str,
    /// What the starts owe where the scenario does not say.
    pub contract: Contract,
    /// Where the instances run where the scenario does not say.
    pub hosts: Hosts,
    /// Whether every start has a slot of its own; else all serve the first.
    pub own_slots: bool,
    /// In which order the starts come.
    pub order: Order,
    /// Whether a start that is not the first may come now; where the order is by number, only asked
    /// once the one before has started.
    pub may_start: fn(&Settings, &Past<'_>) -> bool,
}

/// In which order starts come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Any: all were asked for at once.
    Free,
    /// Each after the one before it.
    ByNumber,
}

impl Trigger {
    /// Returns whether it starts again what went wrong: `attempts` then says how many starts there
    /// are, where else as many start as run at once.
    pub fn restarts(&self) -> bool {
        self.kind.keys.contains(&ATTEMPTS)
    }
}

/// Returns the trigger of this name. Files are read against the registry, so it is there.
pub fn find(name: &str) -> &'static Trigger {
    let mut triggers = TRIGGERS.iter();
    triggers
        .find(|trigger| trigger.kind.name == name)
        .expect("a scenario names a registered trigger")
}
