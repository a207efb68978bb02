//! Which starts each trigger allows, and what they owe.

use crate::common::settings;
use std::collections::BTreeMap;
use std::time::Duration;
use twiceproof_explore::TRIGGERS;
use twiceproof_explore::trigger::{Fate, Order, Settings, Starts, find};
use twiceproof_model::scenario::{Contract, Hosts};
use twiceproof_model::{Exit, InstanceId};

const CLEAN: Fate = Fate::Ended(Exit::Code(0));
const FAILED: Fate = Fate::Ended(Exit::Code(1));
const KILLED: Fate = Fate::Ended(Exit::Signal(9));
const LIVES: Fate = Fate::Running(None);
const LIVES_10S: Fate = Fate::Running(Some(Duration::from_secs(10)));

fn id(number: u8) -> InstanceId {
    let ids = InstanceId::first(number);
    ids.last().expect("numbers begin at 1")
}

/// Returns after which fates of the first start the second one may come: waiting, alive, ended
/// well, failed, killed.
fn row(kind: &str, change: impl Fn(&mut Settings)) -> String {
    let trigger = find(kind);
    let mut settings = settings(2);
    change(&mut settings);
    let starts = Starts::of(trigger, &settings, trigger.contract, Exit::Code(0), 2);
    let may = |first| starts.may(id(2), &[first, Fate::Waiting]);
    [
        ("waiting", Fate::Waiting),
        ("alive", LIVES),
        ("done", CLEAN),
        ("failed", FAILED),
        ("killed", KILLED),
    ]
    .into_iter()
    .filter(|(_, fate)| may(*fate))
    .map(|(word, _)| word)
    .collect::<Vec<_>>()
    .join(" ")
}

#[test]
fn the_second_start_comes_when_its_trigger_says() {
    let plain = |kind| row(kind, |_| ());
    assert_eq!(plain("double-start"), "waiting alive done failed killed");
    assert_eq!(plain("cron-overlap"), "alive done failed killed");
    assert_eq!(plain("pod-restart"), "alive failed killed");
    assert_eq!(plain("retry-after-timeout"), "alive failed killed");
    assert_eq!(plain("quartz-recovery"), "alive failed killed");
    assert_eq!(plain("operator-rerun"), "alive done failed killed");
    assert_eq!(plain("at-least-once"), "alive done failed killed");
    assert_eq!(plain("workers"), "waiting alive done failed killed");
}

#[test]
fn without_grace_a_replacement_waits_for_the_end() {
    let row = row("pod-restart", |settings| settings.grace = Duration::ZERO);
    assert_eq!(row, "failed killed");
}

#[test]
fn no_attempt_lives_longer_than_a_pause_can_be() {
    let short = |settings: &mut Settings| {
        settings.timeout = Some(Duration::from_secs(30));
        settings.pause_max = Some(Duration::from_secs(29));
    };
    assert_eq!(row("retry-after-timeout", short), "failed killed");
    let long = |settings: &mut Settings| {
        settings.timeout = Some(Duration::from_secs(30));
        settings.pause_max = Some(Duration::from_secs(30));
    };
    assert_eq!(row("retry-after-timeout", long), "alive failed killed");
}

#[test]
fn by_the_clock_a_retry_waits_for_the_time_out() {
    let mut settings = settings(2);
    settings.timeout = Some(Duration::from_secs(11));
    let trigger = find("retry-after-timeout");
    let may = |settings: &Settings| {
        let starts = Starts::of(trigger, settings, trigger.contract, Exit::Code(0), 2);
        starts.may(id(2), &[LIVES_10S, Fate::Waiting])
    };
    assert!(!may(&settings));
    settings.timeout = Some(Duration::from_secs(10));
    assert!(may(&settings));
}

#[test]
fn no_more_run_at_once_than_instances_and_no_more_start_than_attempts() {
    let trigger = find("operator-rerun");
    let mut settings = settings(2);
    settings.attempts = 3;
    let starts = Starts::of(trigger, &settings, trigger.contract, Exit::Code(0), 3);
    assert!(!starts.may(id(3), &[LIVES, LIVES, Fate::Waiting]));
    assert!(starts.may(id(3), &[LIVES, CLEAN, Fate::Waiting]));
    assert!(!starts.may(id(4), &[CLEAN, CLEAN, CLEAN, Fate::Waiting]));
}

#[test]
fn slots_and_shares_are_told() {
    let told = |kind: &str, number| {
        let trigger = find(kind);
        let starts = Starts::of(trigger, &settings(3), trigger.contract, Exit::Code(0), 3);
        let told = starts.placeholders(id(number));
        told.fill("{instance} of {count}, slot {slot}")
    };
    assert_eq!(told("cron-overlap", 2), "2 of 3, slot 2");
    assert_eq!(told("double-start", 2), "2 of 3, slot 1");
    assert_eq!(told("workers", 3), "3 of 3, slot 1");
}

#[test]
fn calm_runs_repeat_what_failed_where_each_has_work_of_its_own() {
    let exits: BTreeMap<InstanceId, Exit> = [
        (id(1), Exit::Code(0)),
        (id(2), Exit::Signal(9)),
        (id(3), Exit::Code(1)),
    ]
    .into();
    let calm = |kind: &str| {
        let trigger = find(kind);
        let starts = Starts::of(trigger, &settings(3), trigger.contract, Exit::Code(0), 3);
        starts.calm(&exits)
    };
    assert_eq!(calm("double-start"), [id(1)]);
    assert_eq!(calm("cron-overlap"), [id(2), id(3)]);
    assert_eq!(calm("workers"), [id(2), id(3)]);
}

#[test]
fn every_trigger_has_a_cause_of_its_own_a_contract_and_hosts() {
    let mut rows = Vec::new();
    for trigger in TRIGGERS {
        let order = match trigger.order {
            Order::Free => "free",
            Order::ByNumber => "by number",
        };
        let contract = match trigger.contract {
            Contract::Once => "once",
            Contract::EachSlot => "each-slot",
            Contract::Exclusion => "exclusion",
            Contract::Workers => "workers",
        };
        let hosts = match trigger.hosts {
            Hosts::One => "one",
            Hosts::Each => "each",
        };
        let name = trigger.kind.name;
        rows.push(format!(
            "{} {name}: {contract}, {order}, {hosts}",
            trigger.cause
        ));
    }
    assert_eq!(
        rows,
        [
            "T1 cron-overlap: each-slot, by number, one",
            "T2 double-start: once, free, each",
            "T3 pod-restart: once, by number, each",
            "T4 retry-after-timeout: once, by number, each",
            "T5 quartz-recovery: once, by number, each",
            "T6 operator-rerun: once, by number, one",
            "T7 at-least-once: once, by number, each",
            " workers: workers, free, each",
        ]
    );
}
