//! Stopping every thread, unseen by their parents and not to be undone from inside.
//!
//! The shim traces each thread and interrupts it. What is between two looks at the list of threads
//! can have made new ones, so it looks until a list holds nothing new.

use crate::sample::state_of;
use crate::system::{check, drain_signals, poll, poll_entry};
use crate::tree::{numbers_in, processes};
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// Longest time that stopping may take.
const STOP_MAX: Duration = Duration::from_secs(5);

/// After this long a thread in an uninterruptible call counts as stopped: it stops at its end.
const CALL_MAX: Duration = Duration::from_millis(20);

/// A thread that we trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thread {
    /// Interrupted, not yet stopped.
    Going,
    /// Stopped; it gets this signal when it goes on (0: none).
    Stopped(i32),
}

/// The threads that we trace.
#[derive(Debug, Default)]
pub(crate) struct Tracer {
    threads: BTreeMap<libc::pid_t, Thread>,
    holds: bool,
}

/// Which thread a list holds, with its process.
fn all_threads() -> Vec<libc::pid_t> {
    processes()
        .into_iter()
        .flat_map(|process| numbers_in(&format!("/proc/{process}/task")))
        .collect()
}

fn request(what: libc::c_uint, thread: libc::pid_t, data: usize) -> Result<()> {
    // SAFETY: the requests used here take numbers only.
    check(unsafe { libc::ptrace(what, thread, 0usize, data) }).map(drop)
}

impl Tracer {
    /// Notes that a traced thread stopped.
    pub(crate) fn stopped(&mut self, thread: libc::pid_t, status: i32) {
        let event = status >> 16;
        let signal = if event == 0 {
            libc::WSTOPSIG(status)
        } else {
            0
        };
        if self.holds {
            self.threads.insert(thread, Thread::Stopped(signal));
        } else {
            self.let_go(thread, signal);
        }
    }

    /// Notes that a thread is gone.
    pub(crate) fn forget(&mut self, thread: libc::pid_t) {
        self.threads.remove(&thread);
    }

    fn let_go(&mut self, thread: libc::pid_t, signal: i32) {
        // A thread that was killed meanwhile is let go by its end.
        let _ = request(libc::PTRACE_DETACH, thread, signal.unsigned_abs() as usize);
        self.threads.remove(&thread);
    }

    /// Traces and interrupts every thread not yet traced; returns whether there was one.
    fn seize_new(&mut self) -> Result<bool> {
        let mut found = false;
        for thread in all_threads() {
            if self.threads.contains_key(&thread) {
                continue;
            }
            match request(libc::PTRACE_SEIZE, thread, 0) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
                Err(_) if matches!(state_of(thread), None | Some(b'Z' | b'X')) => continue,
                Err(error) => return Err(error),
            }
            found = true;
            self.threads.insert(thread, Thread::Going);
            let _ = request(libc::PTRACE_INTERRUPT, thread, 0);
        }
        Ok(found)
    }

    fn going(&self) -> impl Iterator<Item = libc::pid_t> {
        let going = self
            .threads
            .iter()
            .filter(|(_, state)| **state == Thread::Going);
        going.map(|(thread, _)| *thread)
    }

    /// Lets every thread go on.
    pub(crate) fn resume(&mut self) {
        self.holds = false;
        for (thread, state) in self.threads.clone() {
            // One that never stopped does so at the end of its call, and is let go then.
            if let Thread::Stopped(signal) = state {
                self.let_go(thread, signal);
            }
        }
    }
}

/// Stops every thread of the tree; `reap` must pass what it learns to the tracer.
pub(crate) fn pause(
    tree: &mut crate::tree::Tree,
    signals: BorrowedFd<'_>,
) -> Result<Vec<twiceproof_shim::Report>> {
    let (begun, mut reports) = (Instant::now(), Vec::new());
    tree.tracer.holds = true;
    // Threads left over from the last pause that still sit in their call are ours already.
    loop {
        let found = tree.tracer.seize_new()?;
        reports.extend(tree.reap());
        tree.tracer.holds = true;
        let patient = begun.elapsed() < CALL_MAX;
        let stuck = |thread| !patient && matches!(state_of(thread), Some(b'D'));
        let waiting = tree.tracer.going().any(|thread| !stuck(thread));
        if !found && !waiting {
            return Ok(reports);
        }
        if begun.elapsed() > STOP_MAX {
            tree.tracer.resume();
            return Err(Error::from_raw_os_error(libc::ETIMEDOUT));
        }
        if !found {
            poll(&mut [poll_entry(signals, libc::POLLIN)], Some(1))?;
            drain_signals(signals);
        }
    }
}
