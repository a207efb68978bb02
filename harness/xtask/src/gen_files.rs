//! `cargo xtask gen`: the files that are derived from the registries, written anew.

use crate::Task;
use crate::shell::{Failure, command, root};
use std::fs;
use std::process::Stdio;

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "gen",
    doc: "write the schemas and the reference of files anew",
    run: generate,
};

/// What `twiceproof schema` prints, and where it is committed.
const FILES: &[(&str, &str)] = &[
    ("target", "targets/target.v1.json"),
    ("scenario", "scenarios/scenario.v1.json"),
    ("reference", "docs/reference/files.md"),
];

/// Writes all of them.
fn generate() -> Result<(), Failure> {
    for (kind, file) in FILES {
        let mut cargo = command(&[
            "cargo",
            "run",
            "--quiet",
            "--locked",
            "--package",
            "twiceproof",
        ]);
        cargo.args(["--", "schema", kind]).stderr(Stdio::inherit());
        let output = cargo.output();
        let output = output.map_err(|error| Failure(format!("cannot run twiceproof: {error}")))?;
        if !output.status.success() {
            return Err(Failure(format!(
                "schema {kind} ended with {}",
                output.status
            )));
        }
        fs::write(root().join(file), output.stdout)
            .map_err(|error| Failure(format!("cannot write {file}: {error}")))?;
    }
    Ok(())
}
