//! Is an instance quiet? Judged from what its threads wait in. All guesses about a black box stand
//! here.
//!
//! Level 0 needs no look: an instance of one thread and one link that sent a request waits for its
//! reply. Level 1 looks at every thread until two looks in a row are equal and quiet. Level 3 gives
//! a run that never gets there a settle window and marks the trial best-effort. (The design's level
//! 2, exact sleeps by seccomp, is not built.)

use crate::sandbox::TaskSample;
use std::collections::BTreeSet;
use std::time::Duration;

/// Longest time that an instance may compute between two requests.
pub const COMPUTE_MAX: Duration = Duration::from_secs(30);
/// After this long without a sign, an instance judged by level 0 is looked at.
pub const EXPECT_MAX: Duration = Duration::from_millis(20);
/// Pause between two looks that were not equal.
pub const LOOK_AGAIN: Duration = Duration::from_micros(500);
/// An instance whose looks differ for this long though each is quiet is judged by level 3: it
/// polls.
pub const SETTLE_WINDOW: Duration = Duration::from_millis(100);

/// What one look tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Some thread runs, or waits for the disk.
    Busy,
    /// Every thread waits, and none of them has a deadline.
    Waiting,
    /// Every thread waits, and some have deadlines: it will go on by itself.
    Sleeping,
}

/// How a system call waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Until something happens.
    Endless,
    /// Until something happens or a time has come.
    Timed,
}

const F_SETLKW: u64 = 7;
const F_OFD_SETLKW: u64 = 38;
const FUTEX_COMMAND_MASK: u64 = 0x7f;
const FUTEX_WAKE: u64 = 1;

/// Returns how a system call of x86-64 waits, or `None` for one that is no waiting call.
fn wait_of(call: i64, arguments: &[u64; 6]) -> Option<Wait> {
    let timed = |is_timed: bool| Some(if is_timed { Wait::Timed } else { Wait::Endless });
    let milliseconds = |place: usize| timed(arguments[place] as u32 as i32 > 0);
    let pointer = |place: usize| timed(arguments[place] != 0);
    match call {
        // read, recvfrom, recvmsg, accept, accept4, pause, wait4, waitid, flock, rt_sigsuspend
        0 | 45 | 47 | 43 | 288 | 34 | 61 | 247 | 73 | 130 => timed(false),
        7 => milliseconds(2),         // poll
        23 | 270 => pointer(4),       // select, pselect6
        271 => pointer(2),            // ppoll
        232 | 281 => milliseconds(3), // epoll_wait, epoll_pwait
        441 => pointer(3),            // epoll_pwait2
        202 if arguments[1] & FUTEX_COMMAND_MASK == FUTEX_WAKE => None,
        202 => pointer(3),       // futex
        449 => pointer(3),       // futex_waitv
        35 | 230 => timed(true), // nanosleep, clock_nanosleep
        128 => pointer(2),       // rt_sigtimedwait
        426 => timed(false),     // io_uring_enter
        299 => pointer(4),       // recvmmsg
        219 => timed(true),      // restart_syscall: the rest of a timed wait
        72 if matches!(arguments[1], F_SETLKW | F_OFD_SETLKW) => timed(false),
        _ => None,
    }
}

/// The calls in which a parent waits until its child has executed a program: vfork, clone, clone3.
const AWAITS_CHILD: [i64; 3] = [58, 56, 435];

/// Judges one look at all threads of an instance. A thread that has just ended counts as waiting,
/// and so does one of `held`: it stands in a call of which we decide.
pub fn judge(tasks: &[TaskSample], held: &BTreeSet<i32>) -> Look {
    let mut look = Look::Waiting;
    for task in tasks {
        if matches!(task.state, b'Z' | b'X') || held.contains(&task.tid) {
            continue;
        }
        let awaits_child = task.call.is_some_and(|call| AWAITS_CHILD.contains(&call));
        if task.state == b'D' && awaits_child && !held.is_empty() {
            continue;
        }
        let wait = task.call.and_then(|call| wait_of(call, &task.arguments));
        match (task.state, wait) {
            (b'S' | b'T' | b't', Some(Wait::Endless)) => {}
            (b'S' | b'T' | b't', Some(Wait::Timed)) => look = Look::Sleeping,
            _ => return Look::Busy,
        }
    }
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(state: u8, call: Option<i64>, arguments: [u64; 6]) -> TaskSample {
        TaskSample {
            pid: 2,
            tid: 2,
            state,
            call,
            arguments,
            switches: (1, 0),
        }
    }

    #[test]
    fn looks_are_judged_by_every_thread() {
        let read = task(b'S', Some(0), [3, 0, 0, 0, 0, 0]);
        let sleep = task(b'S', Some(230), [0; 6]);
        let running = task(b'R', None, [0; 6]);
        let write = task(b'S', Some(1), [3, 0, 0, 0, 0, 0]);
        let poll_for_ever = task(b'S', Some(7), [0, 1, u64::from(u32::MAX), 0, 0, 0]);
        let poll_a_second = task(b'S', Some(7), [0, 1, 1000, 0, 0, 0]);
        let disk = task(b'D', Some(0), [3, 0, 0, 0, 0, 0]);
        let zombie = task(b'Z', None, [0; 6]);
        let lock = task(b'S', Some(72), [4, 7, 0, 0, 0, 0]);
        let fcntl = task(b'S', Some(72), [4, 1, 0, 0, 0, 0]);
        let table: &[(&[&TaskSample], Look)] = &[
            (&[], Look::Waiting),
            (&[&read], Look::Waiting),
            (&[&read, &sleep], Look::Sleeping),
            (&[&read, &running], Look::Busy),
            (&[&write], Look::Busy),
            (&[&poll_for_ever, &zombie], Look::Waiting),
            (&[&poll_a_second], Look::Sleeping),
            (&[&disk], Look::Busy),
            (&[&lock], Look::Waiting),
            (&[&fcntl], Look::Busy),
        ];
        for (tasks, expect) in table {
            let tasks: Vec<TaskSample> = tasks.iter().map(|task| (*task).clone()).collect();
            assert_eq!(judge(&tasks, &BTreeSet::new()), *expect, "{tasks:?}");
        }
        // A thread that the file tap holds, and its parent that waits in vfork.
        let held = task(b'D', Some(257), [0; 6]);
        let mut parent = task(b'D', Some(58), [0; 6]);
        parent.tid = 1;
        let both = [held, parent];
        assert_eq!(judge(&both, &BTreeSet::new()), Look::Busy);
        assert_eq!(judge(&both, &BTreeSet::from([2])), Look::Waiting);
    }
}
