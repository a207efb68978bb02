//! TP-V05: two sections of one declared lock overlap, and both write.

use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::finding;
use crate::registry::Oracle;
use crate::sections::sections;
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{Contract, LOCK};
use twiceproof_model::{Finding, TrialRecord};

/// The oracle.
pub const MUTUAL_EXCLUSION: Oracle = Oracle {
    kind: Kind {
        name: "mutual-exclusion",
        doc: "Sections of one declared lock in which work is done never overlap, even if by luck nothing breaks.",
        keys: &[LOCK],
        port: None,
    },
    codes: &["TP-V05"],
    default: |contract| contract == Contract::Exclusion,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<Finding> {
    let is_asked = |name: &String| checks.locks.is_empty() || checks.locks.contains(name);
    let mut findings = Vec::new();
    for lock in baseline.locks.iter().filter(|lock| is_asked(&lock.name)) {
        let sections = sections(lock, record);
        let mut pairs = sections
            .iter()
            .enumerate()
            .flat_map(|(index, left)| sections[index + 1..].iter().map(move |right| (left, right)));
        let overlap = pairs.find(|(left, right)| {
            left.excludes(right)
                && left.from < right.to
                && right.from < left.to
                && !left.writes.is_empty()
                && !right.writes.is_empty()
        });
        if let Some((left, right)) = overlap {
            let mut events = vec![left.from, right.from, left.writes[0], right.writes[0]];
            events.sort_unstable();
            events.dedup();
            let message = format!(
                "{} and {} both write while each believes it holds the lock `{}`",
                left.holder, right.holder, lock.name
            );
            let events = events.into_iter().map(finding::place).collect();
            findings.push(finding::of_events(
                baseline, "TP-V05", &lock.name, message, events,
            ));
        }
    }
    findings
}
