//! What a pass claims of orders that were not run, and of jobs that do not repeat themselves.

use crate::common::{campaign, spec};
use std::cell::Cell;
use std::time::Duration;
use twiceproof_explore::{CampaignResult, CampaignSpec, Control, Outcome, run};
use twiceproof_testkit::{Op, ToyLab, entry};

/// The sound lock's job, which looks at something else in every run.
const FICKLE: &[Op] = &[
    Op::LockSession,
    Op::SkipIfDone,
    Op::Wander,
    Op::Begin,
    Op::Add(1),
    Op::MarkDone,
    Op::Commit,
    Op::UnlockSession,
];
/// The same without the lock.
const FICKLE_BROKEN: &[Op] = &[Op::SkipIfDone, Op::Wander, Op::Add(1), Op::MarkDone];

fn asked() -> CampaignSpec {
    spec(entry("sound-lock"), 1)
}

fn claim(result: &CampaignResult) -> String {
    let claim = result.claim().expect("it is a pass");
    format!("{}\n  {}\n", claim.word, claim.because.join("\n  "))
}

#[test]
fn a_job_that_repeats_itself_is_sampled() {
    let result = campaign(&asked(), &mut ToyLab::new(entry("sound-lock").program));
    assert_eq!(result.outcome, Outcome::Passed);
    assert_eq!(
        (result.coverage.audit.tried, result.coverage.audit.same),
        (3, 3)
    );
    insta::assert_snapshot!(claim(&result));
}

#[test]
fn a_job_that_differs_in_every_run_is_told_of() {
    let result = campaign(&asked(), &mut ToyLab::new(FICKLE));
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.reasons);
    assert_eq!(
        (result.coverage.audit.tried, result.coverage.audit.same),
        (3, 0)
    );
    insta::assert_snapshot!(claim(&result));
}

#[test]
fn a_violation_of_a_job_that_differs_is_reported_with_its_replays() {
    let result = campaign(&asked(), &mut ToyLab::new(FICKLE_BROKEN));
    assert_eq!(result.outcome, Outcome::Violated);
    assert_eq!(result.claim(), None);
    let found = &result.findings[0];
    assert!(
        found.replays.same < found.replays.tried,
        "{:?}",
        found.replays
    );
    assert!(found.replays.divergence.is_some());
}

#[test]
fn nothing_is_claimed_of_repetition_without_an_audit() {
    let mut asked = asked();
    asked.stages = Some(vec!["free".to_owned()]);
    let result = campaign(&asked, &mut ToyLab::new(entry("sound-lock").program));
    let claim = result.claim().expect("it is a pass");
    assert_eq!(claim.word, "sampled");
    assert_eq!(
        claim.because[1],
        "no schedule was run twice, so it is not known whether runs repeat"
    );
}

#[test]
fn ten_thousand_requests_and_a_budget_are_inconclusive() {
    let mut program = vec![Op::LockSession, Op::SkipIfDone, Op::Begin];
    program.extend((0..10_000_u16).map(|n| Op::Grant(u8::try_from(n % 3).unwrap_or(0) + 1)));
    program.extend([Op::MarkDone, Op::Commit, Op::UnlockSession]);
    let program: &'static [Op] = program.leak();
    let calls = Cell::new(0_u64);
    let control = Control {
        elapsed: &|| {
            calls.set(calls.get() + 1);
            Duration::from_secs(calls.get() * 100)
        },
        interrupted: &|| false,
        observer: &mut |_| {},
    };
    let result = run(&asked(), &mut ToyLab::new(program), control);
    assert_eq!(result.outcome, Outcome::Inconclusive);
    assert_eq!(result.coverage.requests, 10_006);
    assert!(result.budget_spent);
    insta::assert_debug_snapshot!(result.reasons);
}
