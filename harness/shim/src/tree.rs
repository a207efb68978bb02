//! Everything that runs in the sandbox beside the shim.

use crate::pause::Tracer;
use crate::system::{check, drain_signals, poll, poll_entry};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use twiceproof_shim::{Host, Report};

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
                    // No child: we inherit any that loses its parent.
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
            None if is_shared() => return signal_below(signal),
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

/// Whether others run in the namespace of our process ids.
static SHARED: AtomicBool = AtomicBool::new(false);

/// Notes whose machine the sandbox stands for: where it is shared, what runs in the sandbox is what
/// descends from the shim.
pub(crate) fn set_host(host: Host) {
    SHARED.store(host != Host::Own, Ordering::Relaxed);
}

fn is_shared() -> bool {
    SHARED.load(Ordering::Relaxed)
}

/// Most looks at what descends from us while it is killed; each kills what it finds.
const KILL_LOOKS_MAX: u32 = 100;

/// Sends a signal to every process that descends from us.
///
/// A whole group gets it at once, so that no child is born meanwhile; whoever left its group to
/// make another is found by another look.
fn signal_below(signal: i32) -> Result<()> {
    let mut reached = false;
    let looks = if signal == libc::SIGKILL {
        KILL_LOOKS_MAX
    } else {
        1
    };
    for _ in 0..looks {
        let alive: Vec<Process> = descendants()
            .into_iter()
            .filter(|process| !matches!(process.state, b'Z' | b'X'))
            .collect();
        if alive.is_empty() {
            break;
        }
        reached = true;
        let groups: BTreeSet<libc::pid_t> = alive.iter().map(|process| process.group).collect();
        // SAFETY: plain calls. The groups are of sessions that began below us, so that nobody else
        // is in one. Who is gone by now needs no signal.
        unsafe {
            if signal == libc::SIGKILL {
                for group in groups {
                    libc::kill(-group, signal);
                }
            }
            for process in alive {
                libc::kill(process.id, signal);
            }
        }
    }
    if reached {
        Ok(())
    } else {
        Err(Error::from_raw_os_error(libc::ESRCH))
    }
}

/// Most looks at what still runs, at the end; each kills what it finds.
const END_LOOKS_MAX: u32 = 10_000;

/// Kills everything and waits for it: the end of the shim, and so of the sandbox.
pub(crate) fn end_all() {
    if is_shared() {
        for _ in 0..END_LOOKS_MAX {
            // Nothing to kill is as good as killed.
            let _ = signal_below(libc::SIGKILL);
            // SAFETY: plain call; the wait is for killed processes, 1 ms a look at most.
            unsafe {
                let flags = libc::WNOHANG | libc::__WALL;
                match libc::waitpid(-1, std::ptr::null_mut(), flags) {
                    0 => libc::usleep(1000),
                    process if process < 0 => return,
                    _ => 0,
                };
            }
        }
        return;
    }
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

/// Returns every process of the sandbox but the shim.
pub(crate) fn processes() -> Vec<libc::pid_t> {
    if is_shared() {
        return descendants()
            .into_iter()
            .map(|process| process.id)
            .collect();
    }
    let all = numbers_in("/proc").into_iter();
    all.filter(|process| *process != 1).collect()
}

/// A process as `/proc` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    id: libc::pid_t,
    state: u8,
    parent: libc::pid_t,
    group: libc::pid_t,
}

/// Returns every process that descends from us, in order of number.
fn descendants() -> Vec<Process> {
    let all = numbers_in("/proc").into_iter().filter_map(look);
    below(std::process::id().cast_signed(), all)
}

/// Returns those of the processes that descend from this one, in order of number.
fn below(root: libc::pid_t, all: impl Iterator<Item = Process>) -> Vec<Process> {
    let all: BTreeMap<libc::pid_t, Process> = all.map(|process| (process.id, process)).collect();
    let descends = |process: &&Process| {
        let mut at = **process;
        // A chain of parents is no longer than there are processes.
        for _ in 0..=all.len() {
            match all.get(&at.parent) {
                _ if at.parent == root => return true,
                Some(parent) => at = *parent,
                None => return false,
            }
        }
        false
    };
    all.values().filter(descends).copied().collect()
}

/// Reads state, parent and group, which stand behind the name.
fn look(id: libc::pid_t) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{id}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let text = String::from_utf8_lossy(stat.get(end + 2..)?);
    let mut words = text.split_ascii_whitespace();
    Some(Process {
        id,
        state: *words.next()?.as_bytes().first()?,
        parent: words.next()?.parse().ok()?,
        group: words.next()?.parse().ok()?,
    })
}

/// Returns the names of processes that run, in order of process id, at most `max`.
pub(crate) fn names(max: usize) -> Vec<String> {
    let name = |process| {
        let bytes = std::fs::read(format!("/proc/{process}/comm")).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    };
    processes().into_iter().filter_map(name).take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_descends_from_the_shim_is_in_its_sandbox() {
        // 1 is another's shim with the job 5; 7 is ours, with 8, its child 9, and the orphan 10.
        let parents = [(1, 0), (5, 1), (7, 0), (8, 7), (9, 8), (10, 7), (11, 5)];
        let check = |root, expect: &[libc::pid_t]| {
            let all = parents.iter().map(|(id, parent)| Process {
                id: *id,
                state: b'S',
                parent: *parent,
                group: *id,
            });
            let found = below(root, all).into_iter().map(|process| process.id);
            assert_eq!(found.collect::<Vec<_>>(), expect);
        };
        check(7, &[8, 9, 10]);
        check(1, &[5, 11]);
        check(8, &[9]);
    }
}
