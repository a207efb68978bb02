//! Schedules that an earlier campaign kept, replayed before the search.

use crate::common::{BUDGET, campaign, spec};
use std::collections::BTreeSet;
use std::time::Duration;
use twiceproof_explore::campaign::{Regression, RegressionEnd, ReplayedRegression};
use twiceproof_explore::{CampaignResult, Control, Mode, Outcome, run};
use twiceproof_model::Schedule;
use twiceproof_testkit::{BANK, Entry, ToyLab, entry};

fn kept(result: &CampaignResult, mode: Mode) -> Vec<Regression> {
    let findings = result.findings.iter().map(|found| Regression {
        finding: found.finding.id.clone(),
        // What is kept is the text, without the record.
        schedule: Schedule::parse(&found.record.schedule).expect("a record has its schedule"),
        mode,
    });
    findings.collect()
}

fn found(entry: &Entry) -> CampaignResult {
    campaign(&spec(entry, 1), &mut ToyLab::new(entry.program))
}

fn ids(result: &CampaignResult) -> BTreeSet<&str> {
    let findings = result.findings.iter();
    findings.map(|found| found.finding.id.as_str()).collect()
}

fn ends(result: &CampaignResult) -> Vec<&RegressionEnd> {
    result.regressions.iter().map(|one| &one.end).collect()
}

#[test]
fn what_was_found_fails_again_and_is_found_once() {
    let mut replayed = 0;
    for entry in BANK {
        let first = found(entry);
        let mut again = spec(entry, 1);
        again.regressions = kept(&first, Mode::Strict);
        let second = campaign(&again, &mut ToyLab::new(entry.program));
        let name = entry.name;
        for one in &second.regressions {
            assert_eq!(one.end, RegressionEnd::StillFails, "{name} {one:?}");
            assert_eq!(one.divergence, None, "{name} {one:?}");
        }
        assert_eq!(second.regressions.len(), first.findings.len(), "{name}");
        assert_eq!(ids(&first), ids(&second), "{name}");
        assert_eq!(first.outcome, second.outcome, "{name}");
        assert_eq!(second.findings.len(), ids(&second).len(), "{name}");
        replayed += second.regressions.len();
    }
    assert!(replayed >= 10, "few regressions: {replayed}");
}

#[test]
fn a_kept_schedule_is_not_made_smaller_once_more() {
    let entry = entry("check-then-create");
    let mut again = spec(entry, 1);
    again.regressions = kept(&found(entry), Mode::Strict);
    again.only_regressions = true;
    let second = campaign(&again, &mut ToyLab::new(entry.program));
    let overlaps = second.findings.iter().filter(|found| !found.repetition);
    for found in overlaps {
        assert_eq!(found.record.stage, "regression");
        assert_eq!(found.shrunk, None);
        assert_eq!(found.replays.same, 5);
    }
    assert_eq!(second.outcome, Outcome::Violated);
}

/// Replays what was found in one job against another.
fn against(broken: &str, fixed: &str, only: bool) -> CampaignResult {
    let mut again = spec(entry(fixed), 1);
    again.regressions = kept(&found(entry(broken)), Mode::Lenient);
    again.only_regressions = only;
    campaign(&again, &mut ToyLab::new(entry(fixed).program))
}

#[test]
fn a_fixed_job_no_longer_fails_or_diverges() {
    let result = against("check-then-create", "sound-lock", false);
    assert_eq!(result.outcome, Outcome::Passed);
    assert!(!result.regressions.is_empty());
    for one in &result.regressions {
        let is_right = match one.end {
            RegressionEnd::NoLongerFails => one.divergence.is_none(),
            RegressionEnd::Diverged => one.divergence.is_some(),
            _ => false,
        };
        assert!(is_right, "{one:?}");
    }
}

#[test]
fn alone_a_schedule_that_diverged_is_no_pass() {
    let result = against("check-then-create", "sound-lock", true);
    let is_diverged = |one: &ReplayedRegression| one.end == RegressionEnd::Diverged;
    assert!(result.regressions.iter().any(is_diverged));
    assert_eq!(result.outcome, Outcome::Inconclusive);
    let codes = result.reasons.iter().map(|(code, _)| code.as_str());
    assert!(codes.into_iter().all(|code| code == "TP-I03"));
    let stages = result.coverage.stages.iter().map(|one| one.name.as_str());
    assert_eq!(stages.collect::<Vec<_>>(), ["serial"]);
}

#[test]
fn what_fails_otherwise_names_what_it_shows() {
    let entry = entry("no-lock");
    let mut again = spec(entry, 1);
    again.regressions = kept(&found(entry), Mode::Strict);
    for one in &mut again.regressions {
        // As after an edit of the job's texts, of which ids are made.
        "00000000".clone_into(&mut one.finding);
    }
    let result = campaign(&again, &mut ToyLab::new(entry.program));
    assert!(!result.regressions.is_empty());
    for one in &result.regressions {
        let RegressionEnd::FailsOtherwise(others) = &one.end else {
            panic!("{one:?}");
        };
        assert!(others.iter().all(|id| ids(&result).contains(id.as_str())));
    }
    assert_eq!(result.outcome, Outcome::Violated);
}

#[test]
fn without_time_a_regression_is_not_replayed() {
    let entry = entry("no-lock");
    let mut again = spec(entry, 1);
    again.regressions = kept(&found(entry), Mode::Strict);
    let control = Control {
        elapsed: &|| BUDGET + Duration::from_secs(1),
        interrupted: &|| false,
        observer: &mut |_| {},
    };
    let result = run(&again, &mut ToyLab::new(entry.program), control);
    let ends = ends(&result);
    assert!((ends.iter()).all(|end| **end == RegressionEnd::NotReplayed));
    assert_eq!(result.regressions.len(), again.regressions.len());
}

#[test]
fn fail_fast_ends_the_search_at_a_regression() {
    let entry = entry("check-then-create");
    let mut again = spec(entry, 1);
    again.regressions = kept(&found(entry), Mode::Strict);
    again.fail_fast = true;
    let result = campaign(&again, &mut ToyLab::new(entry.program));
    assert_eq!(result.outcome, Outcome::Violated);
    let searched = result.coverage.stages.iter();
    let searched = searched.filter(|stage| stage.name != "serial");
    assert_eq!(searched.map(|stage| stage.run).sum::<u32>(), 0);
}
