//! Findings that are known: reported, and no failure.

use crate::common::{campaign, spec};
use twiceproof_explore::Outcome;
use twiceproof_testkit::{ToyLab, entry};

#[test]
fn a_known_finding_is_reported_and_does_not_fail() {
    let entry = entry("check-then-create");
    let plain = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    assert_eq!(plain.outcome, Outcome::Violated);
    let ids: Vec<String> = (plain.findings.iter())
        .map(|found| found.finding.id.clone())
        .collect();
    let mut asked = spec(entry, 1);
    asked.known = ids.iter().cloned().collect();
    let known = campaign(&asked, &mut ToyLab::new(entry.program));
    assert_eq!(known.outcome, Outcome::Passed);
    assert!(known.findings.len() >= ids.len());
    asked.known.remove(&ids[0]);
    let one_new = campaign(&asked, &mut ToyLab::new(entry.program));
    assert_eq!(one_new.outcome, Outcome::Violated);
}

#[test]
fn a_known_finding_does_not_end_a_search_that_ends_at_the_first() {
    let entry = entry("check-then-create");
    let all = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    let mut asked = spec(entry, 1);
    asked.fail_fast = true;
    asked.known = (all.findings.iter())
        .map(|found| found.finding.id.clone())
        .collect();
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    let cut = result.coverage.stages.iter();
    assert_eq!(cut.filter(|stage| stage.run < stage.planned).count(), 0);
}
