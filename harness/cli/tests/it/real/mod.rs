//! Jobs as people write them, on a PostgreSQL, with fewer stages than `cargo xtask ci` runs.

mod audit;
mod checks;
mod killed;

use crate::kit::{Project, Ran};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// How often a finding is replayed, with the machine idle and with it busy.
const REPLAYS: u32 = 10;
/// Fewer, for a job that takes a second to start.
const REPLAYS_SLOW: u32 = 3;

/// A few trials of every kind that shows whether runs are kept apart.
const SHORT: &str = "{ stages = [\"serial\", \"sample\"], samples = 4, budget = \"5m\" }";
/// All stages that a pass owes, without random orders.
const OWED: &str = "{ stages = [\"serial\", \"crash\", \"preempt\"], budget = \"8m\" }";

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Copies a target of the repository with both its scenarios, and what they search.
fn project(name: &str, search: &str) -> Project {
    let project = Project::empty();
    let to = project.path();
    copy(
        &root().join("targets").join(name),
        &to.join("targets").join(name),
    );
    for variant in ["broken", "sound"] {
        let file = format!("scenarios/{name}/{variant}.toml");
        let text = fs::read_to_string(root().join(&file)).unwrap();
        let line = text.lines().find(|line| line.starts_with("search"));
        let line = line.expect("every scenario says what is searched");
        project.write(&file, &text.replace(line, &format!("search = {search}")));
    }
    project
}

/// Removes the one line that takes the lock.
fn unlock(project: &Project, file: &str) {
    let path = project.path().join("targets").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let (locks, rest): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.ends_with("# lock"));
    assert_eq!(locks.len(), 1, "{file} has one line with the lock");
    fs::write(&path, rest.join("\n") + "\n").unwrap();
}

fn run(project: &Project, scenario: &str, cells: &str) -> (Ran, Value) {
    let args = [
        "run",
        scenario,
        "--progress",
        "none",
        "--cells",
        cells,
        "--replays",
        "1",
    ];
    let ran = project.run(&args);
    let file = project.path().join("reports/runs/latest/run.json");
    let report = fs::read(file).unwrap_or_else(|_| panic!("{}\n{}", ran.out, ran.err));
    (ran, serde_json::from_slice(&report).unwrap())
}

/// Two threads that compute until they are dropped.
struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let threads = (0..2).map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        });
        let threads = threads.collect();
        Self { over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// Finds the violation of the broken variant, and replays it.
fn finding_replays(name: &str, times: u32) {
    let project = project(name, SHORT);
    let (ran, report) = run(&project, &format!("{name}/broken"), "2");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let finding = &report["scenarios"][0]["findings"][0];
    let id = finding["finding"]["id"].as_str().unwrap();
    let fingerprint = finding["fingerprint"].as_str().unwrap();
    let expect = format!("fingerprint {fingerprint}   {times} of {times}");
    let replay = || {
        let what = format!("{name}/broken/{id}");
        let times = times.to_string();
        let ran = project.run(&["replay", &what, "--times", &times]);
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
        assert!(ran.out.contains(&expect), "{expect}:\n{}", ran.out);
    };
    replay();
    let _load = Load::begin();
    replay();
}

/// All interleavings, where the lock is right: few trials, since orders of one class are one.
#[test]
fn every_interleaving_of_a_job_behind_its_lock_is_tried() {
    let search = "{ stages = [\"exhaustive\"], samples = 40, budget = \"5m\" }";
    let project = project("shell-psql", search);
    let (ran, report) = run(&project, "shell-psql/sound", "2");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(
        report["scenarios"][0]["interleavings"],
        "all interleavings of 2 instances over 23 shared operations (4 classes)"
    );
}

#[test]
fn a_shell_jobs_finding_replays() {
    finding_replays("shell-psql", REPLAYS);
}

#[test]
fn a_python_jobs_finding_replays() {
    finding_replays("python-points", REPLAYS);
}

#[test]
fn pgbenchs_finding_replays() {
    finding_replays("pgbench-tpcb", REPLAYS_SLOW);
}

#[test]
fn alembics_finding_replays() {
    finding_replays("alembic-upgrade", REPLAYS_SLOW);
}

/// The sound variant passes; without the lock it does not.
fn only_the_lock_keeps_it_sound(name: &str, file: &str) {
    let project = project(name, SHORT);
    let scenario = format!("{name}/sound");
    let (ran, _) = run(&project, &scenario, "2");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    unlock(&project, &format!("{name}/{file}"));
    let (ran, report) = run(&project, &scenario, "2");
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    let findings = report["scenarios"][0]["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
}

#[test]
fn only_the_lock_keeps_the_shell_job_sound() {
    only_the_lock_keeps_it_sound("shell-psql", "points.sh");
}

#[test]
fn only_the_lock_keeps_the_python_job_sound() {
    only_the_lock_keeps_it_sound("python-points", "points.py");
}

#[test]
fn only_the_lock_keeps_pgbench_sound() {
    only_the_lock_keeps_it_sound("pgbench-tpcb", "close.py");
}

#[test]
fn only_the_lock_keeps_alembic_sound() {
    only_the_lock_keeps_it_sound("alembic-upgrade", "migrations/env.py");
}

/// Returns the number beside this noun among the counts of the only scenario.
fn count(report: &Value, noun: &str, rest: &str) -> u64 {
    let counts = report["scenarios"][0]["counts"].as_array().unwrap();
    let mut counts = counts.iter();
    let found = counts
        .find(|count| count["noun"] == noun && count["rest"].as_str().unwrap().contains(rest));
    found.unwrap()["number"].as_u64().unwrap()
}

#[test]
fn a_sound_pass_says_what_it_covered() {
    let project = project("shell-psql", OWED);
    let (ran, report) = run(&project, "shell-psql/sound", "2");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert!(count(&report, "hold", "") >= 20);
    assert!(count(&report, "trial", "two instances had a request open") > 0);
    let stages = report["scenarios"][0]["stages"].as_array().unwrap();
    let crash = stages
        .iter()
        .find(|stage| stage["name"] == "crash")
        .unwrap();
    assert_eq!(crash["covered"], crash["of"]);
    assert_eq!(
        crash["of"].as_u64(),
        Some(count(&report, "kill", "took effect"))
    );
}

#[test]
fn the_number_of_cells_changes_nothing() {
    let project = project("shell-psql", SHORT);
    let told = |cells: &str| {
        let (ran, report) = run(&project, "shell-psql/broken", cells);
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
        let scenario = &report["scenarios"][0];
        let findings = scenario["findings"].as_array().unwrap().iter();
        let findings = findings.map(|finding| {
            (
                finding["finding"]["id"].clone(),
                finding["fingerprint"].clone(),
            )
        });
        (scenario["trials"].clone(), findings.collect::<Vec<_>>())
    };
    assert_eq!(told("1"), told("2"));
}
