//! `cargo xtask jobs`: the compiled targets, where their `target.toml` looks for them.
//! Those in Rust are static.

use crate::Task;
use crate::shell::{Failure, command, finish, root, target_folder};
use std::fs;
use std::path::PathBuf;

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "jobs",
    doc: "build the compiled targets into targets/*/bin",
    run: build,
};

/// The one machine that sandboxes are built for.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Compiled targets: package, and the target that runs it.
const JOBS: &[(&str, &str)] = &[
    ("ledger-job", "ledger-job"),
    ("points-job", "points-demo"),
    ("points-pg-job", "points-pg"),
];

/// Targets in Java: the target, and its one source file below `src`.
const CLASSES: &[(&str, &str)] = &[("check-then-insert", "Payout.java")];

/// What their sources need beside the JDK, where Debian has it.
const CLASS_PATH: &str = "/usr/share/java/HikariCP.jar";

/// Builds all of them.
fn build() -> Result<(), Failure> {
    static_jobs()?;
    for (target, source) in CLASSES {
        let folder = root().join("targets").join(target);
        let mut javac = command(&["javac", "--release", "11", "-cp", CLASS_PATH]);
        javac.arg("-d").arg(folder.join("bin"));
        javac.arg(folder.join("src").join(source));
        finish(&mut javac, &format!("javac of {target}"))?;
    }
    Ok(())
}

/// Builds those in Rust.
fn static_jobs() -> Result<(), Failure> {
    let folder = target_folder().join("static");
    let mut cargo = command(&[
        "cargo",
        "build",
        "--release",
        "--locked",
        "--target",
        TRIPLE,
    ]);
    for (package, _) in JOBS {
        cargo.args(["--package", package]);
    }
    cargo.arg("--target-dir").arg(&folder);
    // `crt-static` alone: flags of the outer build may not suit it.
    cargo.env(
        "RUSTFLAGS",
        "-C target-feature=+crt-static -C strip=symbols",
    );
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
    finish(&mut cargo, "cargo build of the compiled targets")?;
    for ((package, _), installed) in JOBS.iter().zip(paths()) {
        let built = folder.join(TRIPLE).join("release").join(package);
        let failed = |error| Failure(format!("cannot install {}: {error}", installed.display()));
        // A rename, since the old file may be running.
        let fresh = installed.with_extension("new");
        fs::create_dir_all(installed.parent().expect("it lies in a folder")).map_err(failed)?;
        fs::copy(built, &fresh).map_err(failed)?;
        fs::rename(&fresh, &installed).map_err(failed)?;
    }
    Ok(())
}

/// Returns where they are installed.
pub(crate) fn paths() -> impl Iterator<Item = PathBuf> {
    let path = |(package, target): &(&str, &str)| {
        root()
            .join("targets")
            .join(target)
            .join("bin")
            .join(package)
    };
    JOBS.iter().map(path)
}
