//! Every oracle: one file each, one line here.

use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::{
    effect, exit_code, invariant, mutual_exclusion, progress, recovery, state, transition,
};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::Contract;
use twiceproof_model::{Finding, TrialRecord};

/// One check on a trial.
pub struct Oracle {
    /// Its name in `check.kind`, its sentence and its keys.
    pub kind: Kind,
    /// The verdict codes that it reports.
    pub codes: &'static [&'static str],
    /// Whether it is on by default under this contract.
    pub default: fn(Contract) -> bool,
    /// The check itself.
    pub check: fn(&Baseline, &TrialRecord, &Checks) -> Vec<Finding>,
}

/// Every oracle, in the order in which findings are reported. Add yours here.
pub const ORACLES: &[Oracle] = &[
    state::STATE,
    recovery::RECOVERY,
    invariant::INVARIANT,
    transition::TRANSITION,
    mutual_exclusion::MUTUAL_EXCLUSION,
    effect::EFFECT,
    exit_code::EXIT_CODE,
    progress::PROGRESS,
];

/// Returns the kinds of all oracles: the names that `check.kind` allows.
pub fn kinds() -> Vec<Kind> {
    ORACLES.iter().map(|oracle| oracle.kind).collect()
}
