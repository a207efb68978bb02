//! The process that removes a run's folder if the harness is killed before it can.

use crate::embed::SHIM;
use std::fs;
use std::io::Result;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A run's folder, gone with the run, however the run ends.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The janitor waits for the end of this pipe.
    pipe: Option<ChildStdin>,
    janitor: Child,
}

impl RunFolder {
    /// Makes a folder for one run, and the janitor that removes it.
    ///
    /// Its name begins with `twiceproof-`, below the folder for temporary files. Others may pass
    /// through it but not list it: services run as another user.
    pub fn create() -> Result<Self> {
        let made = tempfile::Builder::new().prefix("twiceproof-").tempdir()?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(made.path(), mode)?;
        let shim = SHIM.in_memory()?;
        let mut command = Command::new(shim.path());
        command
            .arg0("twiceproof-janitor")
            .arg("janitor")
            .arg(made.path());
        command.env_clear().current_dir("/");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut janitor = command.spawn()?;
        Ok(Self {
            path: made.keep(),
            pipe: janitor.stdin.take(),
            janitor,
        })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // The janitor removes it in this case too: one way to do it, always exercised.
        drop(self.pipe.take());
        let _ = self.janitor.wait();
    }
}
