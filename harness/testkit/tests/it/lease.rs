//! Leases that end: what that shows is reported if a pause shows it too.

use crate::common::{campaign, spec};
use std::time::Duration;
use twiceproof_explore::{CampaignResult, Outcome};
use twiceproof_model::Event;
use twiceproof_testkit::Op::{
    self, Add, FreeLease, Grant, LeaveIfLate, MarkDone, SkipIfDone, TakeLeaseOrSkip,
};
use twiceproof_testkit::{ToyLab, entry};

/// Runs the stage on a job of the bank, with another program if one is given.
fn run(name: &str, program: Option<&'static [Op]>, pause_max: Option<Duration>) -> CampaignResult {
    let entry = entry(name);
    let mut spec = spec(entry, 1);
    spec.stages = Some(vec!["lease".to_owned()]);
    spec.settings.pause_max = pause_max;
    campaign(&spec, &mut ToyLab::new(program.unwrap_or(entry.program)))
}

#[test]
fn a_lease_is_no_lock_of_its_own() {
    let result = run("lease-alone", None, None);
    assert_eq!(result.outcome, Outcome::Violated);
    let found = &result.findings[0];
    assert_eq!(found.replays.same, 5);
    let codes: Vec<&str> = found.causes.iter().map(|cause| cause.code).collect();
    assert!(codes.contains(&"L5"), "{codes:?}");
    // Each write under the lease: two of the members, the mark, the commit, the release.
    assert_eq!(result.coverage.leases.total, 5);
    insta::assert_snapshot!(found.schedule.to_string());
}

#[test]
fn a_guard_in_each_write_holds_without_the_lease() {
    let result = run("sound-lease", None, None);
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.reasons);
    assert_eq!(result.coverage.leases.covered, 4);
    assert!(result.coverage.unconfirmed.is_empty());
}

/// It asks its own clock before the one write that would do harm. In a trial in which no time
/// passes it cannot know.
const WATCHED: &[Op] = &[
    TakeLeaseOrSkip,
    SkipIfDone,
    Grant(1),
    FreeLease,
    LeaveIfLate,
    Add(2),
    MarkDone,
];

#[test]
fn who_watches_its_own_clock_is_not_accused() {
    let result = run("lease-alone", Some(WATCHED), None);
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.findings);
    insta::assert_snapshot!(result.coverage.unconfirmed.join("\n"));
}

#[test]
fn a_pause_that_cannot_be_is_a_limit() {
    let result = run("lease-alone", None, Some(Duration::from_secs(2)));
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.findings);
    insta::assert_snapshot!(result.coverage.unconfirmed.join("\n"));
    let longer = run("lease-alone", None, Some(Duration::from_secs(4)));
    assert_eq!(longer.outcome, Outcome::Violated);
}

#[test]
fn a_calm_run_comes_after_the_leases_of_the_dead() {
    let entry = entry("sound-lease");
    let mut spec = spec(entry, 1);
    spec.stages = Some(vec!["crash".to_owned()]);
    let mut ended = 0;
    let mut observe = |progress: &twiceproof_explore::Progress<'_>| {
        if let twiceproof_explore::Progress::Trial { record, .. } = progress {
            let ends = record.trace.iter().filter(|stamped| {
                matches!(&stamped.event, Event::Injected(fault) if fault.kind == "expire")
            });
            ended += ends.count();
        }
    };
    let result = crate::common::observed(&spec, &mut ToyLab::new(entry.program), &mut observe);
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.findings);
    assert!(ended > 0, "no trial left a lease behind");
}
