//! Faults as steps: kill, pause, resume, a lost reply, and a service that dies.

use super::kit::Small;
use twiceproof_explore::Blame;
use twiceproof_model::{Event, Exit};

const WRITE: &str = "psql -Xqc 'update t set n = n + 1 where id = 1'";

/// Returns the cells of the table's state, as one text.
fn state(seen: &super::kit::Seen) -> String {
    let objects = seen.record.snapshot.objects.values();
    objects.map(|object| format!("{:?}", object.hash)).collect()
}

#[test]
fn a_kill_while_held_keeps_the_request_from_the_service() {
    let mut lab = Small::psql(WRITE);
    let seen = lab.run(1, &["start job#1", "kill job#1"]).granted();
    assert_eq!(seen.exits(), [Exit::Signal(9)]);
    assert!(!seen.has(|event| matches!(event, Event::Forwarded(_))));
    let untouched = lab.run(0, &[]);
    assert_eq!(state(&seen), state(&untouched));
}

#[test]
fn a_lost_reply_is_an_ambiguous_commit() {
    let mut lab = Small::psql(WRITE);
    let wishes = ["start job#1", "forward job#1@1", "drop-reply job#1@1"];
    let seen = lab.run(1, &wishes).granted();
    assert!(seen.has(|event| matches!(event, Event::ReplyDropped(_))));
    // The job saw a broken link, and yet the write is there.
    assert_ne!(seen.exits(), [Exit::Code(0)]);
    let written = lab.run(1, &[]);
    assert_eq!(written.exits(), [Exit::Code(0)]);
    assert_eq!(state(&seen), state(&written));
}

#[test]
fn a_forwarded_reply_is_held_and_delivered() {
    let wishes = ["start job#1", "forward job#1@1", "deliver job#1@1"];
    let seen = Small::psql(WRITE).run(1, &wishes).granted();
    assert_eq!(seen.exits(), [Exit::Code(0)]);
}

#[test]
fn a_paused_instance_goes_on_where_it_was() {
    let mut lab = Small::psql(WRITE);
    let held = [
        "start job#1",
        "pause job#1",
        "resume job#1",
        "release job#1@1",
    ];
    let seen = lab.run(1, &held).granted();
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    let killed = ["start job#1", "pause job#1", "kill job#1"];
    let seen = lab.run(1, &killed).granted();
    assert_eq!(seen.exits(), [Exit::Signal(9)]);
    let mut lab = Small::shell("sleep 0.1", "");
    let asleep = ["start job#1", "pause job#1", "resume job#1"];
    let seen = lab.run(1, &asleep).granted();
    assert_eq!(seen.exits(), [Exit::Code(0)]);
}

#[test]
fn a_held_request_passes_while_its_instance_is_paused() {
    let wishes = [
        "start job#1",
        "pause job#1",
        "forward job#1@1",
        "resume job#1",
    ];
    let seen = Small::psql(WRITE).run(1, &wishes).granted();
    assert_eq!(seen.exits(), [Exit::Code(0)]);
}

#[test]
fn a_service_that_dies_is_told_and_the_next_trial_is_fine() {
    // The superuser of the service may stop the whole server from inside.
    let stop = "psql -Xqc \"copy (select 1) to program 'kill -QUIT \\$(head -1 postmaster.pid)'\"";
    let script = format!("if [ -e /tmp/twiceproof-none ]; then true; else {stop}; fi; true");
    let mut lab = Small::psql(&script);
    let error = lab.try_run(1, &[]).err().expect("the service died");
    assert_eq!(error.blame, Blame::Environment, "{error}");
    assert!(error.message.contains("pg"), "{error}");
}

#[test]
fn a_trial_after_a_dead_service_is_fine() {
    let stop = "copy (select 1) to program 'kill -QUIT $(head -1 postmaster.pid)'";
    let script = format!(
        "if [ $N = 2 ]; then psql -Xqc \"{}\"; fi; {WRITE}",
        stop.replace('$', "\\$")
    );
    let text = super::kit::psql(&script).replace("env = {", "env = { N = \"{instance}\",");
    let mut lab = Small::new(&text);
    assert!(lab.try_run(2, &["start job#2"]).is_err());
    assert_eq!(lab.run(1, &[]).exits(), [Exit::Code(0)]);
}
