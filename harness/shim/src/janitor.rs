//! The process that outlives a killed harness just long enough to remove its folder.

use std::fs;
use std::io::{Error, ErrorKind, Read, Result};
use std::time::{Duration, Instant};

/// Longest time that removal is tried again, while others still write into the folder.
const REMOVAL_MAX: Duration = Duration::from_secs(10);

/// Waits for the end of standard input, then removes the folder.
pub(crate) fn wait_and_remove(folder: &str) -> Result<()> {
    // SAFETY: plain calls. A Ctrl-C in the terminal is meant for the harness, not for us.
    unsafe { libc::setsid() };
    if !folder.starts_with('/') || fs::symlink_metadata(folder)?.is_symlink() {
        return Err(Error::from(ErrorKind::InvalidInput));
    }
    let mut input = std::io::stdin().lock();
    let mut byte = [0];
    while input.read(&mut byte)? > 0 {}
    let begun = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if begun.elapsed() > REMOVAL_MAX => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
            Ok(()) => return Ok(()),
        }
    }
}
