//! TP-V06: a lost run. Two calm runs in a row neither reach an accepted state nor change anything.

use crate::accepted;
use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::finding;
use crate::registry::Oracle;
use crate::state::{equal, verdict_comparison};
use twiceproof_model::kind::Kind;
use twiceproof_model::{Exit, Finding, TrialRecord};

/// The oracle.
pub const RECOVERY: Oracle = Oracle {
    kind: Kind {
        name: "recovery",
        doc: "After a kill or a failed run, two calm runs in a row reach an accepted state.",
        keys: &[],
        port: None,
    },
    codes: &["TP-V06"],
    default: |_| true,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, _: &Checks) -> Vec<Finding> {
    if !is_lost(baseline, record) {
        return Vec::new();
    }
    let comparison = verdict_comparison(baseline, record);
    let exits: Vec<String> = record.recoveries.iter().map(Exit::to_string).collect();
    let message = format!(
        "the work is lost: two calm runs afterwards ({}) do not reach the state of a clean run",
        exits.join(", ")
    );
    let title = finding::Title {
        code: "TP-V06",
        aspect: "",
        message: &message,
    };
    vec![finding::of_state(baseline, record, &title, comparison)]
}

/// Returns whether the trial's work is lost: the state is not accepted, and calm runs leave it as
/// it is or fail.
///
/// Where a calm run changes the state, or another run ended cleanly after work of its own, the work
/// was done, and what is wrong is the state (TP-V01).
pub(crate) fn is_lost(baseline: &Baseline, record: &TrialRecord) -> bool {
    if record.after_first_recovery.is_none() || verdict_comparison(baseline, record).total == 0 {
        return false;
    }
    let before = record.before_recovery.as_ref();
    let is_stuck = before.is_some_and(|before| equal(baseline, before, &record.snapshot));
    let was_done = accepted::answers(record)
        .iter()
        .any(|(_, instance, reply)| {
            record.exits.get(instance) == Some(&baseline.exit) && accepted::did_work(reply)
        });
    let all_failed = record.recoveries.iter().all(|exit| *exit != baseline.exit);
    !was_done && (is_stuck || all_failed)
}
