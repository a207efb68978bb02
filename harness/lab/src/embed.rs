//! The static executables that this crate carries.

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::io::{Result, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The first process of every sandbox.
pub(crate) const SHIM: Executable = Executable {
    name: "twiceproof-shim",
    bytes: include_bytes!(env!("TWICEPROOF_SHIM")),
};

/// Returns the executable of the job that the demo shows, static.
pub fn points_job() -> &'static [u8] {
    include_bytes!(env!("TWICEPROOF_POINTS_JOB"))
}

/// An executable as bytes.
#[derive(Clone, Copy)]
pub(crate) struct Executable {
    name: &'static str,
    bytes: &'static [u8],
}

/// An executable in memory; it can be run while this lives.
#[derive(Debug)]
pub(crate) struct InMemory(File);

impl Executable {
    /// Puts the executable into memory that nobody can change any more.
    pub(crate) fn in_memory(self) -> Result<InMemory> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create(self.name, flags)?);
        file.write_all(self.bytes)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        Ok(InMemory(file))
    }

    /// Writes the executable into a folder, for an engine that binds files, and returns its path.
    pub(crate) fn write_into(self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(self.name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(&path)?;
        file.write_all(self.bytes)?;
        Ok(path)
    }
}

impl InMemory {
    /// Returns a path that a child of this process can execute.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}
