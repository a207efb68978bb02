//! T7: an event or a message is delivered at least once.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ATTEMPTS, Contract, Hosts};

/// The trigger.
pub const AT_LEAST_ONCE: Trigger = Trigger {
    kind: Kind {
        name: "at-least-once",
        doc: "A message is delivered again: while the first delivery is worked on, or after it, also after success.",
        keys: &[ATTEMPTS],
        port: None,
    },
    cause: "T7",
    contract: Contract::Once,
    hosts: Hosts::Each,
    own_slots: false,
    order: Order::ByNumber,
    may_start,
};

/// A queue delivers again when it was not told in time that the work is done, and sometimes for no
/// reason.
fn may_start(_: &Settings, _: &Past<'_>) -> bool {
    true
}
