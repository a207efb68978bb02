//! Causes that the search gives to the bank's broken jobs.

use crate::common::{campaign, spec};
use std::collections::BTreeSet;
use twiceproof_explore::Outcome;
use twiceproof_model::scenario::Expect;
use twiceproof_testkit::{ToyLab, entry};

/// Codes that the findings of a job show, and codes that none of them may.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("no-lock", &["T2", "L1", "D1"], &["L2", "D5"]),
    // Both a crash and an error leave its lock behind, which is one finding with two causes.
    (
        "check-then-create",
        &["T2", "L2", "L3", "L8", "D1"],
        &["L1", "D5"],
    ),
    ("create-exclusive", &["L3"], &["L1", "L2", "D1"]),
    ("stale-lock-polled", &["L3"], &["L1", "L2"]),
    ("mail-before-commit", &["D5"], &["L1", "D6"]),
    ("partial-commit", &["D1", "D6"], &["L1", "D5"]),
    ("not-repeatable", &["D1", "D2"], &["L1", "L2", "D6"]),
    ("lost-update", &["T2", "L1", "D3"], &["D1"]),
    ("slots-lost-update", &["T1", "L1", "D3"], &["D1"]),
];

#[test]
fn broken_jobs_show_their_causes_and_no_others() {
    for (name, shown, absent) in CASES {
        let entry = entry(name);
        let result = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
        let causes = result.findings.iter().flat_map(|found| &found.causes);
        let codes: BTreeSet<&str> = causes.map(|cause| cause.code).collect();
        assert!(
            shown.iter().all(|code| codes.contains(code)),
            "{name}: {codes:?}"
        );
        assert!(
            !absent.iter().any(|code| codes.contains(code)),
            "{name}: {codes:?}"
        );
    }
}

#[test]
fn a_violation_must_show_the_causes_that_are_expected() {
    let entry = entry("no-lock");
    let mut asked = spec(entry, 1);
    asked.expect = Expect::Violation;
    asked.causes = vec!["L1".to_owned(), "D1".to_owned()];
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    assert_eq!(result.outcome, Outcome::ViolatedAsExpected);
    asked.causes.push("L5".to_owned());
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    assert_eq!(
        result.outcome,
        Outcome::CausesMissing(vec!["L5".to_owned()])
    );
}
