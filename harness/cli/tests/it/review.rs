//! What runs propose and find, accepted into the files or taken out of them.

use crate::kit::{CRASH, Project};

/// The demo's job under a scenario that expects a pass, run once.
fn project() -> Project {
    let project = Project::demo();
    project.write(
        "scenarios/nightly.toml",
        &format!(
            "# the nightly grant\nschema = 1\ntitle = \"points are granted once\" # at most\n\
         target = \"points-demo\"\nargs = [\"--guard\", \"check\"]\n{CRASH}"
        ),
    );
    let ran = project.run(&[
        "run",
        "nightly",
        "--progress",
        "none",
        "--regressions",
        "skip",
    ]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    project
}

fn id_of(project: &Project, kind: &str) -> Option<String> {
    let list = project.run(&["review", "--format", "json"]).out;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let mut entries = list.as_array().unwrap().iter();
    let found = entries.find(|entry| entry["kind"] == kind)?;
    Some(found["id"].as_str().unwrap().to_owned())
}

#[test]
fn a_finding_is_accepted_with_a_date_and_taken_back() {
    let project = project();
    let before = project.read("scenarios/nightly.toml");
    let id = id_of(&project, "finding").unwrap();
    let bare = project.run(&["review", "--accept", &id]);
    assert_eq!(bare.code, 2);
    insta::assert_snapshot!(bare.err.replace(&id, "[ID]"));
    let accept = [
        "review",
        "--accept",
        &id,
        "--until",
        "2999-12-31",
        "--ticket",
        "OPS-12",
        "--reason",
        "the job is replaced",
    ];
    let ci = project.run_with(&accept, &[("CI", "true")]);
    assert_eq!(ci.code, 2);
    assert_eq!(project.read("scenarios/nightly.toml"), before);
    let ran = project.run(&accept);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let after = project.read("scenarios/nightly.toml");
    insta::assert_snapshot!(after.replace(&id, "[ID]"));
    let listed = project.run(&["review"]).out;
    assert!(
        listed.contains("known until 2999-12-31, OPS-12"),
        "{listed}"
    );
    let ran = project.run(&["review", "--reject", &format!("nightly/{id}")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(project.read("scenarios/nightly.toml"), before);
    assert_eq!(project.run(&["review", "--reject", &id]).code, 2);
}

#[test]
fn what_is_not_there_is_a_usage_error() {
    let project = Project::new();
    insta::assert_snapshot!(project.run(&["review"]).text());
    insta::assert_snapshot!(project.run(&["review", "--accept", "00000000"]).text());
    insta::assert_snapshot!(project.run(&["review", "--list", "--reject", "1"]).text());
    insta::assert_snapshot!(
        project
            .run(&["review", "--accept", "1", "--until", "soon"])
            .text()
    );
}
