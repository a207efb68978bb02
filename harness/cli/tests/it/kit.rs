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

/// The end of a scenario over the demo's job that finds one thing, in the same way each time: a
/// crash behind the first mail leaves the lock file behind.
pub(crate) const CRASH: &str = "search = { stages = [\"serial\"], budget = \"2m\" }\n\
    [[fault]]\nkind = \"kill\"\nwho = \"job#1\"\n\
    at = 'job#1 mail \"DATA body\" 1 replied'\n";

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

    /// Returns a project with the demo's target and scenarios, and the job that the binary carries.
    pub(crate) fn demo() -> Self {
        let project = Self::empty();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for name in [
            "targets/points-demo/target.toml",
            "scenarios/demo/points-broken.toml",
            "scenarios/demo/points-fixed.toml",
        ] {
            project.write(name, &fs::read_to_string(root.join(name)).unwrap());
        }
        let target = project.path().join("targets/points-demo");
        for folder in ["bin", "data"] {
            fs::create_dir_all(target.join(folder)).unwrap();
        }
        fs::copy(
            root.join("targets/points-demo/data/points.db"),
            target.join("data/points.db"),
        )
        .unwrap();
        let job = target.join("bin/points-job");
        fs::write(&job, twiceproof_lab::embed::points_job()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&job, mode).unwrap();
        project
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

    /// Returns the text of a file of the project.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Returns the newest run, as it is stored for programs.
    pub(crate) fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.read("reports/runs/latest/run.json")).unwrap()
    }

    /// Runs the binary in the project; its folder reads `[PROJECT]` in what it prints.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    /// Runs the binary in the project with these variables.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = twiceproof();
        command.current_dir(self.path()).args(args);
        command.envs(variables.iter().copied());
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
