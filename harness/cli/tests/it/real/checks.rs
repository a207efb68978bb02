//! Queries of a scenario, asked of a PostgreSQL after every trial.

use super::{copy, root, run};
use crate::kit::{Project, Ran};
use serde_json::Value;
use std::fs;

/// Returns a project with one scenario of the repository and its target, after a change to its
/// text.
fn project(scenario: &str, change: impl Fn(&str) -> String) -> Project {
    let project = Project::empty();
    let (name, _) = scenario.split_once('/').unwrap();
    let target = format!("targets/{name}");
    copy(&root().join(&target), &project.path().join(&target));
    let file = format!("scenarios/{scenario}.toml");
    let text = fs::read_to_string(root().join(&file)).unwrap();
    project.write(&file, &change(&text));
    project
}

fn ran(scenario: &str, change: impl Fn(&str) -> String) -> (Ran, Value) {
    let project = project(scenario, change);
    run(&project, scenario, "2")
}

#[test]
fn a_broken_invariant_is_found_with_its_rows() {
    let (ran, report) = ran("shell-psql/granted-once-broken", str::to_owned);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let findings = report["scenarios"][0]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let finding = &findings[0]["finding"];
    assert_eq!(finding["code"], "TP-V02");
    assert_eq!(finding["objects"][0], "pg/public.ledger");
    let row = finding["differences"][0]["row"].as_str().unwrap();
    assert!(row.contains("day=2026-11-22, granted=15100"), "{row}");
    assert_eq!(findings[0]["replayed"], findings[0]["replays"]);
}

#[test]
fn the_sound_twin_holds_its_invariants() {
    let short = |text: &str| {
        text.replace("\"crash\", ", "")
            .replace("samples = 10", "samples = 4")
    };
    let (ran, _) = ran("shell-psql/granted-once-sound", short);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
}

/// Returns what a person reads of a run that came to no trial.
fn ended(scenario: &str, from: &str, to: &str, code: i32) -> String {
    let (ran, report) = ran(scenario, |text| {
        assert!(text.contains(from), "{text}");
        text.replace(from, to)
    });
    assert_eq!(ran.code, code, "{}\n{}", ran.out, ran.err);
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["trials"], 0);
    let reason = scenario["reasons"][0]["text"].as_str().unwrap();
    format!("{reason}\nhelp: {}\n", scenario["hint"].as_str().unwrap())
}

#[test]
fn a_wrong_query_is_told_with_the_servers_words() {
    insta::assert_snapshot!(ended(
        "shell-psql/granted-once-sound",
        "group by day having",
        "group by dya having",
        2,
    ));
}

#[test]
fn a_clean_run_that_breaks_an_invariant_is_no_baseline() {
    insta::assert_snapshot!(ended("shell-psql/granted-once-sound", "> 7550", "> 0", 4));
}

#[test]
fn a_forbidden_change_is_found_though_it_does_not_last() {
    let (ran, report) = ran("status-no-guard/transitions-broken", str::to_owned);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let findings = report["scenarios"][0]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let finding = &findings[0]["finding"];
    assert_eq!(finding["code"], "TP-V03");
    assert_eq!(finding["differences"][0]["found"], "shipped → packed");
    assert_eq!(findings[0]["replayed"], findings[0]["replays"]);
}

#[test]
fn the_guarded_twin_changes_one_way_only() {
    let short = |text: &str| text.replace("samples = 10", "samples = 4");
    let (ran, _) = ran("status-no-guard/transitions-sound", short);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
}

#[test]
fn a_clean_run_that_makes_a_forbidden_change_is_no_baseline() {
    insta::assert_snapshot!(ended(
        "status-no-guard/transitions-sound",
        ", [\"packed\", \"shipped\"]",
        "",
        4,
    ));
}
