//! `cargo xtask ci`: installs what is missing, builds what is needed, runs every check and test.
//!
//! Nothing is skipped: what is missing and cannot be had fails.

mod engine;
mod packages;
mod scenarios;

use crate::shell::{Failure, command, finish, run, target_folder};
use crate::{Task, gen_files, images};
use std::time::Instant;

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "ci",
    doc: "install what is missing, build the images, run every check and test",
    run: check_all,
};

/// What is installed where it is missing. Pinned, so that a new lint breaks nobody's build.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

/// One part of the whole, timed by itself.
struct Stage {
    name: &'static str,
    run: fn() -> Result<(), Failure>,
}

/// Everything but packages and engine, in order. Cheap checks come first.
const STAGES: &[Stage] = &[
    Stage {
        name: "format",
        run: || run(&["cargo", "fmt", "--all", "--check"]),
    },
    Stage {
        name: "clippy",
        run: clippy,
    },
    Stage {
        name: "docs",
        run: docs,
    },
    Stage {
        name: "licences",
        run: licences,
    },
    Stage {
        name: "images",
        run: images::TASK.run,
    },
    Stage {
        name: "tests",
        run: tests,
    },
    Stage {
        name: "scenarios",
        run: scenarios::run_all,
    },
    Stage {
        name: "generated",
        run: generated,
    },
];

/// Runs the stages, and stops at the first that fails.
fn check_all() -> Result<(), Failure> {
    let start = Instant::now();
    timed("packages", packages::install)?;
    let engine = timed("engine", engine::ensure)?;
    for stage in STAGES {
        timed(stage.name, stage.run)?;
    }
    drop(engine);
    println!("ci: every stage passed, {} s", start.elapsed().as_secs());
    Ok(())
}

/// Runs one stage, and prints how long it took.
fn timed<T>(name: &str, stage: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("\n== {name}");
    let start = Instant::now();
    let result = stage();
    let seconds = start.elapsed().as_secs_f64();
    let word = if result.is_ok() { "passed" } else { "FAILED" };
    println!("== {name} {word}, {seconds:.1} s");
    result.map_err(|failure| Failure(format!("stage {name}: {failure}")))
}

fn clippy() -> Result<(), Failure> {
    run(&[
        "cargo",
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

fn docs() -> Result<(), Failure> {
    let mut cargo = command(&["cargo", "doc", "--locked", "--workspace", "--no-deps"]);
    // Private items are the reader's too: the crates are no library for others.
    cargo
        .args(["--document-private-items", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings");
    finish(&mut cargo, "cargo doc")
}

/// Holds dependencies to `.ci/deny.toml`.
fn licences() -> Result<(), Failure> {
    let tools = target_folder().join("tools");
    let deny = tools.join("bin").join("cargo-deny");
    if !deny.exists() {
        let mut cargo = command(&["cargo", "install", "--locked", "--quiet", "--root"]);
        cargo
            .arg(&tools)
            .arg(CARGO_DENY)
            .env("CARGO_TARGET_DIR", tools.join("build"));
        finish(&mut cargo, "cargo install of cargo-deny")?;
    }
    let mut cargo = command(&["cargo", "deny", "--workspace", "--config", ".ci/deny.toml"]);
    cargo.args(["check", "bans", "licenses", "sources"]);
    let path = std::env::var("PATH").unwrap_or_default();
    cargo.env("PATH", format!("{}:{path}", tools.join("bin").display()));
    finish(&mut cargo, "cargo deny")
}

/// Unit tests, properties, snapshots, conformance. Of what users run: so nothing is built twice, as
/// the demo and the scenarios need it too.
fn tests() -> Result<(), Failure> {
    let mut cargo = command(&["cargo", "test", "--locked", "--release", "--workspace"]);
    cargo
        .env("INSTA_UPDATE", "no")
        .env("TWICEPROOF_IMAGE_MAP", images::IMAGE_MAP);
    finish(&mut cargo, "cargo test")
}

/// What the stages before wrote over must be what was committed.
fn generated() -> Result<(), Failure> {
    (gen_files::TASK.run)()?;
    run(&["git", "diff", "--exit-code"])
}
