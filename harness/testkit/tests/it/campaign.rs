//! What a campaign says, and what it does when it is cut short.

use crate::common::{campaign, observed, spec, with_contract};
use std::cell::Cell;
use std::time::Duration;
use twiceproof_explore::{CampaignResult, Control, Outcome, Progress, run};
use twiceproof_model::scenario::{Contract, Expect};
use twiceproof_testkit::{BANK, Entry, Op, ToyLab, entry};

fn lines(seed: u64) -> Vec<String> {
    let entry = entry("check-then-create");
    lines_of(&mut ToyLab::new(entry.program), entry, seed)
}

fn lines_of(lab: &mut ToyLab, entry: &Entry, seed: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut observe = |progress: &Progress<'_>| match progress {
        Progress::Trial { line, .. } => lines.push(format!("{line:?}")),
        Progress::Finding(found) => lines.push(format!("{} {:?}", found.finding.id, found.replays)),
        Progress::Shrunk(found) => lines.push(format!("{}{:?}", found.schedule, found.orders)),
        Progress::Regression(one) => lines.push(format!("{one:?}")),
        Progress::Baseline(_) | Progress::Masks(_) => {}
    };
    observed(&spec(entry, seed), lab, &mut observe);
    lines
}

#[test]
fn same_seed_same_choices() {
    assert_eq!(lines(7), lines(7));
    assert_ne!(lines(7), lines(8));
}

#[test]
fn nothing_depends_on_which_trial_runs_first() {
    for entry in BANK {
        let forwards = lines_of(&mut ToyLab::new(entry.program), entry, 1);
        let backwards = lines_of(&mut ToyLab::new(entry.program).backwards(), entry, 1);
        assert_eq!(forwards, backwards, "{}", entry.name);
    }
}

#[test]
fn finding_ids_do_not_depend_on_the_seed() {
    let ids = |seed| {
        let entry = entry("no-lock");
        let result = campaign(&spec(entry, seed), &mut ToyLab::new(entry.program));
        let mut ids: Vec<String> = result.findings.into_iter().map(|f| f.finding.id).collect();
        ids.sort();
        ids
    };
    let first = ids(1);
    assert!(!first.is_empty());
    for seed in 2..=8 {
        assert_eq!(ids(seed), first, "seed {seed}");
    }
}

#[test]
fn every_finding_of_the_bank_replays() {
    for entry in BANK {
        let result = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
        for found in &result.findings {
            let is_free = found.record.stage == "free";
            assert!(
                is_free || (found.replays.same, found.replays.tried) == (5, 5),
                "{} {}: {:?}\n{}",
                entry.name,
                found.label,
                found.replays,
                found.schedule
            );
        }
    }
}

fn describe(result: &CampaignResult) -> String {
    let mut text = format!("{:?}\n{}\n", result.outcome, result.coverage.sentence());
    for gap in result.coverage.gaps() {
        text += &format!("not covered: {gap}\n");
    }
    for (code, reason) in &result.reasons {
        text += &format!("{code} {reason}\n");
    }
    for mask in result.baseline.iter().flat_map(|baseline| &baseline.masks) {
        text += &format!("mask {mask} {:?}\n", mask.origin);
    }
    for lock in result
        .baseline
        .iter()
        .flat_map(|baseline| &baseline.lock_objects)
    {
        text += &format!("lock {lock}\n");
    }
    for found in &result.findings {
        let finding = &found.finding;
        text += &format!(
            "\n{} {} {} ({}; replayed {} of {}; {} switches)\n",
            finding.code,
            finding.id,
            finding.message,
            found.label,
            found.replays.same,
            found.replays.tried,
            found.switches
        );
        for difference in &finding.differences {
            text += &format!(
                "  {} [{}] {}: {} -> {}\n",
                difference.object,
                difference.row,
                difference.column,
                difference.expected,
                difference.found
            );
        }
        text += &found.schedule.to_string();
    }
    text
}

#[test]
fn what_a_broken_job_ends_in() {
    let entry = entry("check-then-create");
    let result = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    insta::assert_snapshot!(describe(&result));
}

#[test]
fn what_a_job_that_loses_updates_ends_in() {
    let entry = entry("lost-update");
    let result = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    insta::assert_snapshot!(describe(&result));
}

#[test]
fn what_a_sound_job_ends_in() {
    let entry = entry("sound-lock");
    let result = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    insta::assert_snapshot!(describe(&result));
}

#[test]
fn an_expected_violation_is_the_right_end() {
    let (broken, sound) = (entry("no-lock"), entry("sound-lock"));
    let mut asked = spec(broken, 1);
    asked.expect = Expect::Violation;
    let result = campaign(&asked, &mut ToyLab::new(broken.program));
    assert_eq!(result.outcome, Outcome::ViolatedAsExpected);
    let result = campaign(&asked, &mut ToyLab::new(sound.program));
    assert_eq!(result.outcome, Outcome::ViolationMissing);
}

#[test]
fn no_budget_is_inconclusive() {
    let entry = entry("sound-lock");
    let mut asked = spec(entry, 1);
    asked.budget = Duration::ZERO;
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    assert_eq!(result.outcome, Outcome::Inconclusive);
    assert!(result.budget_spent);
    assert_eq!(result.coverage.trials, 0);
    let owed =
        "the budget cut short: serial, crash, lost-reply, directed, partition, preempt, exhaustive";
    assert_eq!(result.reasons, [("TP-I01".to_owned(), owed.to_owned())]);
}

#[test]
fn a_budget_cut_keeps_what_was_found() {
    let entry = entry("no-lock");
    let calls = Cell::new(0);
    let control = Control {
        elapsed: &|| {
            calls.set(calls.get() + 1);
            Duration::from_secs(if calls.get() > 3 { 10_000 } else { 0 })
        },
        interrupted: &|| false,
        observer: &mut |_| {},
    };
    let result = run(&spec(entry, 1), &mut ToyLab::new(entry.program), control);
    assert_eq!(result.outcome, Outcome::Violated);
    assert!(result.budget_spent && !result.findings.is_empty());
}

#[test]
fn an_interrupt_keeps_what_was_found() {
    let entry = entry("no-lock");
    let mut lab = ToyLab::new(entry.program).interrupted_after(60);
    let result = campaign(&spec(entry, 1), &mut lab);
    assert_eq!(result.outcome, Outcome::Interrupted);
    assert!(result.interrupted && !result.findings.is_empty());
    let mut lab = ToyLab::new(entry.program).interrupted_after(2);
    let result = campaign(&spec(entry, 1), &mut lab);
    assert_eq!(result.outcome, Outcome::Interrupted);
}

#[test]
fn fail_fast_ends_at_the_first_finding() {
    let entry = entry("no-lock");
    let mut asked = spec(entry, 1);
    asked.fail_fast = true;
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    let full = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    assert!(result.coverage.trials < full.coverage.trials);
    assert_eq!(result.outcome, Outcome::Violated);
}

#[test]
fn a_job_that_polls_for_ever_alone_is_no_baseline() {
    const PROGRAM: &[Op] = &[Op::TakeFlag, Op::TakeFlagOrPoll];
    let result = campaign(&spec(entry("no-lock"), 1), &mut ToyLab::new(PROGRAM));
    let Outcome::BaselineFailed(failure) = result.outcome else {
        panic!("{:?}", result.outcome);
    };
    assert_eq!(failure.message, "the clean run hangs: it used up its time");
}

#[test]
fn repeated_work_is_fine_where_exclusion_is_owed() {
    let entry = entry("not-repeatable");
    let asked = with_contract(spec(entry, 1), Contract::Exclusion);
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    assert_eq!(result.outcome, Outcome::Passed, "{}", describe(&result));
}

#[test]
fn one_schedule_is_judged_as_its_campaign_judged_it() {
    use twiceproof_explore::Mode;
    use twiceproof_explore::campaign::{ReplayAsked, replay};
    for name in ["check-then-create", "not-repeatable", "create-exclusive"] {
        let entry = entry(name);
        let spec = spec(entry, 1);
        let result = campaign(&spec, &mut ToyLab::new(entry.program));
        for found in &result.findings {
            let asked = ReplayAsked {
                schedule: &found.schedule,
                mode: Mode::Strict,
                trace: None,
                instances: None,
                times: 3,
            };
            let control = Control {
                elapsed: &|| Duration::ZERO,
                interrupted: &|| false,
                observer: &mut |_| {},
            };
            let again = replay(&spec, &mut ToyLab::new(entry.program), &asked, control);
            assert_eq!(
                again.outcome,
                Outcome::Violated,
                "{name}: {}",
                found.schedule
            );
            for (record, verdict) in &again.trials {
                let shows = matches!(verdict, twiceproof_model::Verdict::Violation(findings)
                    if findings.iter().any(|other| other.id == found.finding.id));
                assert!(shows, "{name}: {verdict:?}\n{}", record.schedule);
            }
        }
    }
}
