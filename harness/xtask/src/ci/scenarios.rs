//! The scenarios of the repository, as a user runs them: every one must end as its file says. Those
//! of the bug bank are a chore of their own, `cargo xtask bank`.

use crate::images::IMAGE_MAP;
use crate::shell::{Failure, finish, root, run, target_folder};
use std::fs;
use std::process::{Command, Stdio};

/// The backends that run them. The same scenarios, the same verdicts.
const BACKENDS: &[&str] = &["local"];

/// The folder of the bug bank.
const BANK: &str = "bank";

/// Builds the program as users have it, checks all files, runs the demo, then every scenario.
pub(super) fn run_all() -> Result<(), Failure> {
    run(&["cargo", "build", "--release", "--locked"])?;
    twiceproof(&["check"])?;
    twiceproof(&["demo"])?;
    let folders = folders()?;
    for backend in BACKENDS {
        let mut words = vec!["run", "--backend", backend, "--progress", "lines"];
        words.extend(folders.iter().map(String::as_str));
        twiceproof(&words)?;
    }
    Ok(())
}

/// Returns the folders of scenarios but for the bank, as filters of names.
fn folders() -> Result<Vec<String>, Failure> {
    let failed = |error| Failure(format!("cannot list the scenarios: {error}"));
    let mut folders = Vec::new();
    for entry in fs::read_dir(root().join("scenarios")).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name != BANK {
            folders.push(format!("{name}/"));
        }
    }
    folders.sort();
    Ok(folders)
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
