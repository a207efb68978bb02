//! The guard against a second run: a file in the shared folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// How a run keeps others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The file is created when work begins and removed when it ends. Looking for it is the
    /// caller's step.
    Check,
    /// The file stays; the kernel's lock on it counts.
    Flock,
}

/// Held while the work is done; given back on drop.
pub(crate) enum Lock {
    /// Removes the file.
    Created(PathBuf),
    /// Its lock ends when it is closed, however the process ends.
    Locked { _file: File },
}

impl Lock {
    /// Takes the lock; `None` if another run has it.
    pub(crate) fn take(guard: Guard, path: &Path) -> io::Result<Option<Self>> {
        match guard {
            Guard::Check => {
                File::create(path)?;
                Ok(Some(Self::Created(path.to_owned())))
            }
            Guard::Flock => {
                let mut open = OpenOptions::new();
                let file = open.write(true).create(true).truncate(false).open(path)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(Self::Locked { _file: file })),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(error),
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Self::Created(path) = self {
            // Another run may have removed it already: that is the flaw on show, not an error here.
            let _ = std::fs::remove_file(path);
        }
    }
}
