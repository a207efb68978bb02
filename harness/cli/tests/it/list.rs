use crate::kit::Project;

#[test]
fn everything_that_can_be_named_is_listed() {
    let project = Project::new();
    project.write("scenarios/broken.toml", "no toml");
    let kinds = [
        "scenarios",
        "targets",
        "services",
        "stages",
        "triggers",
        "backends",
        "protocols",
        "oracles",
        "faults",
        "formats",
        "runs",
        "findings",
    ];
    let mut text = String::new();
    for kind in kinds {
        let ran = project.run(&["list", kind]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        text.push_str(&format!("$ twiceproof list {kind}\n{}\n", ran.out));
    }
    insta::assert_snapshot!(text);
    let json = project.run(&["list", "stages", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["name"], "serial");
}

#[test]
fn a_run_without_scenarios_says_so() {
    let project = Project::new();
    insta::assert_snapshot!(project.run(&["run", "nosuch"]).text());
    assert_eq!(project.run(&["run", "nosuch", "--allow-empty"]).code, 0);
    assert_eq!(project.run(&["run", "--tag", "nosuch"]).code, 5);
    assert!(!project.path().join("reports").exists());
}

#[test]
fn a_dry_run_prints_the_plan_and_starts_nothing() {
    let project = Project::new();
    insta::assert_snapshot!(project.run(&["run", "--dry-run", "--cells", "2"]).text());
    assert!(!project.path().join("reports").exists());
}

#[test]
fn unknown_findings_and_targets_are_usage_errors() {
    let project = Project::new();
    insta::assert_snapshot!(project.run(&["replay", "twice/00000000"]).text());
    insta::assert_snapshot!(project.run(&["record", "nosuch"]).text());
}
