//! The directed stage aims at the windows of the clean run.

use crate::common::{observed, settings, spec};
use twiceproof_explore::{Outcome, Progress};
use twiceproof_testkit::{Op, ToyLab, entry};

/// Returns the labels of the stage's trials, each with whether it shows a finding, and what the
/// coverage says in the end.
fn trials(program: &'static [Op], instances: u8) -> (Vec<(String, bool)>, String) {
    let mut spec = spec(entry("lost-update"), 1);
    spec.stages = Some(vec!["directed".to_owned()]);
    spec.settings = settings(instances);
    spec.replays = 0;
    let mut trials = Vec::new();
    let mut observe = |progress: &Progress<'_>| {
        if let Progress::Trial { line, .. } = progress
            && line.stage == "directed"
        {
            trials.push((line.label.clone(), line.verdict == "violation"));
        }
    };
    let result = observed(&spec, &mut ToyLab::new(program), &mut observe);
    (trials, result.coverage.sentence())
}

fn windows(program: &'static [Op]) -> Vec<String> {
    let (trials, _) = trials(program, 2);
    let labels = trials.into_iter().map(|(label, _)| label);
    labels.filter(|label| label.contains("held")).collect()
}

#[test]
fn a_window_is_tried_with_one_held_and_with_two() {
    let lost_update = windows(&[Op::Log(1), Op::Read(1), Op::Mail(1), Op::WriteBack(1)]);
    assert_eq!(
        lost_update,
        [
            "job#1 held between request 2 and 4",
            "job#1 and job#2 held between request 2 and 4",
        ]
    );
}

#[test]
fn one_window_of_each_pair_of_texts_comes_first_then_the_shorter() {
    let program = &[
        Op::Read(1),
        Op::Mail(1),
        Op::WriteBack(1),
        Op::Read(2),
        Op::WriteBack(2),
        Op::SkipIfDone,
        Op::Mail(2),
        Op::Mail(3),
        Op::MarkDone,
    ];
    let single = windows(program);
    let single: Vec<&String> = single
        .iter()
        .filter(|label| !label.contains("and job"))
        .collect();
    assert_eq!(
        single,
        [
            "job#1 held between request 1 and 3",
            "job#1 held between request 6 and 9",
            "job#1 held between request 4 and 5",
        ]
    );
}

#[test]
fn random_orders_stand_between() {
    let (trials, sentence) = trials(entry("lost-update").program, 2);
    let labels: Vec<&str> = trials.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "job#1 held between request 1 and 2",
            "random order 1",
            "job#1 and job#2 held between request 1 and 2",
            "random order 2",
        ]
    );
    assert!(sentence.contains(" 2/2 read-write windows"), "{sentence}");
}

#[test]
fn only_with_two_held_is_the_check_of_a_lock_passed_twice() {
    let program = &[
        Op::SkipIfLocked,
        Op::TakeFlag,
        Op::Read(1),
        Op::WriteBack(1),
        Op::FreeFlag,
    ];
    let (trials, _) = trials(program, 2);
    let of = |label: &str| {
        let mut trials = trials.iter();
        trials
            .find(|(other, _)| other == label)
            .map(|(_, shows)| *shows)
    };
    assert_eq!(
        of("job#1 and job#2 held between request 1 and 2"),
        Some(true)
    );
    assert_eq!(of("job#1 held between request 3 and 4"), Some(false));
}

#[test]
fn without_a_second_instance_there_is_nothing_to_hold() {
    assert_eq!(trials(entry("lost-update").program, 1).0, []);
}

#[test]
fn a_job_of_blind_writes_has_no_windows() {
    assert_eq!(trials(&[Op::Log(1), Op::Mail(1)], 2).0, []);
    let sound = entry("sound-guard");
    let mut spec = spec(sound, 1);
    spec.stages = Some(vec!["directed".to_owned()]);
    let result = observed(&spec, &mut ToyLab::new(sound.program), &mut |_| {});
    assert_eq!(result.outcome, Outcome::Passed);
}
