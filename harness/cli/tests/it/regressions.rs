//! Schedules of findings that a run keeps and later runs replay first.

use crate::kit::{CRASH, Project, Ran};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

const FOLDER: &str = "scenarios/regressions/points/nightly";

/// A scenario that expects no violation of the demo's job, with this guard.
fn scenario(args: &str) -> String {
    format!(
        "schema = 1\ntitle = \"points are granted once\"\ntarget = \"points-demo\"\n\
         args = {args}\n{CRASH}"
    )
}

const BROKEN: &str = "[\"--guard\", \"check\"]";
const FIXED: &str = "[\"--guard\", \"flock\", \"--idempotent\"]";

fn project() -> Project {
    let project = Project::demo();
    project.write("scenarios/points/nightly.toml", &scenario(BROKEN));
    project
}

fn run(project: &Project, more: &[&str]) -> Ran {
    let mut args = vec!["run", "points/nightly", "--progress", "lines"];
    args.extend(more);
    project.run(&args)
}

/// Returns the kept files, in order of their names.
fn kept(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.path().join(FOLDER));
    let entries = entries.into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A project after a run that found something, copied for each test that goes on from there.
fn found() -> Project {
    static FOUND: OnceLock<(String, Vec<(String, String)>)> = OnceLock::new();
    let (_, files) = FOUND.get_or_init(|| {
        let project = project();
        let ran = run(&project, &[]);
        assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
        let files = kept(&project).into_iter().map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        });
        (ran.out, files.collect())
    });
    assert!(!files.is_empty());
    let project = project();
    for (name, text) in files {
        project.write(&format!("{FOLDER}/{name}"), text);
    }
    project
}

fn ends(report: &Value) -> Vec<String> {
    let ends = report["scenarios"][0]["regressions"].as_array().unwrap();
    let ends = ends.iter().map(|one| one["end"].as_str().unwrap());
    ends.map(str::to_owned).collect()
}

/// Returns the lines about regressions, with `[ID]` for their findings.
fn lines(project: &Project, ran: &Ran) -> String {
    let lines = ran.err.lines().chain(ran.out.lines());
    let is_about = |line: &&str| {
        line.trim_start().to_lowercase().starts_with("regression")
            || line.contains("as regressions")
            || line.contains(".schedule ")
    };
    let about = lines.filter(is_about);
    let mut text = about.collect::<Vec<_>>().join("\n");
    for path in kept(project) {
        text = text.replace(path.file_stem().unwrap().to_str().unwrap(), "[ID]");
    }
    text
}

#[test]
fn what_was_found_is_kept_and_fails_again() {
    let project = found();
    let names: Vec<String> = kept(&project)
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let before: Vec<String> = kept(&project)
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let ran = run(&project, &[]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    let report = project.report();
    assert!(ends(&report).iter().all(|end| end == "still-fails"));
    assert_eq!(ends(&report).len(), names.len());
    let findings = report["scenarios"][0]["findings"].as_array().unwrap();
    for name in &names {
        let same = findings
            .iter()
            .filter(|found| found["finding"]["id"] == name.as_str());
        assert_eq!(same.count(), 1, "{name} is found once");
    }
    let after: Vec<String> = kept(&project)
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(before, after[..before.len()], "a kept schedule stays");
    insta::assert_snapshot!(lines(&project, &ran));
    let events = project.read("reports/runs/latest/events.ndjson");
    let ended = events
        .lines()
        .filter(|line| line.contains("\"regression-end\""));
    assert_eq!(ended.count(), names.len());
}

#[test]
fn a_fixed_job_passes_and_says_so() {
    let project = found();
    project.write("scenarios/points/nightly.toml", &scenario(FIXED));
    let ran = run(&project, &[]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    insta::assert_snapshot!(lines(&project, &ran));
    let told = ends(&project.report());
    let is_told = |end: &String| end == "no-longer-fails" || end == "diverged";
    assert!(told.iter().all(is_told), "{told:?}");
}

#[test]
fn alone_they_are_quick_and_owe_an_answer() {
    let project = found();
    let ran = run(&project, &["--regressions", "only"]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    let stages = &project.report()["scenarios"][0]["stages"];
    assert_eq!(stages.as_array().unwrap().len(), 1, "{stages}");
    project.write("scenarios/points/nightly.toml", &scenario(FIXED));
    let ran = run(&project, &["--regressions", "only"]);
    let diverged = ends(&project.report()).contains(&"diverged".to_owned());
    assert_eq!(ran.code, if diverged { 3 } else { 0 }, "{}", ran.out);
    insta::assert_snapshot!(lines(&project, &ran));
}

#[test]
fn without_any_nothing_is_selected() {
    let project = project();
    let ran = project.run(&["run", "--regressions", "only"]);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn nothing_is_kept_where_it_must_not_be() {
    let project = project();
    let args = ["run", "points/nightly", "--progress", "lines"];
    let ran = project.run_with(&args, &[("CI", "true")]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert!(kept(&project).is_empty());
    insta::assert_snapshot!(lines(&project, &ran));
    let ran = run(&project, &["--regressions", "skip"]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert!(kept(&project).is_empty());
    let lesson = scenario(BROKEN).replace("search", "expect = \"violation\"\nsearch");
    project.write("scenarios/points/nightly.toml", &lesson);
    let ran = run(&project, &[]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert!(kept(&project).is_empty());
}

#[test]
fn a_damaged_file_is_told_and_loses_nothing_else() {
    let project = Project::demo();
    project.write("scenarios/points/nightly.toml", &scenario(FIXED));
    let head = "twiceproof schedule 1\nseed  1\ntarget points-demo 00000000\n";
    let files = [
        (
            "00000001",
            format!("{head}run   job#1 to exit\nrun   job#2 to ex"),
        ),
        (
            "00000002",
            format!("{head}run   job#1 to exit\nstop  job#2\n"),
        ),
        ("00000003", "twiceproof schedule 9\nseed  1\n".to_owned()),
        (
            "00000004",
            "twiceproof schedule 1\nseed  1\ntarget other-job 00000000\nrun   job#1 to exit\n"
                .to_owned(),
        ),
        (
            "00000005",
            format!("{head}fault partition job#1 link=pg mode=hold\n"),
        ),
        (
            "00000006",
            format!("{head}run   job#1 to exit\nrun   job#2 to exit\n"),
        ),
    ];
    for (name, text) in &files {
        project.write(&format!("{FOLDER}/{name}.schedule"), text);
    }
    let ran = run(&project, &[]);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    let told = ends(&project.report());
    let (last, broken) = told.split_last().unwrap();
    assert_eq!(last, "no-longer-fails");
    assert!(broken.iter().all(|end| end == "has-an-error"), "{told:?}");
    let told = ran.err.lines().filter(|line| !line.contains("elapsed"));
    let told: Vec<&str> = told.skip_while(|line| !line.starts_with("TP-S")).collect();
    let end = told.iter().position(|line| line.contains("baseline"));
    insta::assert_snapshot!(told[..end.unwrap()].join("\n"));
    insta::assert_snapshot!(project.run(&["check"]).text());
}

#[test]
fn a_kept_schedule_replays_by_its_file_and_by_its_name() {
    let project = found();
    let file = kept(&project).remove(0);
    let id = file.file_stem().unwrap().to_str().unwrap();
    for what in [
        format!("{FOLDER}/{id}.schedule"),
        format!("points/nightly/{id}"),
        id.to_owned(),
    ] {
        let ran = project.run(&["replay", &what]);
        assert_eq!(ran.code, 1, "{what}: {}\n{}", ran.out, ran.err);
        assert!(ran.out.contains(id), "{}", ran.out);
    }
}

#[test]
fn a_kept_schedule_is_made_smaller_or_told_to_be_gone() {
    let project = found();
    let file = kept(&project).remove(0);
    let id = file.file_stem().unwrap().to_str().unwrap();
    let what = format!("points/nightly/{id}");
    let before = fs::read_to_string(&file).unwrap();
    let shrink = ["shrink", &what, "--tries", "12"];
    let ran = project.run(&shrink);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let after = fs::read_to_string(&file).unwrap();
    assert!(after.lines().count() <= before.lines().count(), "{after}");
    let last = ran.out.lines().last().unwrap();
    let is_told = last.starts_with("smaller than before") || last.starts_with("no smaller");
    assert!(is_told, "{last}");
    project.write("scenarios/points/nightly.toml", &scenario(FIXED));
    let ran = project.run(&shrink);
    assert_eq!(ran.code, 3, "{}\n{}", ran.out, ran.err);
    let last = ran.out.lines().last().unwrap();
    assert_eq!(last, format!("finding {id} did not show again"));
    let bare = "twiceproof schedule 1\nseed  1\nrun   job#1 to exit\n";
    project.write("bare.schedule", bare);
    let ran = project.run(&["shrink", "bare.schedule", "--scenario", "points/nightly"]);
    insta::assert_snapshot!(ran.text());
}
