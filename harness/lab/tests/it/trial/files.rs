//! Two jobs race for files in a shared folder: every order, every time, on every backend.

use super::kit::{Seen, Small};
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Exit, InstanceId, Outcome};

const DONE: Exit = Exit::Code(0);
const STOPPED: Exit = Exit::Code(3);

/// How often each order is tried.
fn rounds(backend: &str) -> u32 {
    if backend == "local" { 100 } else { 20 }
}

/// How often where a job takes long to start.
const SLOW_ROUNDS: u32 = 10;

/// Makes each body a test of each backend.
macro_rules! on_backends {
    ($($body:ident),* $(,)?) => {
        mod local {
            $(#[test]
            fn $body() {
                super::$body("local");
            })*
        }
        mod docker {
            $(#[test]
            fn $body() {
                super::$body("docker");
            })*
        }
    };
}

on_backends!(
    exclusive_create,
    check_then_create,
    flock,
    process_lock,
    open_file_lock,
    process_locks_in_a_cycle,
    killed_before_its_next_call,
    a_fault_fails_calls,
    sqlite_with_a_rollback_journal,
    sqlite_with_a_log,
);

/// Takes the steps in every round, and expects the same ends and the same trace.
fn always(lab: &mut Small, rounds: u32, wishes: &[&str], expect: [Exit; 2]) -> Seen {
    let first = lab.run(2, wishes).granted();
    assert_eq!(first.exits(), expect, "{:#?}", first.record.trace);
    for round in 1..rounds {
        let seen = lab.run(2, wishes).granted();
        assert_eq!(
            seen.exits(),
            expect,
            "round {round}: {:#?}",
            seen.record.trace
        );
        assert_eq!(
            seen.record.fingerprint, first.record.fingerprint,
            "round {round}: {:#?}",
            seen.record.trace
        );
    }
    first
}

fn texts(seen: &Seen) -> Vec<String> {
    let events = seen.record.trace.iter();
    let held = events.filter_map(|stamped| match &stamped.event {
        Event::Held(request) => Some(format!("{} {}", request.id, request.signature.text)),
        _ => None,
    });
    held.collect()
}

fn exclusive_create(backend: &str) {
    let mut lab = Small::files(backend, &["new:/shared/lock", "unlink:/shared/lock"]);
    let one = [
        "start job#1",
        "start job#2",
        "release job#1@1",
        "release job#2@1",
    ];
    let seen = always(&mut lab, rounds(backend), &one, [DONE, STOPPED]);
    let expect = [
        "job#1@1 create-new lock",
        "job#2@1 create-new lock",
        "job#1@2 unlink lock",
    ];
    assert_eq!(texts(&seen), expect);
    let refused = |event: &Event| match event {
        Event::Answered { reply, .. } => reply.outcome == Outcome::Error("EEXIST".to_owned()),
        _ => false,
    };
    assert!(seen.has(refused));
    let two = [
        "start job#1",
        "start job#2",
        "release job#2@1",
        "release job#1@1",
    ];
    always(&mut lab, rounds(backend), &two, [STOPPED, DONE]);
    let turns = [
        "start job#1",
        "start job#2",
        "release job#1@1",
        "release job#1@2",
        "release job#2@1",
    ];
    always(&mut lab, rounds(backend), &turns, [DONE, DONE]);
}

fn check_then_create(backend: &str) {
    let calls = ["absent:/shared/lock", "create:/shared/lock"];
    let mut lab = Small::files(backend, &calls);
    lab.learn_looks();
    let both = [
        "start job#1",
        "start job#2",
        "release job#1@1",
        "release job#2@1",
    ];
    let seen = always(&mut lab, rounds(backend), &both, [DONE, DONE]);
    let expect = [
        "job#1@1 access lock",
        "job#2@1 access lock",
        "job#1@2 create lock",
        "job#2@2 create lock",
    ];
    assert_eq!(texts(&seen), expect);
    let turns = [
        "start job#1",
        "start job#2",
        "release job#2@1",
        "release job#2@2",
    ];
    always(&mut lab, rounds(backend), &turns, [STOPPED, DONE]);
}

/// One takes the lock, the other waits for it without waiting in the kernel; both orders.
fn lock(backend: &str, take: &str, free: &str) {
    let calls = [
        "create:/shared/f",
        take,
        "new:/shared/d",
        "unlink:/shared/d",
        free,
    ];
    let mut lab = Small::files(backend, &calls);
    for (first, second) in [(1, 2), (2, 1)] {
        let wishes = [
            "start job#1".to_owned(),
            "start job#2".to_owned(),
            format!("release job#{first}@1"),
            format!("release job#{second}@1"),
            format!("release job#{first}@2"),
            format!("release job#{second}@2"),
            format!("release job#{first}@3"),
        ];
        let wishes: Vec<&str> = wishes.iter().map(String::as_str).collect();
        let seen = always(&mut lab, rounds(backend), &wishes, [DONE, DONE]);
        let [holder, waiter] = [first, second].map(|number| InstanceId::new(number).unwrap());
        let blocked = |event: &Event| match event {
            Event::Blocked { instance, by } => *instance == waiter && *by == [holder],
            _ => false,
        };
        assert!(seen.has(blocked), "{:#?}", seen.record.trace);
        assert!(seen.has(|event| *event == Event::Unblocked(waiter)));
        // Who waits has nothing on offer.
        let waits = format!("release job#{second}");
        let offered = seen.offered(6);
        assert!(
            !offered.iter().any(|step| step.starts_with(&waits)),
            "{offered:?}"
        );
    }
}

fn flock(backend: &str) {
    lock(backend, "flock:/shared/f", "funlock:/shared/f");
}

fn process_lock(backend: &str) {
    lock(backend, "lock:/shared/f", "unlock:/shared/f");
}

fn open_file_lock(backend: &str) {
    // Freed by a close, which nobody tells.
    lock(backend, "ofdlock:/shared/f", "close:/shared/f");
}

fn process_locks_in_a_cycle(backend: &str) {
    let script = "import fcntl, os
one, two = (\"a\", \"b\") if os.environ[\"N\"] == \"1\" else (\"b\", \"a\")
files = {name: open(\"/shared/\" + name, \"w\") for name in (\"a\", \"b\")}
fcntl.lockf(files[one], fcntl.LOCK_EX)
try:
    fcntl.lockf(files[two], fcntl.LOCK_EX)
except OSError as error:
    raise SystemExit(error.errno)
";
    let mut lab = Small::python_with(backend, script, "env = { N = \"{instance}\" }\n");
    let wishes = [
        "start job#1",
        "start job#2",
        "release job#1@1",
        "release job#1@2",
        "release job#2@1",
        "release job#2@2",
        "release job#1@3",
        "release job#2@3",
        "release job#1@4",
        "release job#2@4",
    ];
    let seen = always(&mut lab, 3, &wishes, [DONE, Exit::Code(35)]);
    assert!(seen.has(|event| matches!(event, Event::WaitCycle(_))));
}

fn killed_before_its_next_call(backend: &str) {
    let calls = [
        "new:/shared/lock",
        "new:/shared/work",
        "unlink:/shared/lock",
    ];
    let mut lab = Small::files(backend, &calls);
    let killed = Exit::Signal(9);
    for (wishes, second) in [
        (&["start job#1", "kill job#1", "start job#2"][..], DONE),
        (
            &[
                "start job#1",
                "release job#1@1",
                "kill job#1",
                "start job#2",
            ][..],
            STOPPED,
        ),
        (
            &[
                "start job#1",
                "forward job#1@1",
                "kill job#1",
                "start job#2",
            ][..],
            STOPPED,
        ),
    ] {
        always(&mut lab, 5, wishes, [killed, second]);
    }
}

/// A job that tells the error with which it cannot make its lock, and a fault that is healed.
fn a_fault_fails_calls(backend: &str) {
    let script = "import os, sys
try:
    os.open(\"/shared/lock\", os.O_CREAT | os.O_EXCL)
except OSError as error:
    sys.exit(error.errno)
os.unlink(\"/shared/lock\")
";
    let mut lab = Small::python(backend, script);
    for (fault, errno) in [
        ("disk-full job#1", 28),
        ("read-only job#1", 30),
        ("io-error job#1", 5),
        ("io-error job#1 errno=ESTALE", 116),
    ] {
        let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
        let seen = lab
            .run(1, &["start job#1", &inject, "release job#1@1"])
            .granted();
        assert_eq!(
            seen.exits(),
            [Exit::Code(errno)],
            "{:#?}",
            seen.record.trace
        );
        assert_eq!(seen.record.doubts, []);
        // It matches, but is healed before anything comes of it.
        let seen = lab.run(1, &["start job#1", &inject, &heal]).granted();
        assert_eq!(seen.exits(), [DONE]);
        let doubts = |doubt: &Doubt| {
            let kind = fault.split(' ').next().unwrap();
            matches!(doubt, Doubt::FaultWithoutEffect(text) if text.contains(kind))
        };
        assert!(
            seen.record.doubts.iter().any(doubts),
            "{:?}",
            seen.record.doubts
        );
    }
    // What needs no room goes on: the lock is removed.
    let full = "inject disk-full job#1";
    let seen = lab.run(
        1,
        &["start job#1", "release job#1@1", full, "release job#1@2"],
    );
    assert_eq!(seen.granted().exits(), [DONE]);
}

/// Two writers of a SQLite database.
fn sqlite(backend: &str, mode: &str) {
    let script = format!(
        "import sqlite3, sys
try:
    db = sqlite3.connect(\"/shared/p.db\", timeout=0, isolation_level=None)
    db.execute(\"pragma journal_mode={mode}\")
    db.execute(\"create table if not exists t (n)\")
    db.execute(\"begin immediate\")
    db.execute(\"insert into t values (1)\")
    db.execute(\"commit\")
except sqlite3.OperationalError as error:
    sys.exit(3 if \"locked\" in str(error) else 4)
"
    );
    let mut lab = Small::python(backend, &script);
    let alone = lab.run(1, &[]);
    assert_eq!(alone.exits(), [DONE], "{:?}", alone.record.outputs);
    let begins = texts(&alone)
        .iter()
        .position(|text| is_begin(text))
        .unwrap();
    // The first to reach its transaction stops there; the other finds the database locked.
    for (first, second, expect) in [(1, 2, [DONE, STOPPED]), (2, 1, [STOPPED, DONE])] {
        let mut wishes: Vec<String> = vec![format!("start job#{first}")];
        wishes.extend((1..=begins + 1).map(|nth| format!("release job#{first}@{nth}")));
        wishes.push(format!("start job#{second}"));
        let mut steps = wishes.iter().map(String::as_str).collect::<Vec<_>>();
        let until = lab.run(2, &steps).granted();
        let tries = texts(&until).len();
        assert!(tries > begins, "{:#?}", until.record.trace);
        let release = format!("run job#{second}");
        steps.push(&release);
        always(&mut lab, SLOW_ROUNDS, &steps, expect);
    }
}

/// The lock with which a transaction that writes begins.
fn is_begin(text: &str) -> bool {
    text.ends_with("lock p.db RESERVED EX NB") || text.ends_with("lock p.db-shm WRITE EX NB")
}

fn sqlite_with_a_rollback_journal(backend: &str) {
    sqlite(backend, "delete");
}

fn sqlite_with_a_log(backend: &str) {
    sqlite(backend, "wal");
}
