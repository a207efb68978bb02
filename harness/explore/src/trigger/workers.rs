//! No cause: several workers share the work on purpose.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{Contract, Hosts};

/// The trigger.
pub const WORKERS: Trigger = Trigger {
    kind: Kind {
        name: "workers",
        doc: "Several share the work on purpose, each told its number and how many there are.",
        keys: &[],
        port: None,
    },
    cause: "",
    contract: Contract::Workers,
    hosts: Hosts::Each,
    own_slots: false,
    order: Order::Free,
    may_start,
};

/// None waits for another.
fn may_start(_: &Settings, _: &Past<'_>) -> bool {
    true
}
