//! A disk without room below the runs.

use crate::kit::Project;
use std::process::Command;

#[test]
fn a_full_disk_is_an_environment_error() {
    let project = Project::new();
    project.write(
        "targets/job/target.toml",
        "schema = 1\ncommand = [\"true\"]\n",
    );
    let runs = project.path().join("runs");
    std::fs::create_dir(&runs).unwrap();
    let script =
        "mount -t tmpfs -o size=4k,nr_inodes=4 none \"$1\" && exec \"$2\" run --runs-dir \"$1\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(&runs)
        .arg(env!("CARGO_BIN_EXE_twiceproof"))
        .current_dir(project.path())
        .env("CI", "true")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{err}");
    assert!(
        err.contains("No space left on device") && err.contains("make room"),
        "{err}"
    );
    assert!(
        err.contains(runs.to_str().unwrap()),
        "the file is not named: {err}"
    );
}
