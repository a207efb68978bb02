//! The schedule of a trial repeats the trial.

use proptest::prelude::*;
use std::sync::Arc;
use twiceproof_explore::lab::{Assignment, Scheduler};
use twiceproof_explore::{Mode, Replay, Starts, schedule_of};
use twiceproof_model::record::Drive;
use twiceproof_model::{Enabled, Exit, Schedule, Step, TrialRecord};
use twiceproof_testkit::{BANK, ToyLab, entry};

/// Takes steps by these numbers, faults among them, but never lets a request pass that is not the
/// oldest.
struct Numbers {
    numbers: Vec<u8>,
    at: usize,
    faults: bool,
}

impl Scheduler for Numbers {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let number = usize::from(self.numbers[self.at % self.numbers.len()]);
        self.at += 1;
        let allowed = enabled.iter().enumerate().filter(|(_, enabled)| {
            let is_ordinary = twiceproof_explore::steps::is_ordinary(&enabled.step);
            is_ordinary || (self.faults && self.at.is_multiple_of(4))
        });
        let mut allowed: Vec<usize> = allowed.map(|(index, _)| index).collect();
        if allowed.is_empty() {
            allowed = (0..enabled.len())
                .filter(|index| matches!(enabled[*index].step, Step::Resume(_)))
                .collect();
        }
        allowed.get(number % allowed.len().max(1)).copied()
    }
}

fn assignment(instances: u8, scheduler: Box<dyn Scheduler>) -> Assignment {
    Assignment {
        trial: 1,
        stage: "sample",
        seed: 9,
        instances,
        starts: Starts::freely(instances),
        drive: Drive::Steps,
        disguise: 0,
        menu: Vec::new(),
        clean_exit: Some(Exit::Code(0)),
        leases: Vec::new(),
        accepts: Arc::new(|_| true),
        scheduler,
    }
}

fn read(text: &str) -> Schedule {
    let read = Schedule::parse(text);
    read.unwrap_or_else(|flaw| panic!("{flaw:?}\n{text}"))
}

fn replayed(record: &TrialRecord, lab: &mut ToyLab) -> TrialRecord {
    let schedule = read(&record.schedule);
    assert_eq!(schedule, schedule_of(&record.trace, record.seed));
    let replay = Replay::strict(&schedule, &record.trace);
    lab.run_one(assignment(record.instances, Box::new(replay)))
}

proptest! {
    #[test]
    fn any_trial_is_repeated_by_its_schedule(
        place in 0..BANK.len(),
        instances in 1..=3u8,
        faults in any::<bool>(),
        numbers in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut lab = ToyLab::new(BANK[place].program);
        let scheduler = Numbers { numbers, at: 0, faults };
        let record = lab.run_one(assignment(instances, Box::new(scheduler)));
        let again = replayed(&record, &mut lab);
        prop_assert_eq!(&again.divergence, &None, "{}", record.schedule);
        prop_assert_eq!(again.fingerprint, record.fingerprint, "{}", record.schedule);
        prop_assert_eq!(again.snapshot.digest(), record.snapshot.digest());
    }

    #[test]
    fn any_schedule_ends_without_a_panic(
        place in 0..BANK.len(),
        schedule in twiceproof_testkit::arbitrary::schedule(),
        strict in any::<bool>(),
    ) {
        let mode = if strict { Mode::Strict } else { Mode::Lenient };
        let mut lab = ToyLab::new(BANK[place].program);
        let replay = Replay::new(&schedule, mode);
        lab.run_one(assignment(2, Box::new(replay)));
    }
}

#[test]
fn replays_a_hundred_times() {
    for entry in BANK {
        let mut lab = ToyLab::new(entry.program);
        let scheduler = Numbers {
            numbers: vec![3, 1, 4, 1, 5, 9, 2, 6],
            at: 0,
            faults: true,
        };
        let record = lab.run_one(assignment(2, Box::new(scheduler)));
        for _ in 0..100 {
            let again = replayed(&record, &mut lab);
            assert_eq!(again.fingerprint, record.fingerprint, "{}", entry.name);
            assert_eq!(again.divergence, None, "{}", entry.name);
        }
    }
}

fn replay(text: &str, mode: Mode, job: &str) -> TrialRecord {
    let schedule = read(text);
    let replay = Replay::new(&schedule, mode);
    ToyLab::new(entry(job).program).run_one(assignment(2, Box::new(replay)))
}

#[test]
fn a_missing_request_is_named() {
    let text = "twiceproof schedule 1\nseed 1\n\
                run job#1 until pg \"DELETE FROM members\" 1 held\nrun job#2 to exit\n";
    let strict = replay(text, Mode::Strict, "no-lock");
    let divergence = strict.divergence.expect("no job deletes members");
    assert_eq!(divergence.line, 1);
    assert_eq!(
        divergence.wanted,
        "job#1 at pg \"DELETE FROM members\" 1 held"
    );
    let lenient = replay(text, Mode::Lenient, "no-lock");
    assert_eq!(lenient.divergence, Some(divergence));
    assert_eq!(strict.exits.len(), 2);
    assert_eq!(lenient.exits.len(), 2);
}

#[test]
fn an_edited_job_diverges_at_its_first_new_step() {
    let mut lab = ToyLab::new(entry("no-lock").program);
    let record = lab.run_one(assignment(
        2,
        Box::new(twiceproof_explore::script::Script::in_order()),
    ));
    let schedule = schedule_of(&record.trace, 1);
    let replay = Replay::strict(&schedule, &record.trace);
    let mut edited = ToyLab::new(entry("sound-lock").program);
    let again = edited.run_one(assignment(2, Box::new(replay)));
    let divergence = again
        .divergence
        .expect("the other job sends other requests");
    insta::assert_debug_snapshot!(divergence);
}

#[test]
fn hand_written_faults_do_what_they_say() {
    let text = "twiceproof schedule 1\nseed 1\n\
                run job#1 until pg \"UPDATE members\" 1 held\nfault lost-reply job#1\n\
                run job#2 until pg \"UPDATE members\" 1 replied\nfault pause job#2\n\
                fault resume job#2\nrun job#2 until pg \"INSERT\" 1 answered\nfault kill job#2\n";
    let record = replay(text, Mode::Strict, "no-lock");
    assert_eq!(record.divergence, None);
    let exits: Vec<Exit> = record.exits.values().copied().collect();
    assert_eq!(exits, [Exit::Code(1), Exit::Signal(9)]);
}

/// The program of both instances reads, then writes: here both read before either writes.
const BOTH_READ: &str = "twiceproof schedule 1\nseed 1\n\
    order job#2 pg \"SELECT\" 1 < job#1 pg \"UPDATE members\" 1\n";

fn releases(record: &TrialRecord) -> Vec<String> {
    let mut texts = std::collections::BTreeMap::new();
    let mut order = Vec::new();
    for stamped in &record.trace {
        match &stamped.event {
            twiceproof_model::Event::Held(request) => {
                texts.insert(request.id, request.signature.text.clone());
            }
            twiceproof_model::Event::Taken(Step::Release(id)) => {
                order.push(format!("{} {}", id.instance, texts[id]));
            }
            _ => {}
        }
    }
    order
}

#[test]
fn a_request_waits_for_those_before_it() {
    for mode in [Mode::Strict, Mode::Lenient] {
        let record = replay(BOTH_READ, mode, "lost-update");
        assert_eq!(record.divergence, None);
        let order = releases(&record);
        let at = |start: &str| order.iter().position(|text| text.starts_with(start));
        let (read, write) = (at("job#2 SELECT"), at("job#1 UPDATE members"));
        assert!(read.is_some() && read < write, "{order:#?}");
    }
}

#[test]
fn an_order_can_be_written_beside_lines() {
    let text = format!("{BOTH_READ}run job#1 to exit\nrun job#2 to exit\n");
    let record = replay(&text, Mode::Strict, "lost-update");
    assert_eq!(record.divergence, None);
    assert_eq!(
        releases(&record),
        releases(&replay(BOTH_READ, Mode::Strict, "lost-update"))
    );
}

#[test]
fn an_order_that_is_never_met_is_told() {
    let cases = [
        "order job#2 pg \"DELETE\" 1 < job#1 pg \"UPDATE members\" 1\n",
        "order job#1 pg \"DELETE\" 1\n",
        "order job#1 pg \"UPDATE members\" 1 < job#2 pg \"SELECT\" 1 < job#1 pg \"SELECT\" 1\n",
    ];
    let told = cases.map(|case| {
        let text = format!("twiceproof schedule 1\nseed 1\n{case}");
        let record = replay(&text, Mode::Lenient, "lost-update");
        assert_eq!(record.exits.len(), 2, "all run to their ends");
        let divergence = record.divergence.expect(case);
        (divergence.line, divergence.wanted)
    });
    insta::assert_debug_snapshot!(told);
}
