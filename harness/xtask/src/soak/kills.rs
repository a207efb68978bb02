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
        seen_most = seen_most.max(bearers(&temporary).len());
        // One that has ended by itself leaves nothing either.
        let _ = child.kill();
        let _ = child.wait();
        let begun = Instant::now();
        loop {
            let left = left(&temporary);
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
    match seen_most {
        0 => Err(Failure("the look at processes sees none at all".to_owned())),
        _ => Ok(()),
    }
}

/// Returns what stands in the folder for temporary files, and who has it mounted or named.
fn left(temporary: &Path) -> Vec<String> {
    let files = fs::read_dir(temporary).into_iter().flatten().flatten();
    let mut left: Vec<String> = files
        .map(|file| file.path().display().to_string())
        .collect();
    left.extend(bearers(temporary));
    left
}

/// Returns the processes that name the folder: as a word of their command, or among their mounts,
/// as every process in a sandbox of the run does.
fn bearers(folder: &Path) -> Vec<String> {
    let name = folder.as_os_str().as_encoded_bytes();
    let holds = |path: String| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(name.len()).any(|window| window == name)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let processes = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let bears = |process: &String| {
        let mut files = ["cmdline", "mountinfo"].iter();
        files.any(|file| holds(format!("/proc/{process}/{file}")))
    };
    processes
        .filter(bears)
        .map(|process| format!("process {process}"))
        .collect()
}
