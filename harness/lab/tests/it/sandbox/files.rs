//! Calls on files in a tapped folder: held, failed, made, killed at.

use super::bench_of::{Bench, Run, begin_tapped};
use std::path::PathBuf;
use std::time::Duration;
use twiceproof_lab::sandbox::{Sandbox, SandboxEvent, Scope};
use twiceproof_model::Exit;
use twiceproof_shim::file_call::would_wait;
use twiceproof_shim::{FileCall, Gate, LockMode, Tapped, Verb, Verdict};

/// Longest wait for something that the tests expect to happen.
const SOON: Duration = Duration::from_secs(20);

const ENOSPC: i32 = 28;

fn tapped(gate: Gate, looks: bool) -> Tapped {
    Tapped {
        folders: vec!["/share".to_owned()],
        gate,
        looks,
    }
}

async fn calls(sandbox: &mut Sandbox, words: &[&str]) -> Run {
    let words: Vec<&str> = ["calls"].iter().chain(words).copied().collect();
    begin_tapped(sandbox, &words, tapped(Gate::Hold, false)).await
}

async fn event(sandbox: &mut Sandbox) -> SandboxEvent {
    tokio::time::timeout(SOON, sandbox.next_event())
        .await
        .expect("an event comes soon")
}

async fn next(sandbox: &mut Sandbox) -> FileCall {
    match event(sandbox).await {
        SandboxEvent::Called(call) => call,
        other => panic!("{other:?} in place of a call"),
    }
}

async fn result(sandbox: &mut Sandbox, call: &FileCall) -> (i64, bool) {
    match event(sandbox).await {
        SandboxEvent::Returned {
            call: made,
            result,
            existed,
        } if made == call.call => (result, existed),
        other => panic!("{other:?} in place of the result"),
    }
}

/// Lets a call be made, and returns what came of it.
async fn make(sandbox: &mut Sandbox, call: &FileCall) -> i64 {
    sandbox.answer(call.call, Verdict::Make).await.unwrap();
    result(sandbox, call).await.0
}

/// Waits for a call, lets it be made, and returns both.
async fn pass(sandbox: &mut Sandbox) -> (FileCall, i64) {
    let call = next(sandbox).await;
    let result = make(sandbox, &call).await;
    (call, result)
}

async fn until_gone(sandbox: &mut Sandbox) {
    while event(sandbox).await != SandboxEvent::TreeGone {}
}

fn shared(bench: &Bench, name: &str) -> PathBuf {
    bench.share().join(name)
}

pub(super) async fn a_held_call_changes_nothing(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let run = calls(&mut sandbox, &["new:/share/lock"]).await;
    let call = next(&mut sandbox).await;
    assert_eq!((call.verb, &*call.path), (Verb::CreateNew, "lock"));
    let tasks = sandbox.sample().await.unwrap();
    let is_held = tasks.len() == 1 && matches!(tasks[0].state, b'S' | b'D');
    assert!(is_held, "{tasks:?}");
    assert!(!shared(bench, "lock").exists());
    assert!(make(&mut sandbox, &call).await >= 0);
    assert!(shared(bench, "lock").exists());
    assert_eq!(run.exit(&mut sandbox).await, Exit::Code(0));
}

pub(super) async fn calls_are_named_with_their_results(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let words = [
        "mkdir:/share/in",
        "cd:/share/in",
        "new:a",
        "new:a",
        "create:a",
        "create:b",
        "link:a,../c",
        "symlink:a,d",
        "rename:b,/share/e",
        "fsync:a",
        "unlink:d",
        "new:/tmp/elsewhere",
        "cd:/",
        "symlink:/share/in,/tmp/way",
        "unlink:/tmp/way/a",
        "rmdir:/share/in",
        "locknb:/share/c",
        "flocknb:/share/c",
        "empty:/share/c",
    ];
    let run = calls(&mut sandbox, &words).await;
    let mut seen = Vec::new();
    for _ in 0..14 {
        let call = next(&mut sandbox).await;
        sandbox.answer(call.call, Verdict::Make).await.unwrap();
        let (result, existed) = result(&mut sandbox, &call).await;
        let other = if call.other.is_empty() { "" } else { " " };
        let existed = if existed { " existed" } else { "" };
        let result = result.min(0);
        seen.push(format!(
            "{:?} {}{other}{} {result}{existed}",
            call.verb, call.path, call.other
        ));
    }
    let expect = [
        "Mkdir in 0",
        "CreateNew in/a 0",
        "CreateNew in/a -17",
        "Create in/a 0 existed",
        "Create in/b 0",
        "Link in/a c 0",
        "Symlink in/d a 0",
        "Rename in/b e 0",
        "Sync in/a 0",
        "Unlink in/d 0",
        "Unlink in/a 0",
        "Rmdir in 0",
        "Lock c 0",
        "Flock c 0",
    ];
    assert_eq!(seen, expect);
    let (call, done) = pass(&mut sandbox).await;
    assert_eq!((call.verb, done >= 0), (Verb::Empty, true));
    let (exit, text) = run.end(&mut sandbox).await;
    assert_eq!(exit, Exit::Code(0), "{text}");
    assert!(text.contains("new:a errno 17"), "{text}");
}

pub(super) async fn a_call_can_fail_as_wished(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let run = calls(&mut sandbox, &["new:/share/lock", "flock:/tmp"]).await;
    let call = next(&mut sandbox).await;
    let verdict = Verdict::Fail(ENOSPC);
    sandbox.answer(call.call, verdict).await.unwrap();
    let expect = (i64::from(-ENOSPC), false);
    assert_eq!(result(&mut sandbox, &call).await, expect);
    let (_, text) = run.end(&mut sandbox).await;
    assert!(text.contains("new:/share/lock errno 28"), "{text}");
    assert!(!shared(bench, "lock").exists());
}

pub(super) async fn a_result_can_be_held_back(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let mut run = calls(&mut sandbox, &["new:/share/lock"]).await;
    let call = next(&mut sandbox).await;
    let verdict = Verdict::MakeAndHold;
    sandbox.answer(call.call, verdict).await.unwrap();
    assert!(result(&mut sandbox, &call).await.0 >= 0);
    assert!(shared(bench, "lock").exists());
    let tasks = sandbox.sample().await.unwrap();
    assert_eq!(tasks[0].state, b't', "{tasks:?}");
    let verdict = Verdict::Finish;
    sandbox.answer(call.call, verdict).await.unwrap();
    assert_eq!(run.line(), "new:/share/lock ok");

    until_gone(&mut sandbox).await;

    // And killed there: what was done is done, and nothing more.
    let run = calls(&mut sandbox, &["unlink:/share/lock", "new:/share/more"]).await;
    let call = next(&mut sandbox).await;
    let verdict = Verdict::MakeAndHold;
    sandbox.answer(call.call, verdict).await.unwrap();
    result(&mut sandbox, &call).await;
    sandbox.signal(run.start, Scope::Tree, 9).await.unwrap();
    assert_eq!(run.exit(&mut sandbox).await, Exit::Signal(9));
    assert!(!shared(bench, "lock").exists() && !shared(bench, "more").exists());
}

pub(super) async fn killed_while_held(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    for (word, is_left) in [("new:/share/lock", false), ("unlink:/share/lock", true)] {
        let path = shared(bench, "lock");
        if is_left {
            std::fs::write(&path, "").unwrap();
        }
        let run = calls(&mut sandbox, &[word]).await;
        next(&mut sandbox).await;
        sandbox.signal(run.start, Scope::Tree, 9).await.unwrap();
        assert_eq!(run.exit(&mut sandbox).await, Exit::Signal(9));
        assert_eq!(path.exists(), is_left, "{word}");
        until_gone(&mut sandbox).await;
    }
}

pub(super) async fn no_lock_waits_in_the_kernel(bench: &mut Bench) {
    let (mut one, mut two) = (bench.open().await, bench.open().await);
    for (take, free) in [
        ("flock:/share/f", "funlock:/share/f"),
        ("lock:/share/f", "unlock:/share/f"),
        ("ofdlock:/share/f", "close:/share/f"),
    ] {
        std::fs::write(shared(bench, "f"), "").unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(shared(bench, "f"), open).unwrap();
        let words = [take, "mkdir:/share/w", free, "mkdir:/share/x"];
        let holder = calls(&mut one, &words).await;
        let (call, done) = pass(&mut one).await;
        assert_eq!(
            (call.lock.mode, call.lock.waits),
            (LockMode::Exclusive, true)
        );
        assert_eq!(done, 0, "{take}");
        let waiter = calls(&mut two, &[take]).await;
        let mut call = next(&mut two).await;
        for _ in 0..3 {
            let would = make(&mut two, &call).await;
            assert!(would_wait(would), "{take}: {would}");
            let again = next(&mut two).await;
            assert_eq!(again.again, Some(call.call), "{take}");
            call = again;
        }
        // The holder's last call is behind the end of its lock.
        while pass(&mut one).await.0.path != "x" {}
        assert_eq!(make(&mut two, &call).await, 0, "{take}");
        assert_eq!(waiter.exit(&mut two).await, Exit::Code(0));
        assert_eq!(holder.exit(&mut one).await, Exit::Code(0));
        for name in ["w", "x"] {
            std::fs::remove_dir(shared(bench, name)).unwrap();
        }
        one.clean().await.unwrap();
        two.clean().await.unwrap();
    }
}

pub(super) async fn a_signal_ends_a_wait(bench: &mut Bench) {
    let (mut one, mut two) = (bench.open().await, bench.open().await);
    std::fs::write(shared(bench, "f"), "").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(shared(bench, "f"), open).unwrap();
    let _holder = calls(&mut one, &["flock:/share/f", "new:/share/x"]).await;
    assert_eq!(pass(&mut one).await.1, 0);
    let words = ["alarm:20", "flock:/share/f", "mkdir:/share/y"];
    let waiter = calls(&mut two, &words).await;
    let mut call = next(&mut two).await;
    // Once the signal is there, the next try ends with it, as the wait in the kernel would.
    let made = loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(would_wait(make(&mut two, &call).await));
        let next = next(&mut two).await;
        if next.again.is_none() {
            break next;
        }
        call = next;
    };
    assert_eq!(made.verb, Verb::Mkdir);
    assert_eq!(make(&mut two, &made).await, 0);
    let (_, text) = waiter.end(&mut two).await;
    assert!(text.contains("flock:/share/f errno 4"), "{text}");
}

pub(super) async fn threads_and_children_are_held(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let words = ["crowd", "/share/n"];
    let run = begin_tapped(&mut sandbox, &words, tapped(Gate::Hold, false)).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(next(&mut sandbox).await);
    }
    assert_eq!(std::fs::read_dir(bench.share()).unwrap().count(), 0);
    held.sort_by(|left, right| right.path.cmp(&left.path));
    for call in &held {
        assert!(make(&mut sandbox, call).await >= 0);
        assert!(shared(bench, &call.path).exists());
    }
    let (call, done) = pass(&mut sandbox).await;
    assert_eq!((&*call.path, done >= 0), ("n.child", true));
    assert!(held.iter().all(|other| other.task != call.task));
    assert_eq!(run.exit(&mut sandbox).await, Exit::Code(0));
}

pub(super) async fn a_pause_spares_what_is_held(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let run = calls(&mut sandbox, &["new:/share/a", "new:/share/b"]).await;
    let call = next(&mut sandbox).await;
    sandbox.pause().await.unwrap();
    assert!(!shared(bench, "a").exists());
    sandbox.resume().await.unwrap();
    assert!(!shared(bench, "a").exists());
    assert!(make(&mut sandbox, &call).await >= 0);
    // Made while all stand still: it is done, and the thread stays where it is.
    let call = next(&mut sandbox).await;
    sandbox.pause().await.unwrap();
    assert!(make(&mut sandbox, &call).await >= 0);
    assert!(shared(bench, "b").exists());
    assert_eq!(sandbox.sample().await.unwrap()[0].state, b't');
    sandbox.resume().await.unwrap();
    assert_eq!(run.exit(&mut sandbox).await, Exit::Code(0));
}

pub(super) async fn looks_are_told_where_asked(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let words = ["calls", "access:/share/a", "access:/tmp", "new:/share/a"];
    for looks in [false, true] {
        let run = begin_tapped(&mut sandbox, &words, tapped(Gate::Hold, looks)).await;
        if looks {
            let (call, done) = pass(&mut sandbox).await;
            assert_eq!((call.verb, &*call.path, done), (Verb::Access, "a", -2));
        }
        let (call, _) = pass(&mut sandbox).await;
        assert_eq!(call.verb, Verb::CreateNew);
        assert_eq!(run.exit(&mut sandbox).await, Exit::Code(0));
        until_gone(&mut sandbox).await;
        std::fs::remove_file(shared(bench, "a")).unwrap();
    }
}

pub(super) async fn traced_calls_go_on_by_themselves(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let words = ["calls", "new:/share/a", "new:/share/a", "flock:/share/a"];
    let _run = begin_tapped(&mut sandbox, &words, tapped(Gate::Trace, false)).await;
    for expect in [true, false, true] {
        let call = next(&mut sandbox).await;
        assert_eq!(result(&mut sandbox, &call).await.0 >= 0, expect);
    }
    sandbox.clean().await.unwrap();
    let words = ["calls", "unlink:/share/a"];
    let run = begin_tapped(&mut sandbox, &words, tapped(Gate::Note, false)).await;
    assert_eq!(next(&mut sandbox).await.verb, Verb::Unlink);
    assert_eq!(run.exit(&mut sandbox).await, Exit::Code(0));
    assert!(!shared(bench, "a").exists());
}

pub(super) async fn a_ring_is_refused(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let run = calls(&mut sandbox, &["ring:"]).await;
    let (_, text) = run.end(&mut sandbox).await;
    assert!(text.contains("ring: errno 38"), "{text}");
}

pub(super) async fn an_end_of_the_lab_lets_nothing_through(bench: &mut Bench) {
    for round in 0..5 {
        let mut sandbox = bench.open().await;
        let name = format!("new:/share/{round}");
        let mut run = calls(&mut sandbox, &[&name]).await;
        next(&mut sandbox).await;
        // The end of the link is what the shim sees of a lab that was killed.
        drop(sandbox);
        assert_eq!(run.line(), "", "it ends without a word");
        assert_eq!(std::fs::read_dir(bench.share()).unwrap().count(), 0);
    }
}
