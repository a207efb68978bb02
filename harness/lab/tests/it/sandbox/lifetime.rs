//! Nothing outlives its owner, however the owner ends.
//!
//! The owner is this test binary, run again as a victim that opens sandboxes until it is killed.

use super::bench_of::{Bench, begin};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use twiceproof_lab::backend::docker::Docker;
use twiceproof_lab::backend::local::Local;
use twiceproof_lab::janitor::RunFolder;

/// Set in the victim's environment to the token that its leftovers would bear.
const TOKEN: &str = "TWICEPROOF_TEST_VICTIM";

/// How many times the owner is killed.
const KILLS: u64 = 20;

/// Longest time until nothing is left.
const GONE_MAX: Duration = Duration::from_secs(20);

/// The victim's body: does nothing unless run as one.
#[test]
fn victim() {
    let Ok(token) = std::env::var(TOKEN) else {
        return;
    };
    let folder = RunFolder::create().unwrap();
    println!("folder {}", folder.path().display());
    super::run(&Local, None, async |bench: &mut Bench| {
        let mut open = Vec::new();
        loop {
            let mut spec = bench.spec();
            // The name of a file that every process of the family bears in its command line.
            spec.folders[1].host = folder.path().to_owned();
            let mut sandbox = bench.open_with(spec).await;
            let path = format!("/share/{token}");
            let family = begin(&mut sandbox, &["family", &path]).await;
            family.exit(&mut sandbox).await;
            if open.is_empty() {
                println!("up");
            } else if open.len() == 2 {
                sandbox.pause().await.unwrap();
                open.clear();
            }
            open.push(sandbox);
        }
    });
}

fn victim_process(token: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["sandbox::lifetime::victim", "--exact", "--nocapture"])
        .env(TOKEN, token);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// Reads lines until one begins with the word, and returns its rest.
fn line_with(output: &mut impl BufRead, word: &str) -> String {
    loop {
        let mut line = String::new();
        assert!(
            output.read_line(&mut line).unwrap() > 0,
            "the victim ended early"
        );
        if let Some(at) = line.find(word) {
            return line[at + word.len()..].trim().to_owned();
        }
    }
}

/// Returns processes, by number, whose command line or environment holds the token.
fn bearers(token: &str) -> Vec<String> {
    let holds = |path: String| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes
            .windows(token.len())
            .any(|window| window == token.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let processes = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let own = std::process::id().to_string();
    let bears = |process: &String| {
        *process != own
            && ["cmdline", "environ"]
                .iter()
                .any(|file| holds(format!("/proc/{process}/{file}")))
    };
    processes.filter(bears).collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < GONE_MAX, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn child_token(number: u64) -> String {
    format!("victim-{}-{number}", std::process::id())
}

#[test]
fn a_killed_owner_leaves_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for number in 0..KILLS {
            let token = child_token(number);
            let (mut victim, mut output) = victim_process(&token);
            let folder = line_with(&mut output, "folder ");
            if number % 2 == 0 {
                line_with(&mut output, "up");
            }
            // From the start of the first sandbox to the middle of the fifth.
            tokio::time::sleep(Duration::from_micros(number * 3_700 % 50_000)).await;
            victim.kill().unwrap();
            victim.wait().unwrap();
            until("processes are left", || bearers(&token).is_empty()).await;
            until("the folder is left", || !Path::new(&folder).exists()).await;
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            assert!(!mounts.contains(&folder), "a mount is left");
        }
    });
}

#[test]
fn a_dropped_sandbox_leaves_nothing() {
    // In a process of its own, so that no other test's sandboxes are in sight.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["sandbox::lifetime::lone", "--exact", "--nocapture"])
        .env(TOKEN, child_token(KILLS))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Opens and drops sandboxes, and finds none of its own children afterwards.
#[test]
fn lone() {
    let Ok(token) = std::env::var(TOKEN) else {
        return;
    };
    let mine = |token: &str| bearers(token).len();
    super::run(&Local, None, async |bench: &mut Bench| {
        let before = std::fs::read_dir("/proc/self/fd").unwrap().count();
        for round in 0..5 {
            let mut sandbox = bench.open().await;
            let path = format!("/share/{token}-{round}");
            let family = begin(&mut sandbox, &["family", &path]).await;
            family.exit(&mut sandbox).await;
            assert!(mine(&token) >= 3);
            drop(sandbox);
            // The wait is part of the drop.
            assert_eq!(mine(&token), 0);
        }
        assert_eq!(
            std::fs::read_dir("/proc/self/fd").unwrap().count(),
            before + 1
        );
    });
}

/// The body of a victim in containers.
#[test]
fn victim_in_containers() {
    if std::env::var(TOKEN).is_err() {
        return;
    }
    println!("label {}", twiceproof_lab::backend::docker::run_label());
    super::run(
        &Docker,
        Some("twiceproof/scratch:1"),
        async |bench: &mut Bench| {
            let mut open = Vec::new();
            for number in 0..3 {
                let mut sandbox = bench.open().await;
                begin(&mut sandbox, &["family", "/share/f"]).await;
                open.push(sandbox);
                println!("up {number}");
            }
            std::future::pending::<()>().await;
        },
    );
}

fn containers(label: &str) -> String {
    let filter = format!("label=twiceproof.run={label}");
    let mut docker = Command::new("docker");
    let output = docker
        .args(["ps", "--all", "--quiet", "--filter", &filter])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_killed_owner_leaves_no_container() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for (number, line) in ["label ", "up 0", "up 1", "up 2"].iter().enumerate() {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args([
                "sandbox::lifetime::victim_in_containers",
                "--exact",
                "--nocapture",
            ]);
            command.env(TOKEN, child_token(100 + number as u64));
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            let mut victim = command.spawn().unwrap();
            let mut output = BufReader::new(victim.stdout.take().unwrap());
            let label = line_with(&mut output, "label ");
            if number > 0 {
                line_with(&mut output, line);
                assert!(!containers(&label).is_empty());
            }
            // Into the middle of the making of the next container.
            tokio::time::sleep(Duration::from_millis(60)).await;
            victim.kill().unwrap();
            victim.wait().unwrap();
            // Most go by themselves; one that was made and not started waits for this.
            let begun = Instant::now();
            loop {
                twiceproof_lab::backend::docker::remove_leftovers()
                    .await
                    .unwrap();
                if containers(&label).is_empty() {
                    break;
                }
                assert!(begun.elapsed() < GONE_MAX, "containers are left");
            }
        }
    });
}
