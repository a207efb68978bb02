//! TP-V01: the state equals no accepted one.

use crate::accepted;
use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::compare::{Comparison, Locks, compare};
use crate::finding;
use crate::recovery::is_lost;
use crate::registry::Oracle;
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::Contract;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Difference, Finding, Snapshot, TrialRecord};

/// The oracle.
pub const STATE: Oracle = Oracle {
    kind: Kind {
        name: "state",
        doc: "The state equals that of one clean run, or of an accepted serial order of runs.",
        keys: &[],
        port: None,
    },
    codes: &["TP-V01"],
    default: |_| true,
    check,
};

/// Sets findings about repetition apart from those about overlap, crash or retry.
pub const REPETITION: &str = "repetition";

fn check(baseline: &Baseline, record: &TrialRecord, _: &Checks) -> Vec<Finding> {
    let comparison = verdict_comparison(baseline, record);
    let mut findings = Vec::new();
    if comparison.total > 0 && !is_lost(baseline, record) {
        findings.push(state_finding(baseline, record, comparison));
    }
    findings.extend(per_run(baseline, record));
    findings
}

/// Compares the state that the verdict rests on: the end of the trial, and where two calm runs both
/// missed the accepted state, the state after the first, which is the nearer one to what went
/// wrong.
pub(crate) fn verdict_comparison(baseline: &Baseline, record: &TrialRecord) -> Comparison {
    let locks = accepted::locks(baseline, record);
    let calm_runs = record.recoveries.len();
    let states = accepted::states(baseline, record, calm_runs);
    let last = compare(baseline, &states, &record.snapshot, locks);
    let is_accepted = last.total == 0 && last.unknown.is_empty();
    match &record.after_first_recovery {
        Some(first) if !is_accepted => {
            let states = accepted::states(baseline, record, 1);
            compare(baseline, &states, first, locks)
        }
        _ => last,
    }
}

fn state_finding(baseline: &Baseline, record: &TrialRecord, comparison: Comparison) -> Finding {
    let is_repetition = record.stage == accepted::SERIAL && baseline.contract == Contract::Once;
    let message = match (baseline.contract, record.recoveries.is_empty()) {
        _ if is_repetition => "a second run, started after the first one ended, changes the state",
        (Contract::Once, true) => "state differs from a clean run",
        (Contract::Once, false) => "state differs from a clean run, although the job ran again",
        (Contract::EachSlot, true) => "state equals no serial order of the slots",
        (Contract::EachSlot, false) => {
            "state equals no serial order of the slots, although the job ran again"
        }
        (Contract::Workers, true) => "state differs from one clean run of the whole work",
        (Contract::Workers, false) => {
            "state differs from one clean run of the whole work, although the job ran again"
        }
        (Contract::Exclusion, true) => "state equals no serial order of the runs",
        (Contract::Exclusion, false) => {
            "state equals no serial order of the runs, although the job ran again"
        }
    };
    let aspect = if is_repetition { REPETITION } else { "" };
    finding::of_state(baseline, record, &title(aspect, message), comparison)
}

fn title<'a>(aspect: &'a str, message: &'a str) -> finding::Title<'a> {
    finding::Title {
        code: "TP-V01",
        aspect,
        message,
    }
}

/// Returns the findings about run-log tables: seeded rows stay, and at most as many rows a start
/// come as the clean run adds.
fn per_run(baseline: &Baseline, record: &TrialRecord) -> Vec<Finding> {
    let starts = accepted::starts(record) + record.recoveries.len();
    let starts = u64::try_from(starts).unwrap_or(u64::MAX);
    let names = record.snapshot.objects.keys();
    let mut findings = Vec::new();
    for name in names.filter(|name| baseline.rules.is_per_run(name)) {
        let count = |state: &Snapshot| state.objects.get(name).map_or(0, |object| object.count);
        let seeded = count(&baseline.seed);
        let clean = baseline.clean.first().map_or(seeded, count);
        let rows_a_start = clean.saturating_sub(seeded).max(1);
        let rows_max = seeded.saturating_add(rows_a_start.saturating_mul(starts));
        let found = count(&record.snapshot);
        if found > rows_max {
            let comparison = too_many(name, rows_max, found);
            let message = "a run-log table has more rows than runs were started";
            let title = title("", message);
            findings.push(finding::of_state(baseline, record, &title, comparison));
        }
    }
    findings
}

fn too_many(name: &ObjectName, rows_max: u64, found: u64) -> Comparison {
    Comparison {
        differences: vec![Difference {
            object: name.clone(),
            row: String::new(),
            column: String::new(),
            expected: format!("at most {rows_max} rows"),
            found: format!("{found} rows"),
        }],
        total: found - rows_max,
        objects: [name.clone()].into(),
        ..Comparison::default()
    }
}

/// Returns whether nothing can be said about the trial's state, and of which objects.
pub(crate) fn unreadable(baseline: &Baseline, record: &TrialRecord) -> Vec<ObjectName> {
    let comparison = verdict_comparison(baseline, record);
    comparison.unknown.into_iter().collect()
}

/// Returns whether two states are equal, locks left aside.
pub(crate) fn equal(baseline: &Baseline, left: &Snapshot, right: &Snapshot) -> bool {
    let comparison = compare(baseline, &[left], right, Locks::Ignored);
    comparison.total == 0 && comparison.unknown.is_empty()
}
