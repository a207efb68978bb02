//! `cargo xtask soak`: proofs that take longer than a check may: findings replayed a hundred times,
//! quiet and under load, and the harness killed at a hundred random times.

mod kills;
mod load;
mod replays;

use crate::images::IMAGE_MAP;
use crate::shell::{Failure, finish, root, run, target_folder};
use crate::{Task, images, jobs};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "soak",
    doc: "replay findings 100 times, kill the harness at 100 random times",
    run: soak,
};

const USAGE: &str =
    "usage: cargo xtask soak [replays|kills] [--backend local|docker] [--count N] [--only TEXT]";

/// What was asked.
struct Asked {
    /// Names of the proofs; empty: all.
    proofs: Vec<String>,
    /// The backend that scenarios run on.
    backend: String,
    /// How many replays of a finding, or kills.
    count: u32,
    /// A part of the names of the scenarios that are replayed.
    only: String,
}

fn soak() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let asked = asked(&words).ok_or_else(|| Failure(USAGE.to_owned()))?;
    (jobs::TASK.run)()?;
    if asked.backend == "docker" {
        (images::TASK.run)()?;
    }
    run(&["cargo", "build", "--release", "--locked"])?;
    let wants = |name: &str| asked.proofs.is_empty() || asked.proofs.iter().any(|one| one == name);
    if wants("replays") {
        replays::prove(&asked)?;
    }
    if wants("kills") {
        kills::prove(&asked)?;
    }
    Ok(())
}

fn asked(words: &[String]) -> Option<Asked> {
    let mut asked = Asked {
        proofs: Vec::new(),
        backend: "local".to_owned(),
        count: 100,
        only: String::new(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "replays" | "kills" => asked.proofs.push(word.clone()),
            "--backend" => asked.backend = words.next()?.clone(),
            "--count" => asked.count = words.next()?.parse().ok().filter(|count| *count > 0)?,
            "--only" => asked.only = words.next()?.clone(),
            _ => return None,
        }
    }
    Some(asked)
}

/// Returns the program as users have it, told to keep its runs in this folder.
fn twiceproof(runs: &Path) -> Command {
    let mut twiceproof = Command::new(target_folder().join("release").join("twiceproof"));
    twiceproof.current_dir(root()).stdin(Stdio::null());
    twiceproof
        .env("CI", "true")
        .env("TWICEPROOF_IMAGE_MAP", IMAGE_MAP)
        .env("TWICEPROOF_RUNS_DIR", runs);
    twiceproof
}

/// Returns a folder of this proof, empty.
fn fresh_folder(name: &str) -> Result<PathBuf, Failure> {
    let folder = target_folder().join("soak").join(name);
    let failed = |error| Failure(format!("cannot make {}: {error}", folder.display()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    Ok(folder)
}

/// Makes sure that a scenario ends as its file says.
fn ends_as_expected(twiceproof: &mut Command, scenario: &str) -> Result<(), Failure> {
    twiceproof.stdout(Stdio::null()).stderr(Stdio::null());
    finish(twiceproof, &format!("twiceproof run {scenario}"))
}
