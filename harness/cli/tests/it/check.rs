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

/// Moments that a recorded clean run does not have are warned of, each with what there is; those
/// that it has are not, and neither are those of a target that has changed since.
#[test]
fn moments_are_held_against_a_recorded_run() {
    let project = Project::new();
    let target = |command: &str| {
        format!(
            "schema = 1\ncommand = [\"sh\", \"-c\", \"{command}\"]\n\
             [service.shared]\nkind = \"files\"\noptions = {{ path = \"/shared\" }}\n"
        )
    };
    project.write(
        "targets/job/target.toml",
        &target("mkdir /shared/a /shared/b"),
    );
    let scenario = "schema = 1\ntitle = \"x\"\ntarget = \"job\"\n\
        [[fault]]\nkind = \"pause\"\nwho = \"job#1\"\n\
        at = 'job#1 shared \"mkdir a\" 1 held'\nuntil = 'job#1 shared \"mkdir\" 3 held'\n\
        [[fault]]\nkind = \"kill\"\nwho = \"job#1\"\nat = 'job#1 shared \"mkdri b\" 1 held'\n";
    project.write("scenarios/moments.toml", scenario);
    assert_eq!(project.run(&["check"]).err, "", "nothing is recorded yet");
    let recorded = project.run(&["record", "job"]);
    assert_eq!(recorded.code, 0, "{}", recorded.text());
    let checked = project.run(&["check"]);
    let run = project.newest_run();
    insta::assert_snapshot!(checked.text().replace(&run, "RUN"));
    project.write("targets/job/target.toml", &target("mkdir /shared/c"));
    assert_eq!(project.run(&["check"]).err, "", "the target has changed");
}

#[test]
fn the_files_of_a_service_are_read() {
    let project = Project::new();
    project.write(
        "targets/job/target.toml",
        "schema = 1\ncommand = [\"true\"]\n\
         [service.pay]\nkind = \"http\"\noptions = { replies = \"replies.toml\" }\n",
    );
    insta::assert_snapshot!("replies_absent", project.run(&["check"]).text());
    project.write(
        "targets/job/replies.toml",
        "[[reply]]\npaht = \"/a\"\nstatus = 99\n",
    );
    insta::assert_snapshot!("replies_wrong", project.run(&["check"]).text());
}

/// Faults that no service of the target, or not this backend, can have: each names those that can.
#[test]
fn faults_must_fit_services_and_backend() {
    let project = Project::new();
    project.write(
        "targets/job/target.toml",
        "schema = 1\ncommand = [\"true\"]\n[service.pg]\nkind = \"postgres\"\n\
         [service.cache]\nkind = \"redis\"\n[service.shared]\nkind = \"files\"\n\
         options = { path = \"/shared\" }\n",
    );
    let unfit = [
        "kind = \"error-reply\"\nwho = \"job#1\"\nlink = \"cache\"\nreply = \"40001\"",
        "kind = \"error-reply\"\nwho = \"job#1\"\nreply = \"503\"",
        "kind = \"error-reply\"\nwho = \"job#1\"\nreply = \"no\"",
        "kind = \"duplicate\"\nwho = \"job#1\"",
        "kind = \"restart\"\nwho = \"shared\"",
        "kind = \"kill\"\nwho = \"pg\"\nsignal = \"TERM\"",
        "kind = \"expire\"\nwho = \"shared\"\nlease = \"x\"",
        "kind = \"latency\"\nwho = \"job#1\"\nlink = \"shared\"\ndelay = \"1ms\"",
    ];
    let faults: Vec<String> = unfit
        .iter()
        .map(|words| format!("[[fault]]\n{words}\n"))
        .collect();
    let head = "schema = 1\ntitle = \"x\"\ntarget = \"job\"\n";
    project.write(
        "scenarios/unfit.toml",
        &(head.to_owned() + &faults.concat()),
    );
    insta::assert_snapshot!("faults_unfit", project.run(&["check"]).text());
    let silent = "[[fault]]\nkind = \"partition\"\nwho = \"job#1\"\nmode = \"silent\"\n";
    project.write("scenarios/unfit.toml", &(head.to_owned() + silent));
    assert_eq!(project.run(&["check"]).code, 0);
    let on_docker = project.run(&["check", "--backend", "docker"]);
    insta::assert_snapshot!("faults_unfit_on_a_backend", on_docker.text());
}
