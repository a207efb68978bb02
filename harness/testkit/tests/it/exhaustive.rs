//! The exhaustive stage runs one order of each class, and leaves none out.

mod orders;

use crate::common::{observed, settings, spec};
use orders::{Class, class_of, classes_of};
use proptest::prelude::*;
use std::collections::BTreeSet;
use twiceproof_explore::campaign::{Interleavings, Shrinking};
use twiceproof_explore::{CampaignResult, Outcome, Progress};
use twiceproof_model::scenario::Contract;
use twiceproof_testkit::{Entry, Op, ToyLab, entry};

/// What a search over all orders did.
struct Searched {
    /// The class of each trial.
    classes: Vec<Class>,
    result: CampaignResult,
    /// Trials up to the first that shows a finding.
    found_at: Option<usize>,
}

impl Searched {
    fn distinct(&self) -> BTreeSet<Class> {
        self.classes.iter().cloned().collect()
    }

    fn interleavings(&self) -> &Interleavings {
        let all = self.result.coverage.interleavings.as_ref();
        all.expect("the stage ran")
    }
}

/// How far to search.
#[derive(Clone, Copy)]
struct Asked {
    instances: u8,
    preemptions: u32,
    /// Half as many trials may follow beyond.
    samples: u32,
}

const TWO: Asked = Asked {
    instances: 2,
    preemptions: 1,
    samples: 0,
};
const ALL_OF_TWO: Asked = Asked {
    samples: 4000,
    ..TWO
};

fn search(program: &'static [Op], asked: Asked) -> Searched {
    search_as(program, asked, "postgres")
}

/// Searches a job whose database is taken to be of this kind.
fn search_as(program: &'static [Op], asked: Asked, kind: &str) -> Searched {
    let mut spec = spec(entry("no-lock"), 1);
    spec.contract = Contract::Workers;
    spec.stages = Some(vec!["exhaustive".to_owned()]);
    spec.settings = settings(asked.instances);
    spec.preemptions = asked.preemptions;
    spec.samples = asked.samples;
    spec.replays = 0;
    spec.shrink = Shrinking::Off;
    spec.kinds.insert("pg".into(), kind.to_owned());
    let mut classes = Vec::new();
    let mut found_at = None;
    let mut observe = |progress: &Progress<'_>| {
        if let Progress::Trial { line, record, .. } = progress {
            if !line.label.contains("like another") {
                classes.push(class_of(program, record));
            }
            if line.verdict == "violation" && found_at.is_none() {
                found_at = Some(classes.len());
            }
        }
    };
    let result = observed(&spec, &mut ToyLab::new(program), &mut observe);
    Searched {
        classes,
        result,
        found_at,
    }
}

const BROKEN_LOCK: &[Op] = &[Op::SkipIfLocked, Op::TakeFlag, Op::Add(1), Op::FreeFlag];
const RIGHT_LOCK: &[Op] = &[
    Op::TakeFlagOrSkip,
    Op::SkipIfDone,
    Op::Begin,
    Op::Read(1),
    Op::WriteBack(1),
    Op::Mail(1),
    Op::MarkDone,
    Op::Commit,
    Op::FreeFlag,
];

#[test]
fn each_class_runs_once_up_to_every_bound_and_beyond() {
    let programs: &[&'static [Op]] = &[
        BROKEN_LOCK,
        RIGHT_LOCK,
        &[Op::Read(1), Op::WriteBack(1)],
        &[Op::Begin, Op::Read(1), Op::WriteBack(1), Op::Commit],
        &[Op::LockSession, Op::Add(1), Op::UnlockSession],
        &[Op::Log(1), Op::Mail(1), Op::MarkDone],
    ];
    for program in programs {
        for preemptions in 0..=3 {
            let searched = search(program, Asked { preemptions, ..TWO });
            let expect = classes_of(program, 2, Some(preemptions));
            assert_eq!(searched.distinct(), expect, "{program:?} {preemptions}");
            assert_eq!(searched.classes.len(), expect.len(), "{program:?}");
        }
        let searched = search(program, ALL_OF_TWO);
        let expect = classes_of(program, 2, None);
        assert_eq!(searched.distinct(), expect, "{program:?}");
        assert_eq!(searched.classes.len(), expect.len(), "{program:?}");
        assert!(searched.interleavings().is_complete, "{program:?}");
    }
}

/// Parts of random jobs: what belongs together stays together.
const PARTS: &[&[Op]] = &[
    &[Op::Read(1)],
    &[Op::WriteBack(1)],
    &[Op::Grant(1)],
    &[Op::SkipIfDone],
    &[Op::MarkDone],
    &[Op::Log(1)],
    &[Op::Mail(1)],
    &[Op::TakeFlagOrSkip],
    &[Op::FreeFlag],
    &[Op::SkipIfLocked],
    &[Op::Begin, Op::Add(1), Op::Commit],
    &[Op::Begin, Op::Read(1), Op::MarkDone, Op::Commit],
    &[Op::LockSession, Op::Log(1), Op::UnlockSession],
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_class_of_a_random_job_is_left_out(
        parts in proptest::collection::vec(proptest::sample::select(PARTS), 1..4),
        preemptions in 0_u32..4,
    ) {
        let program: Vec<Op> = parts.concat();
        prop_assume!(program.len() <= 5);
        // Jobs are constants everywhere else.
        let program: &'static [Op] = Vec::leak(program);
        let searched = search(program, Asked { preemptions, ..TWO });
        prop_assume!(searched.result.baseline.is_some());
        let expect = classes_of(program, 2, Some(preemptions));
        prop_assert_eq!(searched.distinct(), expect);
        let searched = search(program, ALL_OF_TWO);
        prop_assert_eq!(searched.distinct(), classes_of(program, 2, None));
    }
}

#[test]
fn a_right_lock_is_covered_in_few_trials() {
    let two = search(RIGHT_LOCK, ALL_OF_TWO);
    assert!(two.interleavings().is_complete);
    assert!(
        two.result.coverage.trials <= 30,
        "{:?}",
        two.interleavings()
    );
    let three = search(
        RIGHT_LOCK,
        Asked {
            instances: 3,
            ..ALL_OF_TWO
        },
    );
    assert!(three.interleavings().is_complete);
    assert!(
        three.result.coverage.trials <= 300,
        "{:?}",
        three.interleavings()
    );
}

#[test]
fn a_broken_lock_is_found() {
    let searched = search(BROKEN_LOCK, TWO);
    assert!(searched.found_at.is_some_and(|trial| trial <= 12));
}

/// Returns what the sentence of a pass, or of another end, says of the orders.
fn told(program: &'static [Op], asked: Asked) -> String {
    let searched = search(program, asked);
    let orders = searched.interleavings();
    let words = orders.covered().into_iter().chain(orders.gaps());
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_said_of_orders() {
    let broken = |preemptions, samples| {
        told(
            BROKEN_LOCK,
            Asked {
                preemptions,
                samples,
                ..TWO
            },
        )
    };
    insta::assert_snapshot!(
        [
            broken(0, 0),
            broken(1, 0),
            broken(2, 6),
            broken(1, 4000),
            told(RIGHT_LOCK, ALL_OF_TWO),
            told(&[Op::Mail(1)], ALL_OF_TWO),
        ]
        .join("\n\n")
    );
}

#[test]
fn steps_that_touch_nothing_of_others_have_one_order() {
    let searched = search(&[Op::Mail(1), Op::Mail(2), Op::Mail(3)], ALL_OF_TWO);
    assert_eq!(searched.classes.len(), 1);
    let searched = search(&[Op::SkipIfDone, Op::Read(1)], ALL_OF_TWO);
    assert_eq!(searched.classes.len(), 1);
}

#[test]
fn a_wrong_footprint_is_found_by_its_twin() {
    // As mails, statements never meet.
    let searched = search_as(&[Op::Read(1), Op::WriteBack(1)], ALL_OF_TWO, "smtp");
    assert_eq!(searched.classes.len(), 1);
    let reasons = &searched.result.reasons;
    insta::assert_snapshot!(format!("{reasons:?}"));
    let searched = search(&[Op::Read(1), Op::WriteBack(1)], ALL_OF_TWO);
    assert_eq!(searched.result.reasons, []);
}

#[test]
fn what_nobody_can_read_has_one_class_an_order() {
    let program: &[Op] = &[Op::Read(1), Op::Mail(1)];
    let searched = search_as(program, ALL_OF_TWO, "tcp");
    assert!(searched.interleavings().is_complete);
    // Two reads, in either order; mails are still read.
    assert_eq!(searched.classes.len(), 2);
}

#[test]
fn sleep_sets_under_a_bound_lose_classes() {
    let all = |bound| classes_of(BROKEN_LOCK, 2, bound);
    let asleep = |bound| orders::classes_by_sleep_sets(BROKEN_LOCK, bound);
    assert_eq!(asleep(None), all(None));
    let lost = (0..=3).filter(|bound| asleep(Some(*bound)) != all(Some(*bound)));
    assert!(lost.count() > 0);
}

#[test]
fn pollers_and_starts_in_turn_are_searched_too() {
    let poller: &[Op] = &[Op::TakeFlagOrPoll, Op::Add(1), Op::FreeFlag];
    let searched = search(poller, ALL_OF_TWO);
    assert_eq!(searched.distinct(), classes_of(poller, 2, None));
    assert_eq!(searched.result.reasons, []);
}

#[test]
fn with_many_instances_a_pass_owes_no_order() {
    let asked = Asked {
        instances: 5,
        samples: 20,
        ..TWO
    };
    let searched = search(&[Op::Grant(1), Op::Grant(2)], asked);
    assert_eq!(searched.result.outcome, Outcome::Passed);
    assert!(searched.result.coverage.trials <= 10);
    assert!(!searched.interleavings().gaps().is_empty());
}

#[test]
fn a_trigger_that_starts_in_turn_is_searched_up_to_its_bound() {
    for job in ["slots-lost-update", "sound-slots", "sound-slot-skipper"] {
        let entry: &Entry = entry(job);
        let mut spec = spec(entry, 1);
        spec.stages = Some(vec!["exhaustive".to_owned()]);
        let result = observed(&spec, &mut ToyLab::new(entry.program), &mut |_| {});
        let orders = result.coverage.interleavings.expect("the stage ran");
        assert!(orders.is_complete || orders.preemptions >= Some(1), "{job}");
        let is_sound = entry.found.is_empty();
        assert_eq!(result.outcome == Outcome::Passed, is_sound, "{job}");
    }
}
