//! What is wrong with the machine or the files is told with the exit code that says so.

mod links;

use crate::kit::{Project, finish, twiceproof};
use std::process::Command;

const SQL: &str = "
[service.pg]
kind = \"postgres\"
host = \"db\"
seed = [\"seed.sql\"]
options = { database = \"app\", user = \"app\" }
";

fn run(project: &Project) -> crate::kit::Ran {
    project.run(&["run", "--progress", "none"])
}

#[test]
fn a_missing_target_is_told() {
    let project = Project::new();
    std::fs::remove_dir_all(project.path().join("targets/job")).unwrap();
    let ran = run(&project);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("scenarios/twice.toml"), "{}", ran.err);
}

#[test]
fn a_target_that_cannot_be_read_is_told() {
    let project = Project::new();
    let file = project.path().join("targets/job/target.toml");
    std::fs::remove_file(&file).unwrap();
    // A folder in its place: unreadable for root too.
    std::fs::create_dir(&file).unwrap();
    let ran = run(&project);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("targets/job/target.toml"), "{}", ran.err);
}

#[test]
fn seed_sql_that_fails_is_told_with_its_line() {
    let project = Project::new();
    let target = format!("schema = 1\ncommand = [\"true\"]\n{SQL}");
    project.write("targets/job/target.toml", &target);
    project.write(
        "targets/job/seed.sql",
        "create table t (id int);\n\ninsert into nowhere values (1);\n",
    );
    let ran = run(&project);
    assert_eq!(ran.code, 2, "{}\n{}", ran.out, ran.err);
    let all = format!("{}{}", ran.out, ran.err);
    assert!(
        all.contains("seed.sql, line 3") && all.contains("nowhere"),
        "{all}"
    );
}

#[test]
fn a_job_that_does_not_repeat_is_no_baseline() {
    let project = Project::new();
    let script = "schema = 1\ncommand = [\"sh\", \"-c\", '''psql -Xqc \
                  \"create table t_$(cat /proc/sys/kernel/random/uuid | tr - _) (id int)\"''']\n\
                  env = { PGHOST = \"db\", PGUSER = \"app\", PGDATABASE = \"app\" }\n";
    project.write("targets/job/target.toml", &format!("{script}{SQL}"));
    project.write("targets/job/seed.sql", "create table t (id int);\n");
    let ran = run(&project);
    assert_eq!(ran.code, 4, "{}\n{}", ran.out, ran.err);
}

#[test]
fn a_clean_run_that_hangs_is_no_baseline() {
    let project = Project::new();
    let target = "schema = 1\ncommand = [\"sh\", \"-c\", \"while :; do :; done\"]\n\
                  timeout = \"100ms\"\n";
    project.write("targets/job/target.toml", target);
    let ran = run(&project);
    assert_eq!(ran.code, 4, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("hangs"), "{}", ran.out);
}

#[test]
fn an_engine_that_is_absent_is_told() {
    let project = Project::new();
    let target = "schema = 1\ncommand = [\"true\"]\nimage = \"twiceproof/debian:12\"\n";
    project.write("targets/job/target.toml", target);
    let mut command = twiceproof();
    command
        .current_dir(project.path())
        .args(["run", "--backend", "docker", "--progress", "none"])
        .env("DOCKER_HOST", "unix:///nonexistent");
    let ran = finish(command, Some(&project.path()));
    assert_eq!(ran.code, 6, "{}\n{}", ran.out, ran.err);
}

#[test]
fn user_namespaces_that_are_refused_are_told() {
    let project = Project::new();
    // Inside a user namespace of its own an ordinary user can set the limit to none.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-user=1000",
            "--keep-caps",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_twiceproof"))
        .args(["run", "--progress", "none"])
        .current_dir(project.path())
        .env("CI", "true")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{out}\n{err}");
    assert!(
        format!("{out}{err}").contains("max_user_namespaces"),
        "{out}\n{err}"
    );
}
