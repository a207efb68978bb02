//! Signals: partial results are kept and marked.

use crate::kit::Project;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[test]
fn an_interrupted_run_keeps_what_it_has() {
    let project = Project::new();
    // Every clean run ends at once; trials are many, so that the signal comes in between.
    let target = "schema = 1\ncommand = [\"sh\", \"-c\", \"sleep 1\"]\n";
    project.write("targets/job/target.toml", target);
    let mut child = Command::new(env!("CARGO_BIN_EXE_twiceproof"))
        .args(["run", "--progress", "lines", "--cells", "1"])
        .current_dir(project.path())
        .env("CI", "true")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let begun = lines.any(|line| line.unwrap().contains("seed 1"));
    assert!(begun);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:#?}");
    let run = fs::read(project.path().join("reports/runs/latest/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    assert_eq!(run["interrupted"], "SIGINT");
    assert_eq!(run["exit"], 130);
}
