//! The folder of one run.

use super::{Durable, Store, StoreError, write_whole};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most runs that can begin in one second with one seed.
const SAME_SECOND_MAX: u32 = 1000;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// Its name: UTC date-time, seed, and a number where another run has both.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run below `runs`, and points `latest` at it.
    ///
    /// `utc` is the time as it stands in the name: `20261122-210412`. Two runs never get one
    /// folder.
    pub fn create(runs: &Path, utc: &str, seed: u64) -> Result<Self, StoreError> {
        fs::create_dir_all(runs).map_err(StoreError::io("make folder", runs))?;
        let (id, path) = make(runs, utc, seed)?;
        let latest = runs.join("latest");
        let link = runs.join(format!("{id}.latest"));
        let linked = std::os::unix::fs::symlink(&id, &link);
        let linked = linked.and_then(|()| fs::rename(&link, &latest));
        linked.map_err(StoreError::io("link", &latest))?;
        Ok(Self { id, path })
    }

    /// Returns the records of a scenario in this run.
    pub fn scenario(&self, name: &str) -> Result<Store, StoreError> {
        Store::open(&self.path.join(name))
    }

    /// Stores a file of the run: `run.json`.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        write_whole(&self.path.join(name), bytes, Durable::No)
    }
}

fn make(runs: &Path, utc: &str, seed: u64) -> Result<(String, PathBuf), StoreError> {
    for number in 1..=SAME_SECOND_MAX {
        let id = match number {
            1 => format!("{utc}-{seed}"),
            _ => format!("{utc}-{seed}-{number}"),
        };
        let path = runs.join(&id);
        match fs::create_dir(&path) {
            Ok(()) => return Ok((id, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io("make folder", &path)(error)),
        }
    }
    let full = io::Error::other("too many runs began in this second");
    Err(StoreError::io("make folder", runs)(full))
}
