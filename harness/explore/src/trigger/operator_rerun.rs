//! T6: an operator starts it again.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ATTEMPTS, Contract, Hosts};

/// The trigger.
pub const OPERATOR_RERUN: Trigger = Trigger {
    kind: Kind {
        name: "operator-rerun",
        doc: "An operator starts it again by hand: while it still runs, after it failed, or after it ended well.",
        keys: &[ATTEMPTS],
        port: None,
    },
    cause: "T6",
    contract: Contract::Once,
    hosts: Hosts::One,
    own_slots: false,
    order: Order::ByNumber,
    may_start,
};

/// A person may do it at any time, and does it for no good reason too.
fn may_start(_: &Settings, _: &Past<'_>) -> bool {
    true
}
