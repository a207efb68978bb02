//! T2: the scheduler creates several runs for one slot, all at once.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{Contract, Hosts};

/// The trigger.
pub const DOUBLE_START: Trigger = Trigger {
    kind: Kind {
        name: "double-start",
        doc: "The scheduler creates several runs for one slot; any of them may start at any time.",
        keys: &[],
        port: None,
    },
    cause: "T2",
    contract: Contract::Once,
    hosts: Hosts::Each,
    own_slots: false,
    order: Order::Free,
    may_start,
};

/// None waits for another.
fn may_start(_: &Settings, _: &Past<'_>) -> bool {
    true
}
