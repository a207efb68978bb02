//! Verdicts: what outranks what, and how findings are named.

use crate::common::{asked, baseline, job, record, reply, state, table};
use twiceproof_model::scenario::{CheckSpec, Contract};
use twiceproof_model::{
    Divergence, Doubt, Event, Exit, InstanceId, Snapshot, TrialRecord, Verdict,
};
use twiceproof_oracle::{Baseline, Checks, SerialOutcome, judge};

const MEMBERS: &str = "!id balance";

fn balance(value: u32) -> Snapshot {
    let row = format!("1 {value}");
    state(&[("public.members", table(MEMBERS, &[&row]))])
}

fn of(contract: Contract) -> Baseline {
    baseline(&balance(500), &[&balance(1500)], contract)
}

fn codes(baseline: &Baseline, record: &TrialRecord) -> Vec<String> {
    let checks = Checks::new(baseline.contract, &[]);
    codes_with(baseline, record, &checks)
}

fn codes_with(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<String> {
    match judge(baseline, record, checks) {
        Verdict::Pass => Vec::new(),
        Verdict::Inconclusive(reasons) => reasons.into_iter().map(|(code, _)| code).collect(),
        Verdict::Violation(findings) => findings.into_iter().map(|finding| finding.code).collect(),
    }
}

#[test]
fn a_clean_state_passes() {
    assert!(codes(&of(Contract::Once), &record(&balance(1500), Vec::new())).is_empty());
}

#[test]
fn doubts_are_never_a_pass_and_never_hide_a_violation() {
    let baseline = of(Contract::Once);
    for (doubt, code) in [
        (Doubt::FaultWithoutEffect("kill".to_owned()), "TP-I02"),
        (Doubt::OpaqueLink("tls".to_owned()), "TP-I04"),
        (Doubt::BestEffort("threads".to_owned()), "TP-I05"),
        (Doubt::Bound("steps".to_owned()), "TP-I01"),
    ] {
        let mut fine = record(&balance(1500), Vec::new());
        fine.doubts.push(doubt.clone());
        assert_eq!(codes(&baseline, &fine), [code]);
        let mut wrong = record(&balance(2500), Vec::new());
        wrong.doubts.push(doubt);
        assert_eq!(codes(&baseline, &wrong), ["TP-V01"]);
    }
}

#[test]
fn a_trial_that_was_cut_off_proves_nothing() {
    let baseline = of(Contract::Once);
    for doubt in [
        Doubt::CutShort("signal".to_owned()),
        Doubt::ServiceDied("pg".to_owned()),
    ] {
        let mut wrong = record(&balance(500), Vec::new());
        wrong.doubts.push(doubt.clone());
        assert_eq!(
            codes(&baseline, &wrong),
            [twiceproof_oracle::doubt_code(&doubt)]
        );
    }
}

#[test]
fn a_divergence_is_named() {
    let mut diverged = record(&balance(1500), Vec::new());
    diverged.divergence = Some(Divergence {
        line: 3,
        wanted: "release job#1@2".to_owned(),
        offered: vec!["start job#2".to_owned()],
    });
    let checks = Checks::new(Contract::Once, &[]);
    let verdict = judge(&of(Contract::Once), &diverged, &checks);
    let reason = "line 3: wanted release job#1@2, had start job#2".to_owned();
    assert_eq!(
        verdict,
        Verdict::Inconclusive(vec![("TP-I03".to_owned(), reason)])
    );
}

/// A killed run, and the states before and after the calm runs.
fn recovered(states: &[Snapshot], calm: &[Exit]) -> TrialRecord {
    let mut record = record(states.last().expect("there is a state"), Vec::new());
    record.exits = [(job(1), Exit::Signal(9))].into();
    record.recoveries = calm.to_vec();
    let mut earlier = states[..states.len() - 1].iter().cloned();
    record.before_recovery = earlier.next();
    record.after_first_recovery = earlier.next();
    record
}

#[test]
fn a_lost_run_needs_two_calm_runs_that_change_nothing() {
    let baseline = of(Contract::Once);
    let ok = Exit::Code(0);
    let lost = recovered(&[balance(500), balance(500), balance(500)], &[ok, ok]);
    assert_eq!(codes(&baseline, &lost), ["TP-V06"]);
    let second_helps = recovered(&[balance(500), balance(500), balance(1500)], &[ok, ok]);
    assert!(codes(&baseline, &second_helps).is_empty());
    let first_helps = recovered(&[balance(500), balance(1500)], &[ok]);
    assert!(codes(&baseline, &first_helps).is_empty());
    let doubled = recovered(&[balance(1500), balance(2500), balance(3500)], &[ok, ok]);
    assert_eq!(codes(&baseline, &doubled), ["TP-V01"]);
}

#[test]
fn a_doubled_state_is_shown_after_the_first_calm_run() {
    let ok = Exit::Code(0);
    let doubled = recovered(&[balance(1500), balance(2500), balance(3500)], &[ok, ok]);
    let baseline = of(Contract::Once);
    let Verdict::Violation(findings) =
        judge(&baseline, &doubled, &Checks::new(Contract::Once, &[]))
    else {
        panic!("the state is doubled");
    };
    assert_eq!(findings[0].differences[0].found, "2500");
}

#[test]
fn exclusion_loses_no_whole_run() {
    let mut baseline = of(Contract::Exclusion);
    let write = |job, ordinal| {
        asked(
            job,
            ordinal,
            "UPDATE members",
            reply("UPDATE", Some(1), true),
        )
    };
    baseline.requests = twiceproof_oracle::baseline::requests(&record(&balance(1500), write(1, 1)));
    baseline.serial.push(SerialOutcome {
        runs: 2,
        starts: InstanceId::first(2).collect(),
        snapshot: balance(2500),
    });
    let both: Vec<Event> = write(1, 1).into_iter().chain(write(2, 1)).collect();
    assert!(codes(&baseline, &record(&balance(2500), both.clone())).is_empty());
    assert_eq!(codes(&baseline, &record(&balance(1500), both)), ["TP-V01"]);
    // One that skipped is no loss.
    assert!(codes(&baseline, &record(&balance(1500), write(1, 1))).is_empty());
}

#[test]
fn hangs_and_cycles() {
    let baseline = of(Contract::Once);
    let hung = record(&balance(1500), vec![Event::TimedOut(job(2))]);
    assert_eq!(codes(&baseline, &hung), ["TP-V08"]);
    let cycle = vec![Event::WaitCycle(vec![job(1), job(2)])];
    assert!(codes(&baseline, &record(&balance(1500), cycle.clone())).is_empty());
    assert_eq!(
        codes(&baseline, &record(&balance(500), cycle)),
        ["TP-V01", "TP-V08"]
    );
}

#[test]
fn exit_codes_count_only_where_demanded() {
    let baseline = of(Contract::Once);
    let exit = |number, code| Event::Exited {
        instance: job(number),
        exit: Exit::Code(code),
    };
    let mut trial = record(&balance(1500), vec![exit(1, 0), exit(2, 75)]);
    trial.exits.insert(job(2), Exit::Code(75));
    assert!(codes(&baseline, &trial).is_empty());
    let spec = |codes: &[i32]| CheckSpec {
        kind: "exit".to_owned(),
        codes: codes.to_vec(),
        ..CheckSpec::default()
    };
    let demanded = Checks::new(Contract::Once, &[spec(&[])]);
    assert_eq!(codes_with(&baseline, &trial, &demanded), ["TP-V07"]);
    let allowed = Checks::new(Contract::Once, &[spec(&[0, 75])]);
    assert!(codes_with(&baseline, &trial, &allowed).is_empty());
}

#[test]
fn a_check_can_be_switched_off() {
    let off = CheckSpec {
        kind: "state".to_owned(),
        off: true,
        ..CheckSpec::default()
    };
    let checks = Checks::new(Contract::Once, &[off]);
    let baseline = of(Contract::Once);
    assert!(codes_with(&baseline, &record(&balance(9), Vec::new()), &checks).is_empty());
}

#[test]
fn a_finding_is_named_by_what_matters() {
    let id = |baseline: &Baseline, record: &TrialRecord| match judge(
        baseline,
        record,
        &Checks::new(baseline.contract, &[]),
    ) {
        Verdict::Violation(findings) => findings[0].id.clone(),
        other => panic!("{other:?}"),
    };
    let baseline = of(Contract::Once);
    let first = id(&baseline, &record(&balance(2500), Vec::new()));
    let events = asked(1, 1, "UPDATE members", reply("UPDATE", Some(1), true));
    assert_eq!(id(&baseline, &record(&balance(3500), events)), first);
    let mut serial = record(&balance(2500), Vec::new());
    serial.stage = "serial".to_owned();
    assert_ne!(id(&baseline, &serial), first);
    let mut other = of(Contract::Once);
    let events = asked(1, 1, "UPDATE members", reply("UPDATE", Some(1), true));
    other.requests = twiceproof_oracle::baseline::requests(&record(&balance(1500), events));
    assert_ne!(id(&other, &record(&balance(2500), Vec::new())), first);
}

#[test]
fn a_finding_names_the_writes_to_what_differs() {
    let mut events = asked(1, 1, "UPDATE members SET a", reply("UPDATE", Some(1), true));
    events.extend(asked(
        1,
        2,
        "UPDATE others SET a",
        reply("UPDATE", Some(1), true),
    ));
    events.extend(asked(
        2,
        1,
        "UPDATE members SET a",
        reply("UPDATE", Some(0), true),
    ));
    let baseline = of(Contract::Once);
    let trial = record(&balance(2500), events);
    let Verdict::Violation(findings) = judge(&baseline, &trial, &Checks::new(Contract::Once, &[]))
    else {
        panic!("the state differs");
    };
    assert_eq!(findings[0].events, [5]);
}
