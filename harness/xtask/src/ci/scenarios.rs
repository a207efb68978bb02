//! The scenarios of the repository, as a user runs them: every one must end as its file says.

use crate::images::IMAGE_MAP;
use crate::shell::{Failure, finish, root, run, target_folder};
use std::process::{Command, Stdio};

/// The backends that run them. The same scenarios, the same verdicts.
const BACKENDS: &[&str] = &["local"];

/// Builds the program as users have it, checks all files, runs the demo, then every scenario.
pub(super) fn run_all() -> Result<(), Failure> {
    run(&["cargo", "build", "--release", "--locked"])?;
    twiceproof(&["check"])?;
    twiceproof(&["demo"])?;
    for backend in BACKENDS {
        twiceproof(&["run", "--backend", backend, "--progress", "lines"])?;
    }
    Ok(())
}

/// Runs the program; its runs are stored beside the build.
fn twiceproof(arguments: &[&str]) -> Result<(), Failure> {
    println!("+ twiceproof {}", arguments.join(" "));
    let program = target_folder().join("release").join("twiceproof");
    let mut twiceproof = Command::new(program);
    twiceproof
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    twiceproof
        .env("CI", "true")
        .env("TWICEPROOF_IMAGE_MAP", IMAGE_MAP);
    twiceproof.env("TWICEPROOF_RUNS_DIR", target_folder().join("runs"));
    finish(&mut twiceproof, &format!("twiceproof {}", arguments[0]))
}
