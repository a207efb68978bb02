//! T4: a retry after a time-out or a lost reply, while the first attempt still works.

use super::{Order, Past, Settings, Trigger};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ATTEMPTS, Contract, Hosts, TIMEOUT};

/// The trigger.
pub const RETRY_AFTER_TIMEOUT: Trigger = Trigger {
    kind: Kind {
        name: "retry-after-timeout",
        doc: "Another attempt starts when the last one took too long or failed; one that took too long works on.",
        keys: &[ATTEMPTS, TIMEOUT],
        port: None,
    },
    cause: "T4",
    contract: Contract::Once,
    hosts: Hosts::Each,
    own_slots: false,
    order: Order::ByNumber,
    may_start,
};

/// Whoever retries has waited for the time-out, or seen the attempt fail. Where no pause can be as
/// long as the time-out, no attempt lives that long.
fn may_start(settings: &Settings, past: &Past<'_>) -> bool {
    let timeout = settings.timeout.unwrap_or_default();
    past.failed() || (past.lasted(timeout) && settings.can_last(timeout))
}
