//! The harness is killed in the middle of a trial: at each event that it logs, and at any time
//! between.
//!
//! The harness is this test binary, run again as a victim with one trial to run.

use super::kit::{Small, psql};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use twiceproof_lab::real_lab::TrialObserver;

/// Set in the victim's environment to the event at which it kills itself, from 1; 0: at none.
const AT: &str = "TWICEPROOF_TEST_DIES_AT";
/// How often the victim is killed from outside.
const RANDOM_KILLS: u64 = 12;
/// Longest time until nothing is left.
const GONE_MAX: Duration = Duration::from_secs(20);

/// The victim's body: does nothing unless run as one.
#[test]
fn victim() {
    let Ok(at) = std::env::var(AT) else { return };
    let at: u32 = at.parse().unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let observer: TrialObserver = Arc::new(move |_, _| {
        if counted.fetch_add(1, Ordering::SeqCst) + 1 == at {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
        }
    });
    let script = "sleep 1000 & psql -Xqc 'update t set n = n + 1'; kill $!";
    let mut small = Small::observed(&psql(script), Some(observer));
    println!("folder {}", small.folder().display());
    let wishes = [
        "start job#1",
        "start job#2",
        "pause job#2",
        "forward job#1@1",
    ];
    small.run(2, &wishes).granted();
    println!("events {}", count.load(Ordering::SeqCst));
    drop(small);
    println!("over");
}

struct Victim {
    child: Child,
    output: BufReader<ChildStdout>,
    folder: String,
}

impl Victim {
    fn new(at: u32) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["trial::killed::victim", "--exact", "--nocapture"])
            .env(AT, at.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let folder = line_with(&mut output, "folder ");
        Self {
            child,
            output,
            folder,
        }
    }

    /// Waits for the victim's end, and for the end of all that it made.
    fn leaves_nothing(mut self, when: &str) {
        self.child.wait().unwrap();
        let name = Path::new(&self.folder).file_name().unwrap();
        let name = name.to_str().unwrap();
        let begun = Instant::now();
        loop {
            let left = bearers(name);
            if left.is_empty() && !Path::new(&self.folder).exists() {
                return;
            }
            assert!(begun.elapsed() < GONE_MAX, "killed {when}: left {left:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Reads lines until one holds the word, and returns what follows.
fn line_with(output: &mut impl BufRead, word: &str) -> String {
    loop {
        let mut line = String::new();
        let count = output.read_line(&mut line).unwrap();
        assert!(count > 0, "the victim ended early");
        if let Some(at) = line.find(word) {
            return line[at + word.len()..].trim().to_owned();
        }
    }
}

/// Returns the processes that name the run's folder: as a word of their command, or among their
/// mounts, as every process in one of its sandboxes does, and every process at all if a mount got
/// out of them.
fn bearers(name: &str) -> Vec<String> {
    let holds = |path: String| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let mut windows = bytes.windows(name.len());
        windows.any(|window| window == name.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let processes = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let bears = |process: &String| {
        ["cmdline", "mountinfo"]
            .iter()
            .any(|file| holds(format!("/proc/{process}/{file}")))
    };
    processes.filter(bears).collect()
}

#[test]
fn killed_at_any_event_it_leaves_nothing() {
    let mut whole = Victim::new(0);
    let events: u32 = line_with(&mut whole.output, "events ").parse().unwrap();
    assert!(events >= 15, "the trial shows too little: {events} events");
    whole.leaves_nothing("never");
    for at in 1..=events {
        Victim::new(at).leaves_nothing(&format!("at event {at}"));
    }
}

#[test]
fn killed_at_any_time_it_leaves_nothing() {
    let begun = Instant::now();
    let mut whole = Victim::new(0);
    line_with(&mut whole.output, "over");
    let whole_time = begun.elapsed();
    whole.leaves_nothing("never");
    let mut seen = 0;
    for number in 0..RANDOM_KILLS {
        let mut victim = Victim::new(0);
        seen += bearers(
            Path::new(&victim.folder)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap(),
        )
        .len();
        // Spread over the time that a whole trial takes.
        let part = u32::try_from(number * 7 % RANDOM_KILLS).unwrap();
        std::thread::sleep(whole_time * part / u32::try_from(RANDOM_KILLS).unwrap());
        victim.child.kill().unwrap();
        victim.leaves_nothing(&format!("at part {part}"));
    }
    assert!(seen > 0, "the search for what is left finds nothing at all");
}
