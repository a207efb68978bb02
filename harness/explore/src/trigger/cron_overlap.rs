//! T1: a schedule fires while the last run is still going.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{Contract, Hosts};

/// The trigger.
pub const CRON_OVERLAP: Trigger = Trigger {
    kind: Kind {
        name: "cron-overlap",
        doc: "The schedule fires again while the last run still works; every start has the slot of its number.",
        keys: &[],
        port: None,
    },
    cause: "T1",
    contract: Contract::EachSlot,
    hosts: Hosts::One,
    own_slots: true,
    order: Order::ByNumber,
    may_start,
};

/// A schedule asks nobody: the next slot comes however the last run fares.
fn may_start(_: &Settings, _: &Past<'_>) -> bool {
    true
}
