//! Killing, pausing, and looking on.

use super::bench_of::{Bench, begin, say};
use std::path::Path;
use std::time::Duration;
use twiceproof_lab::sandbox::{Sandbox, SandboxEvent, Scope, TaskSample};
use twiceproof_model::Exit;

/// Longest wait for something that the tests expect to happen.
const SOON: Duration = Duration::from_secs(20);

async fn until_gone(sandbox: &mut Sandbox) {
    let gone = async { while sandbox.next_event().await != SandboxEvent::TreeGone {} };
    tokio::time::timeout(SOON, gone).await.unwrap();
}

pub(super) async fn a_tree_is_killed_whole(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let family = begin(&mut sandbox, &["family", "/share/f"]).await;
    let start = family.start;
    assert_eq!(family.exit(&mut sandbox).await, Exit::Code(0));
    assert_eq!(sandbox.left_over().await.unwrap().len(), 3);
    sandbox.signal(start, Scope::Tree, 15).await.unwrap();
    assert_eq!(
        sandbox.left_over().await.unwrap().len(),
        3,
        "they are deaf to TERM"
    );
    sandbox.signal(start, Scope::Tree, 9).await.unwrap();
    until_gone(&mut sandbox).await;
    assert!(sandbox.left_over().await.unwrap().is_empty());

    begin(&mut sandbox, &["family", "/share/g"])
        .await
        .exit(&mut sandbox)
        .await;
    sandbox.clean().await.unwrap();
    assert!(sandbox.left_over().await.unwrap().is_empty());
    assert_eq!(say(&mut sandbox, &["echo", "again"]).await, "again");
}

pub(super) async fn a_fork_storm_is_killed(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    for _ in 0..10 {
        let mut storm = begin(&mut sandbox, &["fork"]).await;
        assert_eq!(storm.line(), "ready");
        sandbox.signal(storm.start, Scope::Tree, 9).await.unwrap();
        until_gone(&mut sandbox).await;
    }
}

pub(super) async fn signals_reach_the_process_or_the_tree(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let first = begin(&mut sandbox, &["sleep"]).await;
    let second = begin(&mut sandbox, &["sleep"]).await;
    sandbox
        .signal(first.start, Scope::Process, 15)
        .await
        .unwrap();
    assert_eq!(first.end(&mut sandbox).await.0, Exit::Signal(15));
    assert_eq!(sandbox.left_over().await.unwrap(), ["probe"]);
    sandbox.signal(second.start, Scope::Tree, 2).await.unwrap();
    assert_eq!(second.end(&mut sandbox).await.0, Exit::Signal(2));
}

const COUNTERS: &[&str] = &["count.a", "count.b", "count.parent", "count.child"];

fn counters(share: &Path) -> Vec<u64> {
    let read = |name: &&str| std::fs::read_to_string(share.join(name)).unwrap_or_default();
    COUNTERS
        .iter()
        .map(read)
        .map(|text| text.parse().unwrap_or(0))
        .collect()
}

/// Waits until every counter is beyond what it was.
async fn until_beyond(share: &Path, before: &[u64]) {
    let beyond = async {
        while counters(share)
            .iter()
            .zip(before)
            .any(|(now, before)| now <= before)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(SOON, beyond).await.unwrap();
}

async fn begin_counting(bench: &Bench, sandbox: &mut Sandbox) -> super::bench_of::Run {
    let mut counting = begin(sandbox, &["count", "/share/count"]).await;
    assert_eq!(counting.line(), "ready");
    until_beyond(&bench.share(), &[0; 4]).await;
    counting
}

pub(super) async fn a_pause_stops_every_thread(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let _counting = begin_counting(bench, &mut sandbox).await;
    for _ in 0..10 {
        sandbox.pause().await.unwrap();
        let tasks = sandbox.sample().await.unwrap();
        assert_eq!(tasks.len(), 4);
        assert!(tasks.iter().all(|task| task.state == b't'), "{tasks:?}");
        let still = counters(&bench.share());
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(counters(&bench.share()), still);
        sandbox.resume().await.unwrap();
        until_beyond(&bench.share(), &still).await;
    }
}

pub(super) async fn a_paused_tree_can_be_killed(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let counting = begin_counting(bench, &mut sandbox).await;
    sandbox.pause().await.unwrap();
    sandbox
        .signal(counting.start, Scope::Tree, 9)
        .await
        .unwrap();
    assert_eq!(counting.end(&mut sandbox).await.0, Exit::Signal(9));
    begin(&mut sandbox, &["sleep"]).await;
    sandbox.pause().await.unwrap();
    sandbox.clean().await.unwrap();
    assert_eq!(say(&mut sandbox, &["echo", "well"]).await, "well");
}

async fn living(sandbox: &mut Sandbox) -> Vec<TaskSample> {
    let mut tasks = sandbox.sample().await.unwrap();
    tasks.retain(|task| task.state != b'Z');
    tasks
}

pub(super) async fn a_fork_storm_is_paused(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let mut storm = begin(&mut sandbox, &["fork"]).await;
    assert_eq!(storm.line(), "ready");
    for _ in 0..10 {
        sandbox.pause().await.unwrap();
        let still = living(&mut sandbox).await;
        assert!(still.iter().all(|task| task.state == b't'), "{still:?}");
        assert_eq!(living(&mut sandbox).await, still);
        sandbox.resume().await.unwrap();
    }
    sandbox.clean().await.unwrap();
}

pub(super) async fn a_pause_does_not_disturb(bench: &mut Bench) {
    // A signal that arrives during the pause is there afterwards, and the exit is the target's own.
    let mut sandbox = bench.open().await;
    let sleeper = begin(&mut sandbox, &["sleep"]).await;
    sandbox.pause().await.unwrap();
    sandbox
        .signal(sleeper.start, Scope::Process, 15)
        .await
        .unwrap();
    assert_eq!(sandbox.left_over().await.unwrap(), ["probe"]);
    sandbox.resume().await.unwrap();
    assert_eq!(sleeper.end(&mut sandbox).await.0, Exit::Signal(15));
    // Nothing to pause is no failure, nor is a second pause or resume.
    sandbox.pause().await.unwrap();
    let sleeper = begin(&mut sandbox, &["sleep"]).await;
    sandbox.pause().await.unwrap();
    sandbox.pause().await.unwrap();
    sandbox.resume().await.unwrap();
    sandbox.resume().await.unwrap();
    sandbox
        .signal(sleeper.start, Scope::Process, 9)
        .await
        .unwrap();
    assert_eq!(sleeper.end(&mut sandbox).await.0, Exit::Signal(9));
}

pub(super) async fn samples_show_what_threads_do(bench: &mut Bench) {
    const READ: i64 = 0;
    const CLOCK_NANOSLEEP: i64 = 230;
    let mut sandbox = bench.open().await;
    assert!(sandbox.sample().await.unwrap().is_empty());
    let mut threads = begin(&mut sandbox, &["threads"]).await;
    assert_eq!(threads.line(), "ready");
    let settled = |tasks: &[TaskSample]| {
        let calls: Vec<_> = tasks.iter().map(|task| (task.state, task.call)).collect();
        let states = [
            (b'S', Some(CLOCK_NANOSLEEP)),
            (b'S', Some(READ)),
            (b'R', None),
        ];
        tasks.len() == 3 && states.iter().all(|state| calls.contains(state))
    };
    let looks = async {
        loop {
            let tasks = sandbox.sample().await.unwrap();
            if settled(&tasks) {
                break tasks;
            }
            tokio::task::yield_now().await;
        }
    };
    let tasks = tokio::time::timeout(SOON, looks).await.unwrap();
    assert!(tasks.iter().all(|task| task.pid == tasks[0].pid));
    let reading = tasks.iter().find(|task| task.call == Some(READ)).unwrap();
    assert_eq!(reading.arguments[2], 1, "it reads one byte");
}

pub(super) async fn left_over_processes_are_named(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    assert!(sandbox.left_over().await.unwrap().is_empty());
    begin(&mut sandbox, &["sleep"]).await;
    begin(&mut sandbox, &["spin"]).await;
    assert_eq!(sandbox.left_over().await.unwrap(), ["probe", "probe"]);
}
