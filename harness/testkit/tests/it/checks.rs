//! Queries of checks in a campaign.

use crate::common::{campaign, spec};
use twiceproof_explore::{Blame, CampaignResult, CampaignSpec, Outcome};
use twiceproof_model::scenario::CheckSpec;
use twiceproof_model::{Answer, Snapshot};
use twiceproof_testkit::toy::Question;
use twiceproof_testkit::{ToyLab, entry};

/// Answers with the members that have more than one grant.
fn granted_twice(state: &Snapshot) -> Answer {
    let members = state.objects.iter();
    let members = members.filter(|(name, _)| &*name.object == "public.members");
    let rows = members.filter_map(|(_, object)| object.content.as_ref());
    let rows: Vec<Vec<Option<String>>> = rows
        .flat_map(|content| {
            let balance = content.columns.iter().position(|one| one.name == "balance");
            let balance = balance.expect("members have a balance");
            let is_more = move |row: &&Vec<Option<String>>| {
                let cell = row[balance].as_deref().unwrap_or("0");
                cell.parse::<i64>().is_ok_and(|balance| balance > 1500)
            };
            content.rows.iter().filter(is_more).cloned()
        })
        .collect();
    Answer {
        columns: vec!["id".to_owned(), "balance".to_owned()],
        count: rows.len() as u64,
        rows,
        error: None,
    }
}

fn one_row(_: &Snapshot) -> Answer {
    Answer {
        columns: vec!["id".to_owned()],
        rows: vec![vec![Some("7".to_owned())]],
        count: 1,
        error: None,
    }
}

fn refused(_: &Snapshot) -> Answer {
    Answer {
        error: Some("ERROR: relation \"membres\" does not exist (42P01)".to_owned()),
        ..Answer::default()
    }
}

fn asked(name: &str) -> CampaignSpec {
    let mut asked = spec(entry(name), 1);
    let invariant = CheckSpec {
        kind: "invariant".to_owned(),
        name: "granted once".to_owned(),
        service: Some("pg".into()),
        sql: Some("select id, balance from members where balance > 1500".to_owned()),
        ..CheckSpec::default()
    };
    let off = CheckSpec {
        kind: "state".to_owned(),
        off: true,
        ..CheckSpec::default()
    };
    asked.checks = vec![off, invariant];
    asked
}

fn run(name: &str, answer: Question) -> CampaignResult {
    let mut lab = ToyLab::new(entry(name).program).answering("granted once", answer);
    campaign(&asked(name), &mut lab)
}

#[test]
fn an_invariant_is_broken_without_any_other_check() {
    let result = run("no-lock", granted_twice);
    assert_eq!(result.outcome, Outcome::Violated);
    let found = &result.findings[0];
    assert_eq!(found.finding.code, "TP-V02");
    assert_eq!((found.replays.same, found.replays.tried), (5, 5));
    assert!(
        found.causes.iter().any(|cause| cause.code == "D1"),
        "{:?}",
        found.causes
    );
}

#[test]
fn the_sound_twin_holds_it() {
    let result = run("sound-lock", granted_twice);
    assert_eq!(result.outcome, Outcome::Passed);
}

#[test]
fn a_clean_run_that_breaks_it_is_no_baseline() {
    let result = run("sound-lock", one_row);
    let Outcome::BaselineFailed(failure) = result.outcome else {
        panic!("{:?}", result.outcome);
    };
    insta::assert_debug_snapshot!(failure);
    assert_eq!(result.coverage.trials, 0);
}

#[test]
fn a_wrong_query_is_told_before_any_trial() {
    let result = run("sound-lock", refused);
    let Outcome::LabFailed(error) = result.outcome else {
        panic!("{:?}", result.outcome);
    };
    assert_eq!(error.blame, Blame::Input);
    insta::assert_snapshot!(error.message);
    assert_eq!(result.coverage.trials, 0);
}
