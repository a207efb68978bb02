//! Effects: mails and requests that may happen once.

use crate::common::{baseline, record, state, table};
use twiceproof_model::Verdict;
use twiceproof_model::scenario::{CheckSpec, Contract};
use twiceproof_oracle::{Checks, judge};

const MAILS: &str = "message_id from to subject body_hash body";
const CLEAN: &[&str] = &["- job ann points 1 a", "- job bob points 1 a"];

/// Judges a trial that leaves these mails, by the effect check alone; returns the differences.
#[track_caller]
fn check(columns: &[&str], mails: &[&str], expect: &[&str]) {
    let empty = state(&[("(mails)", table(MAILS, &[]))]);
    let clean = state(&[("(mails)", table(MAILS, CLEAN))]);
    let baseline = baseline(&empty, &[&clean], Contract::Exclusion);
    let off = |kind: &str| CheckSpec {
        kind: kind.to_owned(),
        off: true,
        ..CheckSpec::default()
    };
    let effect = CheckSpec {
        kind: "effect".to_owned(),
        service: Some("pg".into()),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        ..CheckSpec::default()
    };
    let checks = Checks::new(Contract::Exclusion, &[off("state"), effect]);
    let trial = record(&state(&[("(mails)", table(MAILS, mails))]), Vec::new());
    let found = match judge(&baseline, &trial, &checks) {
        Verdict::Violation(findings) => findings,
        _ => Vec::new(),
    };
    let told: Vec<String> = found
        .iter()
        .flat_map(|finding| {
            assert_eq!(finding.code, "TP-V04");
            assert_eq!(finding.differences_total, finding.differences.len() as u64);
            finding.differences.iter()
        })
        .map(|difference| {
            format!(
                "{}: {}, not {}",
                difference.row, difference.found, difference.expected
            )
        })
        .collect();
    assert_eq!(told, expect);
}

#[test]
fn each_effect_once() {
    check(&[], CLEAN, &[]);
    check(&[], &[], &[]);
    check(
        &[],
        &["- job ann points 1 a", "- job ann points 1 a"],
        &["to=ann, subject=points, body_hash=1: 2 times, not once"],
    );
    // Another text is another mail, unless the check says what one mail is.
    let two = &["- job ann points 1 a", "- job ann points 2 b"];
    check(&[], two, &[]);
    check(
        &["to", "subject"],
        two,
        &["to=ann, subject=points: 2 times, not once"],
    );
}

#[test]
fn a_key_names_an_effect() {
    // Deliveries with one key and one content are one row already.
    check(&[], &["k job ann points 1 a", "l job ann points 1 a"], &[]);
    check(
        &["to", "subject"],
        &["k job ann points 1 a", "l job ann points 1 a"],
        &["to=ann, subject=points: 2 times, not once"],
    );
    check(
        &[],
        &["k job ann points 1 a", "k job ann points 2 b"],
        &["message_id=k, to=ann: 2 times, not once"],
    );
}

#[test]
fn what_a_clean_run_does_twice_may_happen_twice() {
    let empty = state(&[("(mails)", table(MAILS, &[]))]);
    let twice = ["- job ann points 1 a"; 2];
    let clean = state(&[("(mails)", table(MAILS, &twice))]);
    let baseline = baseline(&empty, &[&clean], Contract::Once);
    let effect = CheckSpec {
        kind: "effect".to_owned(),
        service: Some("pg".into()),
        ..CheckSpec::default()
    };
    let checks = Checks::new(Contract::Once, &[effect]);
    let trial = record(&clean, Vec::new());
    assert_eq!(judge(&baseline, &trial, &checks), Verdict::Pass);
    let trial = record(
        &state(&[("(mails)", table(MAILS, &["- job ann points 1 a"; 3]))]),
        Vec::new(),
    );
    let Verdict::Violation(findings) = judge(&baseline, &trial, &checks) else {
        panic!("three are more than two")
    };
    let codes: Vec<&str> = findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, ["TP-V01", "TP-V04"]);
}
