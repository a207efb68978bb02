//! Chores of the repository: `cargo xtask ci`, `cargo xtask images`, ...
//!
//! A chore is one file and one line in [`TASKS`].

mod bank;
mod bench;
mod ci;
mod gen_files;
mod images;
mod jobs;
mod shell;
mod soak;

use shell::Failure;
use std::process::ExitCode;

/// A chore.
struct Task {
    /// What follows `cargo xtask`.
    name: &'static str,
    /// One line: what it does.
    doc: &'static str,
    /// Does it.
    run: fn() -> Result<(), Failure>,
}

/// Every chore, in the order in which the help lists them.
const TASKS: &[Task] = &[
    bank::TASK,
    bench::TASK,
    ci::TASK,
    gen_files::TASK,
    images::TASK,
    jobs::TASK,
    soak::TASK,
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("usage: cargo xtask TASK");
        for task in TASKS {
            eprintln!("  {:8} {}", task.name, task.doc);
        }
        return ExitCode::from(2);
    };
    match (task.run)() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cargo xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
