use crate::kit::{Project, finish, twiceproof};

#[test]
fn sound_files_pass() {
    let ran = Project::new().run(&["check"]);
    insta::assert_snapshot!(ran.text(), @r"
    exit 0
    --- out
    1 target and 1 scenario: no errors
    --- err
    ");
}

#[test]
fn every_error_is_drawn_with_its_place() {
    let project = Project::new();
    project.write(
        "scenarios/a/typo.toml",
        "schema = 1\ntitel = \"x\"\ntarget = \"jobb\"\n",
    );
    project.write("scenarios/a/syntax.toml", "schema = 1\ntitle = \"x\n");
    project.write(
        "targets/other/target.toml",
        "schema = 1\ncommand = [\"x\"]\nworkdir = \"no\"\n",
    );
    let seeded =
        "schema = 1\ncommand = [\"x\"]\n[service.pg]\nkind = \"postgres\"\nseed = [\"no.sql\"]\n";
    project.write("targets/seeded/target.toml", seeded);
    insta::assert_snapshot!(project.run(&["check"]).text());
}

#[test]
fn one_file_can_be_checked() {
    let project = Project::new();
    project.write("scenarios/bad.toml", "schema = 2\n");
    assert_eq!(project.run(&["check", "scenarios/twice.toml"]).code, 0);
    assert_eq!(project.run(&["check", "scenarios/bad.toml"]).code, 2);
    insta::assert_snapshot!(project.run(&["check", "nowhere.toml"]).text());
}

#[test]
fn without_a_project_nothing_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = twiceproof();
    command.current_dir(folder.path()).arg("check");
    let ran = finish(
        command,
        Some(&std::fs::canonicalize(folder.path()).unwrap()),
    );
    insta::assert_snapshot!(ran.text());
}

#[test]
fn the_project_is_found_from_below() {
    let project = Project::new();
    let mut command = twiceproof();
    command
        .current_dir(project.path().join("targets/job"))
        .arg("check");
    assert_eq!(finish(command, None).code, 0);
    let mut command = twiceproof();
    command.arg("-C").arg(project.path()).arg("check");
    assert_eq!(finish(command, None).code, 0);
}
