//! Programs that chores run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a chore ended early.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.ancestors().nth(2);
    root.expect("the crate lies two folders below the root")
        .to_owned()
}

/// Returns the folder that builds write to.
pub(crate) fn target_folder() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Returns a command that runs in the root of the workspace and has no input.
pub(crate) fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().expect("a command has a program");
    let program = match *program {
        "cargo" => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        other => other.into(),
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

/// Runs a command whose output goes where ours goes.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    println!("+ {}", words.join(" "));
    finish(&mut command(words), words[0])
}

/// Runs a prepared command; `name` stands for it in errors.
pub(crate) fn finish(command: &mut Command, name: &str) -> Result<(), Failure> {
    let status = command.status();
    let status = status.map_err(|error| Failure(format!("cannot run {name}: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure(format!("{name} ended with {status}")))
}

/// Returns what a command prints, if it succeeds.
pub(crate) fn read(words: &[&str]) -> Option<String> {
    let output = command(words).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
