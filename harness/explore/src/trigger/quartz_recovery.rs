//! T5: recovery by another scheduler, misfire handling, or unlocked acquisition of a trigger.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ATTEMPTS, Contract, Hosts};

/// The trigger.
pub const QUARTZ_RECOVERY: Trigger = Trigger {
    kind: Kind {
        name: "quartz-recovery",
        doc: "A second scheduler fires the trigger again, while the first run lives or after it failed.",
        keys: &[ATTEMPTS],
        port: None,
    },
    cause: "T5",
    contract: Contract::Once,
    hosts: Hosts::Each,
    own_slots: false,
    order: Order::ByNumber,
    may_start,
};

/// Whoever recovers knows of no end: the run may live, or have died. One that ended well took its
/// record away.
fn may_start(_: &Settings, past: &Past<'_>) -> bool {
    past.lives() || past.failed()
}
