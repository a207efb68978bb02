//! The file tap: calls on files in tapped folders, held until the lab says what becomes of them.
//!
//! The kernel reports no result of a call that is let go on. So its thread is traced for the length
//! of the call, and interrupted: it stops behind the call, where the result can be read. As the
//! interruption is pending before the call begins, no call waits in the kernel either: one that
//! would have to wait for a lock ends as interrupted, and the thread makes it again by itself.

use crate::calls;
use crate::notify::{self, Notice};
use crate::sample::{call_of, state_of};
use crate::tree::Tree;
use std::collections::BTreeMap;
use std::fs;
use std::io::Result;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use twiceproof_shim::file_call::{RESULT_GONE, RESULT_UNSEEN, would_wait};
use twiceproof_shim::{Gate, Report, Tapped, Verdict};

/// Most calls that are taken off one listener before the rest of the loop has its turn.
const TURN_MAX: usize = 64;

/// The calls of one start.
struct Tap {
    listener: OwnedFd,
    folders: Vec<PathBuf>,
    gate: Gate,
}

/// A call that is held, or on its way.
struct Call {
    tap: usize,
    notice: Notice,
    is_lock: bool,
    creates: Option<(PathBuf, bool)>,
    /// Whether what it would create was there before.
    existed: bool,
}

/// Every start's calls.
#[derive(Default)]
pub(crate) struct Files {
    /// A start whose processes are all gone leaves its place empty.
    taps: Vec<Option<Tap>>,
    calls: BTreeMap<u64, Call>,
    /// Calls by the thread that is inside them.
    inside: BTreeMap<libc::pid_t, u64>,
    /// Calls by the thread that will make them again.
    again: BTreeMap<libc::pid_t, u64>,
    call_last: u64,
}

impl Files {
    /// Adds the listener of a start.
    pub(crate) fn add(&mut self, listener: OwnedFd, tapped: &Tapped) {
        notify::wake_on_same_core(&listener);
        let folders = tapped
            .folders
            .iter()
            .map(|path| calls::plain(Path::new(path)));
        self.taps.push(Some(Tap {
            listener,
            folders: folders.collect(),
            gate: tapped.gate,
        }));
    }

    /// Returns the listeners to wait for.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let taps = self.taps.iter().flatten();
        taps.map(|tap| tap.listener.as_fd())
    }

    /// Takes in the calls that wait, and returns what the lab must know of them.
    pub(crate) fn take(&mut self, tree: &mut Tree) -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        for place in 0..self.taps.len() {
            for _ in 0..TURN_MAX {
                let Some(tap) = &self.taps[place] else { break };
                let mut entries = [crate::system::poll_entry(
                    tap.listener.as_fd(),
                    libc::POLLIN,
                )];
                crate::system::poll(&mut entries, Some(0))?;
                if entries[0].revents & libc::POLLIN == 0 {
                    if entries[0].revents != 0 {
                        self.taps[place] = None;
                    }
                    break;
                }
                if let Some(notice) = notify::receive(tap.listener.as_fd())? {
                    self.called(place, notice, tree, &mut reports);
                }
            }
        }
        while let Some(None) = self.taps.last() {
            self.taps.pop();
        }
        Ok(reports)
    }

    fn called(&mut self, place: usize, notice: Notice, tree: &mut Tree, reports: &mut Vec<Report>) {
        let Some(tap) = &self.taps[place] else { return };
        let (gate, listener) = (tap.gate, tap.listener.as_fd());
        let former = self.again.remove(&notice.thread);
        let former = former.and_then(|call| Some((call, self.calls.remove(&call)?)));
        let is_same = former.as_ref().is_some_and(|(_, former)| {
            former.notice.number == notice.number && former.notice.arguments == notice.arguments
        });
        // A lock that the lab decides about is tried as often as it says.
        let untold = former
            .as_ref()
            .filter(|(_, former)| !(former.is_lock && gate == Gate::Hold));
        if let Some((call, _)) = untold {
            if is_same {
                // It waits in the kernel, and nobody sees for how long.
                notify::answer(listener, notice.id, None);
                reports.push(returned(*call, RESULT_UNSEEN, false));
                return;
            }
            reports.push(returned(*call, i64::from(-libc::EINTR), false));
        }
        let Some(mut asked) = calls::read(&notice, &tap.folders) else {
            notify::answer(listener, notice.id, None);
            return;
        };
        self.call_last += 1;
        let call = self.call_last;
        asked.call.call = call;
        asked.call.again = former.filter(|_| is_same).map(|(call, _)| call);
        let is_lock = asked.call.verb.is_lock();
        reports.push(Report::Called(asked.call));
        if gate == Gate::Note {
            notify::answer(listener, notice.id, None);
            return;
        }
        self.calls.insert(
            call,
            Call {
                tap: place,
                notice,
                is_lock,
                creates: asked.creates,
                existed: false,
            },
        );
        if gate == Gate::Trace {
            reports.extend(self.make(call, false, tree));
        }
    }

    /// Does what the lab says with a call.
    pub(crate) fn answer(
        &mut self,
        call: u64,
        verdict: Verdict,
        tree: &mut Tree,
    ) -> Option<Report> {
        match verdict {
            Verdict::Make => self.make(call, false, tree),
            Verdict::MakeAndHold => self.make(call, true, tree),
            Verdict::Finish => {
                if let Some(call) = self.calls.remove(&call) {
                    tree.tracer.finish(call.notice.thread);
                }
                None
            }
            Verdict::Pass => {
                let held = self.calls.remove(&call)?;
                self.respond(&held, None);
                None
            }
            Verdict::Fail(errno) => {
                let held = self.calls.remove(&call)?;
                let was_there = self.respond(&held, Some(errno));
                let result = if was_there {
                    i64::from(-errno)
                } else {
                    RESULT_GONE
                };
                Some(returned(call, result, false))
            }
        }
    }

    fn respond(&self, call: &Call, errno: Option<i32>) -> bool {
        let tap = self.taps.get(call.tap).and_then(Option::as_ref);
        tap.is_some_and(|tap| notify::answer(tap.listener.as_fd(), call.notice.id, errno))
    }

    /// Lets a call be made. Its result follows once its thread has stopped behind it.
    fn make(&mut self, call: u64, holds: bool, tree: &mut Tree) -> Option<Report> {
        let Some(held) = self.calls.get_mut(&call) else {
            return Some(returned(call, RESULT_GONE, false));
        };
        if let Some((path, empties)) = &held.creates {
            // What others do to the path meanwhile is held back too.
            let found = fs::symlink_metadata(path);
            held.existed = found.is_ok_and(|found| !empties || found.len() == 0);
        }
        let (thread, existed) = (held.notice.thread, held.existed);
        let is_traced = tree.tracer.watch(thread, holds);
        let was_there = self.respond(&self.calls[&call], None);
        if is_traced && was_there {
            self.inside.insert(thread, call);
            return None;
        }
        self.calls.remove(&call);
        tree.tracer.unwatch(thread);
        let result = if was_there {
            RESULT_UNSEEN
        } else {
            RESULT_GONE
        };
        Some(returned(call, result, existed))
    }

    /// Returns the results of calls whose threads stopped behind them.
    pub(crate) fn results(&mut self, tree: &mut Tree) -> Vec<Report> {
        let mut reports = Vec::new();
        for (thread, result, is_held) in tree.tracer.take_results() {
            let Some(call) = self.inside.remove(&thread) else {
                continue;
            };
            let Some(made) = self.calls.get(&call) else {
                continue;
            };
            let existed = made.existed;
            if would_wait(result) {
                tree.tracer.finish(thread);
                self.again.insert(thread, call);
                let tap = self.taps.get(made.tap).and_then(Option::as_ref);
                let is_told = made.is_lock && tap.is_some_and(|tap| tap.gate == Gate::Hold);
                if is_told {
                    reports.push(returned(call, result, existed));
                }
                continue;
            }
            if !is_held {
                self.calls.remove(&call);
            }
            reports.push(returned(call, result, existed));
        }
        reports
    }

    /// Returns what became of calls whose thread is gone, or was called away by a signal.
    pub(crate) fn lost(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        for (thread, call) in self.again.clone() {
            let Some(former) = self.calls.get(&call) else {
                self.again.remove(&thread);
                continue;
            };
            let waits_elsewhere = state_of(thread) == Some(b'S')
                && call_of(thread).is_some_and(|number| number != former.notice.number);
            let result = match state_of(thread) {
                None | Some(b'Z' | b'X') => RESULT_GONE,
                _ if waits_elsewhere => i64::from(-libc::EINTR),
                _ => continue,
            };
            self.again.remove(&thread);
            self.calls.remove(&call);
            reports.push(returned(call, result, false));
        }
        let is_lost = |call: &Call| {
            let tap = self.taps.get(call.tap).and_then(Option::as_ref);
            !tap.is_some_and(|tap| notify::is_waiting(tap.listener.as_fd(), call.notice.id))
        };
        let busy = |call: &u64| {
            self.inside.values().any(|inside| inside == call)
                || self.again.values().any(|again| again == call)
        };
        let lost = self.calls.iter().filter(|(call, held)| {
            !busy(call) && is_lost(held) && state_of(held.notice.thread) != Some(b't')
        });
        let lost: Vec<u64> = lost.map(|(call, _)| *call).collect();
        for call in lost {
            self.calls.remove(&call);
            reports.push(returned(call, RESULT_GONE, false));
        }
        reports
    }

    /// Forgets every call: no process is left.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            call_last: self.call_last,
            ..Self::default()
        };
    }
}

fn returned(call: u64, result: i64, existed: bool) -> Report {
    Report::Returned {
        call,
        result,
        existed,
    }
}
