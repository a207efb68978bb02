//! Faults of a scenario: injected at their moments, healed, and never passed over in silence.

use crate::common::{observed, spec};
use twiceproof_explore::{CampaignResult, Outcome, Progress};
use twiceproof_model::scenario::FaultSpec;
use twiceproof_model::{Event, Fault, TrialRecord};
use twiceproof_testkit::{ToyLab, entry};

/// Returns a fault of a scenario.
fn fault(fault: &str, at: &str, until: &str) -> FaultSpec {
    let moment = |text: &str| (!text.is_empty()).then(|| text.parse().expect("a moment"));
    FaultSpec {
        fault: fault.parse().expect("a fault"),
        at: moment(at),
        until: moment(until),
        times: 1,
        span: 0..0,
        at_span: 0..0,
        until_span: 0..0,
    }
}

/// Runs the faults of a scenario over a sound job, and nothing else.
fn run(faults: Vec<FaultSpec>) -> (CampaignResult, Vec<TrialRecord>) {
    let entry = entry("sound-lock");
    let mut spec = spec(entry, 1);
    spec.stages = Some(Vec::new());
    spec.faults = faults;
    let mut records = Vec::new();
    let mut observe = |progress: &Progress<'_>| {
        if let Progress::Trial { record, .. } = progress {
            records.push(TrialRecord::clone(record));
        }
    };
    let result = observed(&spec, &mut ToyLab::new(entry.program), &mut observe);
    (result, records)
}

/// Returns the steps of a trial that inject or heal, with the requests that were held when.
fn strikes(record: &TrialRecord) -> Vec<String> {
    let steps = record
        .trace
        .iter()
        .filter_map(|stamped| match &stamped.event {
            Event::Taken(step) if step.is_fault() => Some(step.to_string()),
            Event::Healed { effect, .. } => Some(format!("effect {effect}")),
            _ => None,
        });
    steps.collect()
}

/// Runs one fault and returns what was injected and healed.
#[track_caller]
fn check(name: &str, at: &str, until: &str, expect: &[&str]) {
    let (result, records) = run(vec![fault(name, at, until)]);
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.reasons);
    assert_eq!(records.len(), 1);
    assert_eq!(strikes(&records[0]), expect);
    assert_eq!(
        (result.coverage.faults.covered, result.coverage.faults.total),
        (1, 1)
    );
}

/// Runs one fault that strikes nothing.
#[track_caller]
fn check_doubt(name: &str, at: &str, until: &str) {
    let (result, _) = run(vec![fault(name, at, until)]);
    assert_eq!(result.outcome, Outcome::Inconclusive);
    let named = |(code, text): &(String, String)| code == "TP-I02" && text.contains(name);
    assert!(result.reasons.iter().any(named), "{:?}", result.reasons);
}

const LOCK: &str = "job#1 pg \"SELECT pg_advisory_lock\" 1";
const WRITE: &str = "job#1 pg \"UPDATE members\" 1";

#[test]
fn a_fault_strikes_at_its_moment() {
    check("kill job#1", &format!("{WRITE} held"), "", &["kill job#1"]);
    check(
        "kill job#1",
        &format!("{LOCK} replied"),
        "",
        &["kill job#1"],
    );
    check("kill job#2", "job#2 start", "", &["kill job#2"]);
    let paused = ["pause job#1", "resume job#1"];
    check(
        "pause job#1",
        &format!("{WRITE} held"),
        "job#2 start",
        &paused,
    );
    check("pause job#1", &format!("{WRITE} answered"), "", &paused);
    check(
        "pause job#2",
        "job#1 exit",
        "",
        &["pause job#2", "resume job#2"],
    );
    let lost = ["drop-reply job#1@4"];
    check("lost-reply job#1", &format!("{WRITE} held"), "", &lost);
    let partition = "partition job#1 link=pg";
    let held = [
        "inject partition job#1 link=pg",
        "heal partition job#1 link=pg",
        "effect 1",
    ];
    check(partition, &format!("{WRITE} held"), "", &held);
    check(partition, "job#1 start", "job#2 exit", &held);
}

#[test]
fn a_fault_that_strikes_nothing_is_a_doubt_that_names_it() {
    check_doubt("kill job#1", "job#1 pg \"DROP TABLE\" 1 held", "");
    check_doubt("kill job#1", &format!("{WRITE}00 held"), "");
    check_doubt("lost-reply job#1", "job#1 pg \"DROP\" 1 held", "");
    check_doubt("pause job#1", "job#1 exit", "");
    check_doubt("partition job#1 link=pg", "job#1 start", "job#1 start");
    check_doubt("partition job#1 link=pg", "job#1 exit", "");
}

#[test]
fn a_fault_without_a_moment_is_placed_at_each_request() {
    let (result, records) = run(vec![fault("kill job#1", "", "")]);
    let requests = result.coverage.requests;
    assert_eq!(result.outcome, Outcome::Passed, "{:?}", result.reasons);
    assert_eq!(records.len(), usize::try_from(requests).unwrap());
    for record in &records {
        assert_eq!(strikes(record), ["kill job#1"]);
    }
    let fingerprints: std::collections::BTreeSet<String> = records
        .iter()
        .map(|record| record.fingerprint.to_string())
        .collect();
    assert_eq!(
        fingerprints.len(),
        records.len(),
        "no two of them are equal"
    );
}

#[test]
fn no_fault_begins_behind_its_own_end() {
    let entry = entry("sound-lock");
    let mut spec = spec(entry, 1);
    spec.stages = Some(vec!["preempt".to_owned()]);
    let at = format!("{LOCK} held");
    spec.faults = vec![fault("partition job#1 link=pg", &at, "job#2 exit")];
    let mut counts = (0, 0);
    let mut observe = |progress: &Progress<'_>| {
        let Progress::Trial { record, .. } = progress else {
            return;
        };
        if record.stage != "preempt" {
            return;
        }
        let place = |holds: fn(&Event) -> bool| {
            let mut trace = record.trace.iter();
            trace.position(|stamped| holds(&stamped.event))
        };
        let begun = place(|event| matches!(event, Event::Injected(_)));
        let ended = place(
            |event| matches!(event, Event::Exited { instance, .. } if instance.number() == 2),
        );
        match begun {
            Some(_) => counts.0 += 1,
            None => counts.1 += 1,
        }
        assert!(begun.is_none_or(|begun| ended.is_some_and(|ended| begun < ended)));
    };
    observed(&spec, &mut ToyLab::new(entry.program), &mut observe);
    assert!(counts.0 > 0 && counts.1 > 0, "{counts:?}");
}

#[test]
fn what_was_injected_stands_in_the_schedule() {
    let faults = vec![fault(
        "partition job#1 link=pg",
        &format!("{WRITE} held"),
        "job#2 exit",
    )];
    let (_, records) = run(faults);
    let schedule = twiceproof_model::Schedule::parse(&records[0].schedule).unwrap();
    let expect: Vec<Fault> = vec!["partition job#1 link=pg".parse().unwrap()];
    assert_eq!(schedule.menu(), expect, "{schedule}");
    assert!(
        schedule
            .to_string()
            .contains("fault heal partition job#1 link=pg"),
        "{schedule}"
    );
}
