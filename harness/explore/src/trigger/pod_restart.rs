//! T3: the platform starts a replacement while the first process lives on.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ATTEMPTS, Contract, GRACE, Hosts};

/// The trigger.
pub const POD_RESTART: Trigger = Trigger {
    kind: Kind {
        name: "pod-restart",
        doc: "The platform starts a replacement while the first process may live on, unless that ended well.",
        keys: &[ATTEMPTS, GRACE],
        port: None,
    },
    cause: "T3",
    contract: Contract::Once,
    hosts: Hosts::Each,
    own_slots: false,
    order: Order::ByNumber,
    may_start,
};

/// A replacement comes where the platform has lost sight of the run, or asked it to end, or saw it
/// fail. Without a grace it waits until the run is gone.
fn may_start(settings: &Settings, past: &Past<'_>) -> bool {
    past.failed() || (past.lives() && !settings.grace.is_zero())
}
