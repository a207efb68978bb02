//! Everything that runs in the sandbox beside the shim.

use crate::pause::Tracer;
use crate::system::{check, drain_signals, poll, poll_entry};
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use twiceproof_shim::Report;

/// Longest wait for killed processes to be gone.
const GONE_MAX: Duration = Duration::from_secs(10);

/// The starts, and whether anything lives.
#[derive(Default)]
pub(crate) struct Tree {
    first: BTreeMap<u32, libc::pid_t>,
    lives: bool,
    pub(crate) tracer: Tracer,
}

impl Tree {
    /// Adds the first process of a start.
    pub(crate) fn add(&mut self, start: u32, process: libc::pid_t) {
        self.first.insert(start, process);
        self.lives = true;
    }

    /// Returns whether any process is there beside the shim.
    pub(crate) fn lives(&self) -> bool {
        self.lives
    }

    /// Takes in what happened to processes, and returns what the lab must know of it.
    pub(crate) fn reap(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        loop {
            let mut status = 0;
            // SAFETY: the number outlives the call.
            let flags = libc::WNOHANG | libc::__WALL;
            match unsafe { libc::waitpid(-1, &raw mut status, flags) } {
                0 => break,
                process if process > 0 && libc::WIFSTOPPED(status) => {
                    self.tracer.stopped(process, status);
                }
                process if process > 0 => {
                    self.tracer.forget(process);
                    let start = self.first.iter().find(|(_, first)| **first == process);
                    if let Some((&start, _)) = start {
                        self.first.remove(&start);
                        reports.push(Report::Exited { start, status });
                    }
                }
                _ => {
                    // No child: as the first process of the namespace we would inherit any.
                    if std::mem::take(&mut self.lives) {
                        reports.push(Report::TreeGone);
                    }
                    self.tracer.end();
                    break;
                }
            }
        }
        reports
    }

    /// Sends a signal to the first process of a start, or to every process.
    pub(crate) fn signal(&self, start: Option<u32>, signal: i32) -> Result<()> {
        let process = match start {
            None => -1,
            Some(start) => {
                let gone = || Error::from_raw_os_error(libc::ESRCH);
                *self.first.get(&start).ok_or_else(gone)?
            }
        };
        // SAFETY: we are number 1 of the namespace, so -1 reaches what is in it alone; the first
        // process of a start keeps its id until we reap it.
        check(unsafe { libc::kill(process, signal) }).map(drop)
    }

    /// Kills everything, and returns once it is gone, with what the lab must know of it.
    pub(crate) fn kill_all(&mut self, signals: BorrowedFd<'_>) -> Result<Vec<Report>> {
        let (begun, mut reports) = (Instant::now(), self.reap());
        while self.lives {
            // Nothing to kill is as good as killed.
            let _ = self.signal(None, libc::SIGKILL);
            if begun.elapsed() > GONE_MAX {
                return Err(Error::from_raw_os_error(libc::ETIMEDOUT));
            }
            poll(&mut [poll_entry(signals, libc::POLLIN)], Some(100))?;
            drain_signals(signals);
            reports.extend(self.reap());
        }
        Ok(reports)
    }
}

/// Kills everything and waits for it without bound: the end of the shim, and so of the sandbox.
pub(crate) fn end_all() {
    // SAFETY: as in `Tree::signal`; callers checked that we are number 1.
    unsafe {
        libc::kill(-1, libc::SIGKILL);
        while libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) > 0 {}
    }
}

/// Returns the numbers that a folder of `/proc` is divided by, in order.
pub(crate) fn numbers_in(folder: &str) -> Vec<libc::pid_t> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut numbers: Vec<libc::pid_t> = names.filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// Returns every process but the shim.
pub(crate) fn processes() -> Vec<libc::pid_t> {
    numbers_in("/proc")
        .into_iter()
        .filter(|process| *process != 1)
        .collect()
}

/// Returns the names of processes that run, in order of process id, at most `max`.
pub(crate) fn names(max: usize) -> Vec<String> {
    let name = |process| {
        let bytes = std::fs::read(format!("/proc/{process}/comm")).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    };
    processes().into_iter().filter_map(name).take(max).collect()
}
