//! SIGKILL of the program at random times: nothing of its run may be left.

use super::{Asked, fresh_folder, twiceproof};
use crate::shell::Failure;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The scenario that runs: server, sandboxes, clean runs and search.
const SCENARIO: &str = "points-pg/sound";
/// The latest time of a kill: by then the search is at work.
const KILL_AT_MAX: Duration = Duration::from_secs(5);
/// Longest time until nothing is left.
const GONE_MAX: Duration = Duration::from_secs(20);
/// Time between two looks at what is left.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Processes of a run at work: the program, its janitor, two of a sandbox, a server.
const PROCESSES_MIN: usize = 5;
/// Each kill comes this part of the whole later than the one before, modulo the whole: the golden
/// ratio spreads them evenly, however many there are.
const STRIDE: f64 = 0.618_033_988_749_895;

/// Kills the program at so many times, and looks for what is left each time.
pub(super) fn prove(asked: &Asked) -> Result<(), Failure> {
    let folder = fresh_folder("kills")?;
    let temporary = folder.join("temporary");
    fs::create_dir_all(&temporary).map_err(|error| Failure(error.to_string()))?;
    let mut seen_most = 0;
    for number in 0..asked.count {
        let at = KILL_AT_MAX.mul_f64((f64::from(number) * STRIDE).fract());
        let mut run = twiceproof(&folder.join("runs"));
        run.args(["run", SCENARIO]).env("TMPDIR", &temporary);
        run.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = run
            .spawn()
            .map_err(|error| Failure(format!("cannot start: {error}")))?;
        sleep(at);
        let tree = tree(child.id());
        seen_most = seen_most.max(tree.len());
        // One that has ended by itself leaves nothing either.
        let _ = child.kill();
        let _ = child.wait();
        let begun = Instant::now();
        loop {
            let left = left(&temporary, &tree);
            if left.is_empty() {
                break;
            }
            if begun.elapsed() > GONE_MAX {
                let left = left.join("\n");
                return Err(Failure(format!(
                    "killed after {at:?}, there is left:\n{left}"
                )));
            }
            sleep(LOOK_EVERY);
        }
    }
    println!(
        "{} kills: nothing left; at most {seen_most} processes ran before",
        asked.count
    );
    if seen_most < PROCESSES_MIN {
        let message = "the look at processes sees no service and no job";
        return Err(Failure(message.to_owned()));
    }
    Ok(())
}

/// A process: its number, and when it started, as numbers are used again.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    started: u64,
}

/// Returns the processes that run, but for those that only wait to be reaped.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let read = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before it may hold blanks and parentheses: proc(5).
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let is_alive = !matches!(*fields.first()?, "Z" | "X");
        is_alive.then_some(Process {
            id,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    };
    ids.filter_map(read).collect()
}

/// Returns the process and all that it started, directly or not. A sandbox's processes are
/// among them: they become children of its first one, which is ours.
fn tree(root: u32) -> Vec<Process> {
    let all = processes();
    let mut tree: Vec<Process> = all
        .iter()
        .copied()
        .filter(|process| process.id == root)
        .collect();
    let mut next = 0;
    while let Some(above) = tree.get(next).copied() {
        tree.extend(all.iter().filter(|process| process.parent == above.id));
        next += 1;
    }
    tree
}

/// Returns what stands in the folder for temporary files, who has it mounted or named, and which
/// of the processes still run.
fn left(temporary: &Path, tree: &[Process]) -> Vec<String> {
    let files = fs::read_dir(temporary).into_iter().flatten().flatten();
    let mut left: Vec<String> = files
        .map(|file| file.path().display().to_string())
        .collect();
    left.extend(bearers(temporary));
    let running = processes();
    let is_left = |process: &&Process| {
        let mut running = running.iter();
        running.any(|one| one.id == process.id && one.started == process.started)
    };
    let still = tree.iter().filter(is_left);
    left.extend(still.map(|process| format!("process {}", process.id)));
    left
}

/// Returns the processes that name the folder in their command, or among their mounts.
fn bearers(folder: &Path) -> Vec<String> {
    let name = folder.as_os_str().as_encoded_bytes();
    let holds = |path: String| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(name.len()).any(|window| window == name)
    };
    let bears = |process: &Process| {
        let mut files = ["cmdline", "mountinfo"].iter();
        files.any(|file| holds(format!("/proc/{}/{file}", process.id)))
    };
    let running = processes();
    let bearing = running.iter().filter(|process| bears(process));
    bearing
        .map(|process| format!("process {}", process.id))
        .collect()
}
