//! Faults of links, in trials with a real server and a real client: what they do, what they count,
//! and that nothing of them stays.

use super::kit::{Seen, Small};
use std::sync::OnceLock;
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Exit};

const WRITE: &str = "psql -Xqc 'update t set n = n + 1 where id = 1'";

/// Returns the state at the end, as one text.
pub(super) fn state(seen: &Seen) -> String {
    let objects = seen.record.snapshot.objects.values();
    objects.map(|object| format!("{:?}", object.hash)).collect()
}

/// The state that a trial without any write ends in.
pub(super) fn untouched() -> &'static str {
    static STATE: OnceLock<String> = OnceLock::new();
    STATE.get_or_init(|| state(&Small::psql(WRITE).run(0, &[])))
}

/// Returns what the faults of the trial struck.
pub(super) fn effects(seen: &Seen) -> Vec<u64> {
    let trace = seen.record.trace.iter();
    let effects = trace.filter_map(|stamped| match stamped.event {
        Event::Healed { effect, .. } => Some(effect),
        _ => None,
    });
    effects.collect()
}

/// Whether the job ends well, and whether its write is there.
#[derive(Debug, PartialEq)]
struct End {
    well: bool,
    written: bool,
}

const DONE: End = End {
    well: true,
    written: true,
};
const LOST: End = End {
    well: false,
    written: false,
};
const AMBIGUOUS: End = End {
    well: false,
    written: true,
};

#[test]
fn each_fault_strikes_and_is_counted() {
    let cases: &[(&str, &[&str], End)] = &[
        ("partition job#1 link=pg", &["release job#1@1"], DONE),
        ("partition any direction=to", &["release job#1@1"], DONE),
        ("partition pg direction=from", &["release job#1@1"], DONE),
        ("partition job#1 mode=drop", &["release job#1@1"], LOST),
        (
            "partition job#1 direction=from mode=drop",
            &["release job#1@1"],
            AMBIGUOUS,
        ),
        ("partition job#1 mode=silent", &["release job#1@1"], DONE),
        ("partition job#1 mode=reset", &[], LOST),
        ("partition job#1 mode=refuse", &[], LOST),
        ("latency job#1 delay=30ms", &["release job#1@1"], DONE),
        (
            "latency job#1 delay=20ms jitter=20ms",
            &["release job#1@1"],
            DONE,
        ),
        ("bandwidth job#1 rate=500", &["release job#1@1"], DONE),
        ("slice job#1 bytes=3 delay=1ms", &["release job#1@1"], DONE),
        ("cut job#1", &[], LOST),
        ("cut job#1 mode=fin", &[], LOST),
        ("cut job#1 bytes=9", &["release job#1@1"], LOST),
        (
            "cut job#1 bytes=9 direction=from",
            &["release job#1@1"],
            AMBIGUOUS,
        ),
    ];
    let mut lab = Small::psql(WRITE);
    for (fault, after, expect) in cases {
        let inject = format!("inject {fault}");
        let mut wishes = vec!["start job#1", &inject];
        wishes.extend(*after);
        let seen = lab.run(1, &wishes).granted();
        let end = End {
            well: seen.exits() == [Exit::Code(0)],
            written: state(&seen) != untouched(),
        };
        assert_eq!(end, *expect, "{fault}: {:#?}", seen.record.trace);
        let effects = effects(&seen);
        assert!(effects.len() == 1 && effects[0] > 0, "{fault}: {effects:?}");
        assert_eq!(seen.record.doubts, [], "{fault}");
    }
}

#[test]
fn a_fault_without_effect_is_a_doubt_that_names_it() {
    let faults = [
        "partition job#1 link=pg",
        "partition job#1 mode=drop",
        "latency job#1 delay=1ms",
        "bandwidth job#1 rate=100",
        "slice job#1 bytes=3",
    ];
    let mut lab = Small::psql(WRITE);
    for fault in faults {
        let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
        // It matches a link, and is healed before anything goes over it.
        let seen = lab.run(1, &["start job#1", &inject, &heal]).granted();
        check_doubt(&seen, fault);
        // It matches no link at all: the other instance opens none before it is healed.
        let other = fault.replace("job#1", "job#2");
        let (inject, heal) = (format!("inject {other}"), format!("heal {other}"));
        let seen = lab.run(2, &[&inject, "start job#1", "release job#1@1", &heal]);
        check_doubt(&seen.granted(), &other);
    }
    // Links that are there end at once; those of an instance that has none do not.
    for mode in ["reset", "refuse"] {
        let fault = format!("partition job#2 mode={mode}");
        let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
        let seen = lab.run(2, &[&inject, "start job#1", "release job#1@1", &heal]);
        check_doubt(&seen.granted(), &fault);
    }
}

#[test]
fn a_signal_that_is_ignored_is_a_doubt() {
    let mut lab = Small::psql(&format!("trap '' TERM; {WRITE}"));
    let fault = "kill job#1 signal=TERM";
    let inject = format!("inject {fault}");
    let seen = lab.run(1, &["start job#1", &inject]).granted();
    check_doubt(&seen, fault);
    let cut = "inject cut job#1 bytes=900000";
    let seen = lab.run(1, &["start job#1", cut]).granted();
    check_doubt(&seen, "cut job#1 bytes=900000");
}

#[track_caller]
fn check_doubt(seen: &Seen, fault: &str) {
    assert_eq!(effects(seen), [0], "{fault}");
    let named =
        |doubt: &Doubt| matches!(doubt, Doubt::FaultWithoutEffect(text) if text.starts_with(fault));
    assert!(
        seen.record.doubts.iter().any(named),
        "{:?}",
        seen.record.doubts
    );
    assert!(
        seen.exits().contains(&Exit::Code(0)),
        "{fault}: {:?}",
        seen.exits()
    );
}

#[test]
fn nobody_goes_on_behind_a_partition_before_it_is_healed() {
    let fault = "partition job#1 link=pg direction=from";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let wishes = [
        "start job#1",
        &inject,
        "release job#1@1",
        "start job#2",
        &heal,
    ];
    let seen = Small::psql(WRITE).run(2, &wishes).granted();
    assert_eq!(
        seen.offered(3),
        ["start job#2", "kill job#1", "pause job#1", &heal]
    );
    let place = |holds: fn(&Event) -> bool| {
        let mut trace = seen.record.trace.iter();
        trace.position(|stamped| holds(&stamped.event)).unwrap()
    };
    let answered = place(|event| matches!(event, Event::Answered { .. }));
    let started = place(|event| matches!(event, Event::Started(id) if id.number() == 2));
    let delivered = place(|event| matches!(event, Event::Delivered(_)));
    assert!(answered < started && started < delivered);
    assert_eq!(seen.exits(), [Exit::Code(0), Exit::Code(0)]);
}

#[test]
fn a_service_that_refuses_is_one_that_is_down_and_comes_back() {
    let fault = "partition job#1 mode=refuse";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let wait = "until psql -Xqc 'select 1' 2>>/tmp/log; do sleep 0.05; done";
    let mut lab = Small::psql(&format!("{wait}; cat /tmp/log; psql -Xqc 'select 2'"));
    let seen = lab.run(1, &["start job#1", &inject, "wake job#1", &heal]);
    let output = seen.record.outputs.values().next().unwrap();
    assert!(output.head.contains("refused"), "{}", output.head);
    assert_eq!(seen.granted().exits(), [Exit::Code(0)]);
}

#[test]
fn a_link_that_is_half_open_has_lost_its_locks() {
    let script = "psql -Xq <<'END'\nbegin;\nupdate t set n = n + 1 where id = 1;\ncommit;\nEND\n";
    let fault = "partition job#1 mode=half-open";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        &inject,
        "start job#2",
        "release job#2@1",
        "release job#2@2",
        "release job#2@3",
        &heal,
    ];
    let seen = Small::psql(script).run(2, &wishes).granted();
    assert_eq!(effects(&seen), [1]);
    assert_eq!(seen.record.doubts, []);
    let output = seen.record.outputs.values().next().unwrap();
    assert!(
        output.head.contains("server closed") || output.head.contains("reset"),
        "{}",
        output.head
    );
    assert_ne!(seen.exits()[0], Exit::Code(0));
    assert_eq!(seen.exits()[1], Exit::Code(0));
    let fault = "partition job#2 mode=half-open";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let seen = Small::psql(WRITE).run(2, &[&inject, "start job#1", "release job#1@1", &heal]);
    check_doubt(&seen.granted(), fault);
}

#[test]
fn what_is_sent_into_silence_comes_once_it_is_over() {
    let script = "psql -Xq <<'END'\nselect 1;\n\\! sleep 0.1\n\
        update t set n = n + 1 where id = 1;\nEND\n";
    let fault = "partition job#1 mode=silent";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let wishes = [
        "start job#1",
        "release job#1@1",
        &inject,
        "wake job#1",
        &heal,
        "release job#1@2",
    ];
    let seen = Small::psql(script).run(1, &wishes).granted();
    assert_eq!(seen.offered(4), ["kill job#1", "pause job#1", &heal]);
    assert!(effects(&seen)[0] > 0);
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    assert_ne!(state(&seen), untouched());
}

#[test]
fn silence_ends_a_link_by_its_own_time_out() {
    let script = "psql -Xq 'tcp_user_timeout=100' <<'END'\nselect 1;\n\\! sleep 0.1\n\
        update t set n = n + 1 where id = 1;\nEND\n";
    let fault = "partition job#1 for=2s mode=silent";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let wishes = [
        "start job#1",
        "release job#1@1",
        &inject,
        "wake job#1",
        &heal,
    ];
    let seen = Small::psql(script).run(1, &wishes).granted();
    let output = seen.record.outputs.values().next().unwrap();
    assert!(output.head.contains("timed out"), "{}", output.head);
    assert_eq!(state(&seen), untouched());
    assert!(effects(&seen)[0] > 0);
}

#[test]
fn a_pause_lasts_as_long_as_it_says() {
    let fault = "pause job#1 for=80ms";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    let mut lab = Small::psql(WRITE);
    let seen = lab.run(1, &["start job#1", &inject, &heal]).granted();
    let at = |holds: fn(&Event) -> bool| {
        let mut trace = seen.record.trace.iter();
        trace.find(|stamped| holds(&stamped.event)).unwrap().at_us
    };
    let begun = at(|event| matches!(event, Event::Injected(_)));
    assert!(at(|event| matches!(event, Event::Healed { .. })) >= begun + 80_000);
    assert_eq!(effects(&seen), [1]);
}

#[test]
fn the_same_seed_gives_the_same_steps() {
    let fault = "inject latency any delay=2ms jitter=2ms";
    let wishes = [fault, "start job#1", "start job#2", "release job#1@1"];
    let mut lab = Small::psql(WRITE);
    let first = lab.run(2, &wishes).granted();
    let again = lab.run(2, &wishes).granted();
    assert_eq!(first.record.fingerprint, again.record.fingerprint);
    assert_eq!(first.record.schedule, again.record.schedule);
}
