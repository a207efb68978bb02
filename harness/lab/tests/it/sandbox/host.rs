//! Sandboxes of one host: what they share, and what stays each one's own.

use super::bench_of::{Bench, begin, run, say};
use twiceproof_lab::sandbox::{Host, Sandbox, SandboxEvent, Scope};
use twiceproof_model::Exit;

/// Returns two sandboxes of one host; the folder that they share as `/tmp` is the test's.
async fn pair(bench: &Bench) -> (Sandbox, Sandbox) {
    let folder = twiceproof_lab::sandbox::Folder {
        host: bench.host_tmp(),
        inside: "/tmp".into(),
        writable: true,
    };
    let mut spec = bench.spec();
    spec.folders.push(folder);
    spec.host = Host::First;
    let first = bench.open_with(spec.clone()).await;
    spec.name = "job-2".to_owned();
    spec.host = Host::Beside(first.neighbour().expect("it is the first").clone());
    (first, bench.open_with(spec).await)
}

/// Returns the number of the only process in a sandbox.
async fn pid(sandbox: &mut Sandbox) -> String {
    let tasks = sandbox.sample().await.unwrap();
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    tasks[0].pid.to_string()
}

pub(super) async fn process_ids_mean_something_on_one_host(bench: &mut Bench) {
    let (mut first, mut second) = pair(bench).await;
    let one = begin(&mut first, &["sleep"]).await;
    let two = begin(&mut second, &["sleep"]).await;
    let (left, right) = (pid(&mut first).await, pid(&mut second).await);
    assert_ne!(left, right);
    assert_eq!(say(&mut second, &["kill", &left]).await, "reached");
    assert_eq!(say(&mut first, &["kill", &right]).await, "reached");
    // Each sandbox knows, and kills, its own alone.
    assert_eq!(first.left_over().await.unwrap(), ["probe"]);
    second.signal(two.start, Scope::Tree, 9).await.unwrap();
    assert_eq!(two.exit(&mut second).await, Exit::Signal(9));
    assert_eq!(first.left_over().await.unwrap(), ["probe"]);
    first.signal(one.start, Scope::Tree, 9).await.unwrap();
    assert_eq!(one.exit(&mut first).await, Exit::Signal(9));
}

pub(super) async fn temporary_files_are_shared_until_the_host_is_cleaned(bench: &mut Bench) {
    let (mut first, mut second) = pair(bench).await;
    assert_eq!(say(&mut first, &["write", "/tmp/pid"]).await, "written");
    assert_eq!(say(&mut second, &["read", "/tmp/pid"]).await, "probe");
    // A start that finds nothing running is none on a fresh host.
    assert_eq!(say(&mut first, &["list", "/tmp"]).await, "pid");
    first.clean().await.unwrap();
    assert_eq!(say(&mut second, &["list", "/tmp"]).await, "");
}

pub(super) async fn networks_are_their_own_on_one_host(bench: &mut Bench) {
    let (mut first, mut second) = pair(bench).await;
    let mut server = begin(&mut first, &["serve", "9000"]).await;
    assert_eq!(server.line(), "ready");
    let (exit, words) = run(&mut second, &["connect", "127.0.0.1:9000"]).await;
    assert_eq!(exit, Exit::Code(1), "{words}");
}

pub(super) async fn the_end_of_one_sandbox_leaves_the_other(bench: &mut Bench) {
    let (mut first, mut second) = pair(bench).await;
    let one = begin(&mut first, &["sleep"]).await;
    begin(&mut second, &["sleep"]).await;
    drop(second);
    assert_eq!(first.left_over().await.unwrap(), ["probe"]);
    first.signal(one.start, Scope::Tree, 9).await.unwrap();
    assert_eq!(one.exit(&mut first).await, Exit::Signal(9));
}

pub(super) async fn the_end_of_the_first_ends_the_host(bench: &mut Bench) {
    let (mut first, mut second) = pair(bench).await;
    say(&mut first, &["write", "/tmp/left"]).await;
    begin(&mut second, &["sleep"]).await;
    drop(first);
    let lost = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while !matches!(second.next_event().await, SandboxEvent::Lost(_)) {}
    });
    lost.await
        .expect("nothing of a host outlives its first sandbox");
    let left = std::fs::read_dir(bench.host_tmp()).unwrap().count();
    assert_eq!(left, 0);
}
