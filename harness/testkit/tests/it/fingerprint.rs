//! What changes a fingerprint.

use std::sync::Arc;
use twiceproof_explore::Starts;
use twiceproof_explore::lab::{Assignment, Scheduler};
use twiceproof_explore::script::Script;
use twiceproof_model::event::fingerprint;
use twiceproof_model::record::Drive;
use twiceproof_model::{Event, Trace};
use twiceproof_testkit::{ToyLab, entry};

fn trace() -> Trace {
    let scheduler: Box<dyn Scheduler> = Box::new(Script::in_order());
    let mut lab = ToyLab::new(entry("sound-lock").program);
    let record = lab.run_one(Assignment {
        trial: 1,
        stage: "serial",
        seed: 1,
        instances: 2,
        starts: Starts::freely(2),
        drive: Drive::Steps,
        disguise: 0,
        menu: Vec::new(),
        clean_exit: None,
        leases: Vec::new(),
        accepts: Arc::new(|_| true),
        scheduler,
    });
    record.trace
}

fn places(trace: &Trace, is: impl Fn(&Event) -> bool) -> Vec<usize> {
    let places = trace.iter().enumerate();
    places
        .filter(|(_, stamped)| is(&stamped.event))
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn times_do_not_count() {
    let mut other = trace();
    for stamped in &mut other {
        stamped.at_us += 1_000;
    }
    assert_eq!(fingerprint(&other), fingerprint(&trace()));
}

#[test]
fn a_swapped_pair_counts() {
    let mut other = trace();
    let steps = places(&other, |event| matches!(event, Event::Taken(_)));
    other.swap(steps[1], steps[2]);
    assert_ne!(fingerprint(&other), fingerprint(&trace()));
}

#[test]
fn another_tag_counts() {
    let mut other = trace();
    let answers = places(&other, |event| matches!(event, Event::Answered { .. }));
    if let Event::Answered { reply, .. } = &mut other[answers[3]].event {
        reply.tags[0].rows = Some(7);
    }
    assert_ne!(fingerprint(&other), fingerprint(&trace()));
}

#[test]
fn a_dropped_request_counts() {
    let mut other = trace();
    let steps = places(&other, |event| matches!(event, Event::Taken(_)));
    other.drain(steps[2]..steps[3]);
    assert_ne!(fingerprint(&other), fingerprint(&trace()));
}

#[test]
fn another_text_counts() {
    let mut other = trace();
    let held = places(&other, |event| matches!(event, Event::Held(_)));
    if let Event::Held(request) = &mut other[held[0]].event {
        request.signature.text.push_str(" LIMIT ?");
    }
    assert_ne!(fingerprint(&other), fingerprint(&trace()));
}
