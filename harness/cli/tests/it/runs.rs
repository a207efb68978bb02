//! Whole runs on the local backend, over a job that needs no server: the demo's.

use crate::kit::{Project, finish, twiceproof};
use std::fs;
use std::sync::OnceLock;

/// One run of the broken variant, shared by the tests that look at it.
fn broken() -> &'static (Project, crate::kit::Ran) {
    static BROKEN: OnceLock<(Project, crate::kit::Ran)> = OnceLock::new();
    BROKEN.get_or_init(|| {
        let project = Project::demo();
        let ran = project.run(&["run", "points-broken", "--progress", "lines"]);
        (project, ran)
    })
}

#[test]
fn the_demo_ends_as_expected() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = twiceproof();
    command
        .current_dir(folder.path())
        .arg("demo")
        .arg("--runs-dir")
        .arg(folder.path());
    let ran = finish(command, None);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    for word in [
        "FOUND  demo/points-broken",
        "PASS  demo/points-fixed",
        "job#2 step",
        "twiceproof schedule 1",
    ] {
        assert!(ran.out.contains(word), "{word} is missing:\n{}", ran.out);
    }
}

#[test]
fn a_finding_is_stored_and_replays() {
    let (project, ran) = broken();
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let latest = project.path().join("reports/runs/latest");
    let run: serde_json::Value =
        serde_json::from_slice(&fs::read(latest.join("run.json")).unwrap()).unwrap();
    let finding = &run["scenarios"][0]["findings"][0];
    let id = finding["finding"]["id"].as_str().unwrap();
    let folder = latest.join("demo/points-broken").join(id);
    for name in ["finding.schedule", "failure.md", "diff.json"] {
        assert!(folder.join(name).is_file(), "{name} is missing");
    }
    let replayed = project.run(&[
        "replay",
        &format!("demo/points-broken/{id}"),
        "--times",
        "3",
    ]);
    assert_eq!(replayed.code, 0, "{}\n{}", replayed.out, replayed.err);
    let fingerprint = finding["fingerprint"].as_str().unwrap();
    let line = format!("fingerprint {fingerprint}   3 of 3");
    assert!(replayed.out.contains(&line), "{}", replayed.out);
    assert!(replayed.out.contains(id), "{}", replayed.out);
}

#[test]
fn events_are_a_closed_list_in_order() {
    let (project, _) = broken();
    let run = fs::read_dir(project.path().join("reports/runs")).unwrap();
    let first = run
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.is_symlink())
        .min()
        .unwrap();
    let text = fs::read_to_string(first.join("events.ndjson")).unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let name = |event: &serde_json::Value| event["event"].as_str().unwrap().to_owned();
    assert_eq!(name(&events[0]), "run-start");
    assert_eq!(name(events.last().unwrap()), "run-end");
    for (seq, event) in (1..).zip(&events) {
        assert_eq!(event["seq"], seq);
        assert!(twiceproof_report::json::EVENTS.contains(&&*name(event)));
    }
}

#[test]
fn a_command_that_is_not_there_is_the_users_error() {
    let project = Project::new();
    project.write(
        "targets/job/target.toml",
        "schema = 1\ncommand = [\"nosuchprogram\"]\n",
    );
    let ran = project.run(&["run", "--progress", "none"]);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("nosuchprogram"), "{}", ran.out);
}

#[test]
fn a_clean_run_that_fails_is_no_baseline() {
    let project = Project::new();
    let target = "schema = 1\ncommand = [\"sh\", \"-c\", \"echo last words; exit 7\"]\n";
    project.write("targets/job/target.toml", target);
    let ran = project.run(&["run", "--progress", "none"]);
    assert_eq!(ran.code, 4, "{}\n{}", ran.out, ran.err);
    assert!(
        ran.out.contains("exit code 7") && ran.out.contains("last words"),
        "{}",
        ran.out
    );
}

#[test]
fn without_a_budget_nothing_is_claimed() {
    let project = Project::demo();
    let ran = project.run(&[
        "run",
        "points-fixed",
        "--budget",
        "0s",
        "--progress",
        "none",
    ]);
    assert_eq!(ran.code, 3, "{}\n{}", ran.out, ran.err);
    assert!(
        ran.out.contains("TP-I01 the budget cut short: serial,"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("Claim"), "{}", ran.out);
}
