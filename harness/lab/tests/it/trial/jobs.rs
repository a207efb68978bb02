//! Jobs that misbehave: each ends, is bounded, and is told.

use super::kit::{Small, psql};
use twiceproof_explore::Blame;
use twiceproof_model::{Event, Exit};

const KILLED: Exit = Exit::Signal(9);

#[test]
fn a_job_that_never_ends_is_killed_with_its_tree() {
    let script = "sleep 1000 & while :; do :; done";
    let seen = Small::shell(script, "timeout = \"200ms\"\n").run(1, &["start job#1"]);
    assert!(seen.has(|event| matches!(event, Event::TimedOut(_))));
    assert_eq!(seen.exits(), [KILLED]);
}

#[test]
fn output_without_end_is_bounded() {
    // 1 GB: read to its end, and neither kept nor waited for.
    let seen = Small::shell("head -c 1000000000 /dev/zero; echo the end", "").run(1, &[]);
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    let output = seen.record.outputs.values().next().unwrap();
    assert_eq!(output.bytes, 1_000_000_008);
    assert!(output.head.len() <= 64 << 10 && output.tail.len() <= 64 << 10);
    assert!(output.tail.ends_with("the end\n"));
}

#[test]
fn children_left_behind_are_named_and_killed() {
    let seen = Small::shell("sleep 1000 & exit 3", "grace = \"50ms\"\n").run(1, &[]);
    assert_eq!(seen.exits(), [Exit::Code(3)]);
    let named = |event: &Event| {
        matches!(event, Event::LeftOver { processes, .. }
            if processes.iter().any(|name| name.contains("sleep")))
    };
    assert!(seen.has(named), "{:#?}", seen.record.trace);
}

#[test]
fn children_that_end_in_time_are_no_news() {
    let seen = Small::shell("sleep 0.05 & exit 0", "grace = \"20s\"\n").run(1, &[]);
    assert!(!seen.has(|event| matches!(event, Event::LeftOver { .. })));
}

#[test]
fn an_end_by_a_signal_is_told() {
    let seen = Small::shell("kill -SEGV $$", "").run(1, &[]);
    assert_eq!(seen.exits(), [Exit::Signal(11)]);
}

#[test]
fn who_ignores_sigterm_is_killed_all_the_same() {
    let script = "trap '' TERM INT HUP; while :; do sleep 1000; done";
    let seen = Small::shell(script, "").run(1, &["start job#1", "kill job#1"]);
    let seen = seen.granted();
    assert_eq!(seen.exits(), [KILLED]);
}

#[test]
fn a_command_that_is_not_there_is_the_users_error() {
    let mut lab = Small::new("command = [\"nosuchprogram\"]\n");
    let error = lab.try_run(1, &[]).err().unwrap();
    assert_eq!(error.blame, Blame::Input);
    assert!(error.message.contains("nosuchprogram"), "{error}");
    assert!(error.hint.contains("PATH"), "{}", error.hint);
}

#[test]
fn a_job_that_forks_is_waited_for() {
    let script = "for i in 1 2 3 4 5; do (sh -c 'true' | cat) & done; wait; exit 4";
    assert_eq!(
        Small::shell(script, "").run(2, &[]).exits(),
        [Exit::Code(4); 2]
    );
}

#[test]
fn a_job_without_any_request_runs_to_its_end() {
    let seen = Small::new("command = [\"true\"]\n")
        .run(2, &["start job#2"])
        .granted();
    assert_eq!(seen.exits(), [Exit::Code(0); 2]);
    assert!(!seen.has(|event| matches!(event, Event::Held(_))));
}

#[test]
fn a_sleeper_offers_to_wake() {
    let seen = Small::shell("sleep 0.2", "").run(1, &["start job#1", "wake job#1"]);
    let seen = seen.granted();
    assert_eq!(seen.offered(1), ["wake job#1", "kill job#1", "pause job#1"]);
    assert_eq!(seen.exits(), [Exit::Code(0)]);
}

#[test]
fn two_connections_of_one_job_are_held_each() {
    let script = "psql -Xqc 'select 1' & psql -Xqc 'select 2' & wait";
    let seen = Small::psql(script).run(1, &["start job#1"]);
    let opened = |ordinal: u32| move |event: &Event| matches!(event, Event::Opened(link) if link.ordinal == ordinal);
    assert!(seen.has(opened(1)) && seen.has(opened(2)) && !seen.has(opened(3)));
    let offered = seen.offered(1);
    assert!(offered.contains(&"release job#1@1"), "{offered:?}");
    assert!(offered.contains(&"release job#1@2"), "{offered:?}");
    assert_eq!(seen.exits(), [Exit::Code(0)]);
}

#[test]
fn a_poll_loop_is_no_longer_offered() {
    let loops = "while [ \"$(psql -XAtc 'select n from t where id = 1')\" = 0 ]; do :; done";
    let script = format!("if [ $N = 1 ]; then {loops}; else psql -Xqc 'update t set n = 1'; fi");
    let text = psql(&script).replace("env = {", "env = { N = \"{instance}\",");
    let mut lab = Small::new(&text);
    let mut wishes = vec!["start job#1"];
    wishes.extend(["release job#1@1", "release job#1@2", "release job#1@3"]);
    wishes.push("start job#2");
    let seen = lab.run(2, &wishes).granted();
    assert!(seen.has(|event| matches!(event, Event::Polling(_))));
    // Three answers were the same; the next request is not offered, as nobody else wrote.
    let offered = seen.offered(4);
    assert_eq!(offered[0], "start job#2", "{offered:?}");
    assert_eq!(seen.exits(), [Exit::Code(0); 2]);
}
