//! Triggers: what starts runs, and what the starts owe. One file each, one line in the registry.

pub mod double_start;

use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::Contract;

/// One kind of trigger.
pub struct Trigger {
    /// Its name in `trigger.kind`, its sentence and its own keys.
    pub kind: Kind,
    /// Why it runs twice: `T2`.
    pub cause: &'static str,
    /// What the starts owe where the scenario does not say.
    pub contract: Contract,
}
