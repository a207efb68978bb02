//! Stopping every thread, unseen by their parents and not to be undone from inside.
//!
//! The shim traces each thread and interrupts it. What is between two looks at the list of threads
//! can have made new ones, so it looks until a list holds nothing new.

use crate::sample::state_of;
use crate::system::{check, drain_signals, poll, poll_entry};
use crate::tree::{Tree, numbers_in, processes};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use twiceproof_shim::Report;
use twiceproof_shim::file_call::{RESULT_GONE, RESULT_UNSEEN};

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
    /// Threads inside a call whose result is wanted, and whether they stand still behind it.
    watched: BTreeMap<libc::pid_t, bool>,
    /// Threads that stand still behind a call.
    behind: BTreeSet<libc::pid_t>,
    /// The results of calls, and whether the thread stands still behind its.
    results: Vec<(libc::pid_t, i64, bool)>,
}

fn request(what: libc::c_uint, thread: libc::pid_t, data: usize) -> Result<()> {
    // SAFETY: the requests used here take numbers only.
    check(unsafe { libc::ptrace(what, thread, 0usize, data) }).map(drop)
}

/// Returns what the call that a stopped thread was in came to.
fn result_of(thread: libc::pid_t) -> Option<i64> {
    // SAFETY: all-zero is valid, and the registers outlive the call.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: the request fills the registers.
    let got = unsafe {
        let none = std::ptr::null_mut::<libc::c_void>();
        libc::ptrace(libc::PTRACE_GETREGS, thread, none, &raw mut registers)
    };
    check(got).ok()?;
    Some(registers.rax.cast_signed())
}

impl Tracer {
    /// Arranges that a thread, whose call is held, stops behind it; returns whether that can be.
    /// `holds`: it stands still there until [`Tracer::finish`].
    pub(crate) fn watch(&mut self, thread: libc::pid_t, holds: bool) -> bool {
        if let Entry::Vacant(entry) = self.threads.entry(thread) {
            if request(libc::PTRACE_SEIZE, thread, 0).is_err() {
                return false;
            }
            entry.insert(Thread::Going);
            // One that was killed meanwhile is told by its end.
            let _ = request(libc::PTRACE_INTERRUPT, thread, 0);
        }
        self.watched.insert(thread, holds);
        true
    }

    /// Forgets that a result is wanted.
    pub(crate) fn unwatch(&mut self, thread: libc::pid_t) {
        self.watched.remove(&thread);
    }

    /// Returns the results of the calls that ended since the last time.
    pub(crate) fn take_results(&mut self) -> Vec<(libc::pid_t, i64, bool)> {
        std::mem::take(&mut self.results)
    }

    /// Forgets every thread: none is left. What was learnt of their calls stays to be told.
    pub(crate) fn end(&mut self) {
        let results = std::mem::take(&mut self.results);
        *self = Self {
            results,
            ..Self::default()
        };
    }

    /// Lets a thread that stands still behind its call go on, unless all are paused.
    pub(crate) fn finish(&mut self, thread: libc::pid_t) {
        if self.behind.remove(&thread)
            && !self.holds
            && let Some(Thread::Stopped(signal)) = self.threads.get(&thread).copied()
        {
            self.let_go(thread, signal);
        }
    }

    /// Notes that a traced thread stopped.
    pub(crate) fn stopped(&mut self, thread: libc::pid_t, status: i32) {
        if let Some(holds) = self.watched.remove(&thread) {
            let result = result_of(thread).unwrap_or(RESULT_UNSEEN);
            if holds {
                self.behind.insert(thread);
            }
            self.results.push((thread, result, holds));
        }
        let event = status >> 16;
        let signal = if event == 0 {
            libc::WSTOPSIG(status)
        } else {
            0
        };
        if self.holds || self.behind.contains(&thread) {
            self.threads.insert(thread, Thread::Stopped(signal));
        } else {
            self.let_go(thread, signal);
        }
    }

    /// Notes that a thread is gone.
    pub(crate) fn forget(&mut self, thread: libc::pid_t) {
        self.threads.remove(&thread);
        self.behind.remove(&thread);
        if self.watched.remove(&thread).is_some() {
            self.results.push((thread, RESULT_GONE, false));
        }
    }

    fn let_go(&mut self, thread: libc::pid_t, signal: i32) {
        // A thread that was killed meanwhile is let go by its end.
        let _ = request(libc::PTRACE_DETACH, thread, signal.unsigned_abs() as usize);
        self.threads.remove(&thread);
    }

    /// Traces and interrupts every thread not yet traced; returns whether there was none.
    ///
    /// One that ended while we looked may have left a child that the list does not have, so it
    /// counts too: once, as it may stay as a zombie.
    fn all_are_traced(&mut self, zombies: &mut BTreeSet<libc::pid_t>) -> Result<bool> {
        let mut all = true;
        for process in processes() {
            let threads = numbers_in(&format!("/proc/{process}/task"));
            all &= !threads.is_empty();
            for thread in threads {
                if self.threads.contains_key(&thread) {
                    continue;
                }
                match request(libc::PTRACE_SEIZE, thread, 0) {
                    Ok(()) => {
                        all = false;
                        self.threads.insert(thread, Thread::Going);
                        let _ = request(libc::PTRACE_INTERRUPT, thread, 0);
                    }
                    Err(error) => match state_of(thread) {
                        Some(b'Z' | b'X') => all &= !zombies.insert(thread),
                        None => all = false,
                        Some(_) => return Err(error),
                    },
                }
            }
        }
        Ok(all)
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
            if let Thread::Stopped(signal) = state
                && !self.behind.contains(&thread)
            {
                self.let_go(thread, signal);
            }
        }
    }
}

/// Stops every thread of the tree, and returns what was learnt of ends meanwhile.
pub(crate) fn pause(tree: &mut Tree, signals: BorrowedFd<'_>) -> Result<Vec<Report>> {
    let (begun, mut reports) = (Instant::now(), Vec::new());
    let mut zombies = BTreeSet::new();
    loop {
        // Only a list made after all had stopped can be whole.
        let patient = begun.elapsed() < CALL_MAX;
        let counts = |thread| patient || state_of(thread) != Some(b'D');
        let settled = !tree.tracer.going().any(counts);
        tree.tracer.holds = true;
        let all_are_traced = tree.tracer.all_are_traced(&mut zombies)?;
        if settled && all_are_traced {
            return Ok(reports);
        }
        if begun.elapsed() > STOP_MAX {
            tree.tracer.resume();
            return Err(Error::from_raw_os_error(libc::ETIMEDOUT));
        }
        reports.extend(tree.reap());
        if tree.tracer.going().next().is_some() {
            poll(&mut [poll_entry(signals, libc::POLLIN)], Some(1))?;
            drain_signals(signals);
            reports.extend(tree.reap());
        }
    }
}
