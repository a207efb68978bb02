//! A project in a folder of its own, and the binary started in it.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A project, gone with the test.
pub(crate) struct Project {
    folder: TempDir,
}

/// What a command gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Returns exit code, output and errors as one text, for snapshots.
    pub(crate) fn text(&self) -> String {
        format!(
            "exit {}\n--- out\n{}--- err\n{}",
            self.code, self.out, self.err
        )
    }
}

/// Variables that would change what is seen.
const VARIABLES: &[&str] = &[
    "CI",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "TWICEPROOF_BACKEND",
    "TWICEPROOF_CELLS",
    "TWICEPROOF_RUNS_DIR",
    "TWICEPROOF_IMAGE_MAP",
];

/// Returns the binary, not started.
pub(crate) fn twiceproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twiceproof"));
    VARIABLES.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

impl Project {
    /// Returns a project with one target and one scenario, both sound files.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        project.write(
            "targets/job/target.toml",
            "schema = 1\ncommand = [\"true\"]\n",
        );
        let scenario = "schema = 1\ntitle = \"may start twice\"\ntarget = \"job\"\n";
        project.write("scenarios/twice.toml", scenario);
        project
    }

    /// Returns a project without any file.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("twiceproof-test-")
            .tempdir()
            .unwrap();
        fs::create_dir(folder.path().join("targets")).unwrap();
        fs::create_dir(folder.path().join("scenarios")).unwrap();
        Self { folder }
    }

    /// Returns its folder.
    pub(crate) fn path(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap()
    }

    /// Returns the name of the newest run stored here.
    pub(crate) fn newest_run(&self) -> String {
        let latest = self.path().join("reports/runs/latest");
        let run = fs::canonicalize(latest).unwrap();
        run.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs the binary in the project; its folder reads `[PROJECT]` in what it prints.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let mut command = twiceproof();
        command.current_dir(self.path()).args(args);
        finish(command, Some(&self.path()))
    }
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command, project: Option<&Path>) -> Ran {
    let output = command.output().unwrap();
    let clean = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        match project {
            Some(project) => text.replace(project.to_str().unwrap(), "[PROJECT]"),
            None => text,
        }
    };
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: clean(&output.stdout),
        err: clean(&output.stderr),
    }
}
