//! Invariants: what the queries of a scenario say of the end.

use crate::common::{asked, baseline, record, reply, state, table};
use twiceproof_model::scenario::{CheckSpec, Contract};
use twiceproof_model::{Answer, Finding, TrialRecord, Verdict};
use twiceproof_oracle::{Checks, invariant, judge};

fn invariant(name: &str, wants_rows: bool) -> CheckSpec {
    CheckSpec {
        kind: "invariant".to_owned(),
        name: name.to_owned(),
        service: Some("pg".into()),
        sql: Some("SELECT id FROM Members m LEFT JOIN ledger USING (id)".to_owned()),
        wants_rows,
        ..CheckSpec::default()
    }
}

fn answer(rows: &[&[&str]], count: u64) -> Answer {
    let row = |row: &&[&str]| row.iter().map(|cell| Some((*cell).to_owned())).collect();
    Answer {
        columns: vec!["id".to_owned(), "balance".to_owned()],
        rows: rows.iter().map(row).collect(),
        count,
        error: None,
    }
}

/// Returns the record of a trial in which both runs add to a member, with these answers.
fn trial(answers: &[(&str, Answer)]) -> TrialRecord {
    let left = state(&[
        ("public.members", table("!id", &["1"])),
        ("public.ledger", table("!id", &["1"])),
        ("public.runs", table("!id", &["1"])),
    ]);
    let write = |number, text| asked(number, 1, text, reply("UPDATE", Some(1), true));
    let mut events = write(1, "UPDATE members SET balance = ?");
    events.extend(write(2, "UPDATE runs SET day = ?"));
    let mut record = record(&left, events);
    let answers = answers.iter();
    record.answers = answers
        .map(|(name, answer)| ((*name).to_owned(), answer.clone()))
        .collect();
    record
}

fn judged(record: &TrialRecord, specs: &[CheckSpec]) -> Verdict {
    let baseline = baseline(&record.snapshot, &[&record.snapshot], Contract::Once);
    judge(&baseline, record, &Checks::new(Contract::Once, specs))
}

fn findings(record: &TrialRecord, specs: &[CheckSpec]) -> Vec<Finding> {
    match judged(record, specs) {
        Verdict::Violation(findings) => findings,
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn a_broken_invariant_shows_its_rows() {
    let rows = answer(&[&["1", "700"], &["2", "900"]], 31);
    let found = findings(&trial(&[("sums", rows)]), &[invariant("sums", false)]);
    insta::assert_debug_snapshot!(found);
}

#[test]
fn rows_that_must_be_there() {
    let (none, one) = (answer(&[], 0), answer(&[&["1", "2"]], 1));
    let spec = [invariant("sums", true)];
    assert_eq!(judged(&trial(&[("sums", one)]), &spec), Verdict::Pass);
    let found = findings(&trial(&[("sums", none)]), &spec);
    assert_eq!(
        found[0].message,
        "the invariant `sums` is broken: its query returns no row, and must"
    );
}

#[test]
fn an_invariant_that_holds_or_is_off_is_silent() {
    let (none, one) = (answer(&[], 0), answer(&[&["1", "2"]], 1));
    let spec = invariant("sums", false);
    let off = CheckSpec {
        off: true,
        ..spec.clone()
    };
    let held = trial(&[("sums", none)]);
    assert_eq!(judged(&held, std::slice::from_ref(&spec)), Verdict::Pass);
    let broken = trial(&[("sums", one)]);
    assert_eq!(judged(&broken, std::slice::from_ref(&off)), Verdict::Pass);
    // One that is off leaves the others on.
    let found = findings(
        &broken,
        &[
            spec,
            CheckSpec {
                name: "x".to_owned(),
                ..off
            },
        ],
    );
    assert_eq!(found.len(), 1);
}

#[test]
fn each_invariant_is_a_finding_of_its_own() {
    let one = || answer(&[&["1", "2"]], 1);
    let record = trial(&[("a", one()), ("b", one())]);
    let found = findings(&record, &[invariant("a", false), invariant("b", false)]);
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].id, found[1].id);
    // Which rows show it differs from trial to trial.
    let other = trial(&[("a", answer(&[&["9", "9"]], 4))]);
    let again = findings(&other, &[invariant("a", false)]);
    assert_eq!(again[0].id, found[0].id);
}

#[test]
fn a_query_that_fails_is_no_violation() {
    let failed = Answer {
        error: Some("ERROR: division by zero (22012)".to_owned()),
        count: 3,
        ..Answer::default()
    };
    let record = trial(&[("sums", failed)]);
    let spec = [invariant("sums", false)];
    assert_eq!(judged(&record, &spec), Verdict::Pass);
    let checks = Checks::new(Contract::Once, &spec);
    assert_eq!(
        invariant::unanswered(&record, &checks),
        Some(("sums".to_owned(), "ERROR: division by zero (22012)"))
    );
    assert_eq!(invariant::broken_alone(&record, &checks), None);
}
