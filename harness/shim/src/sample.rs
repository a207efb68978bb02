//! What every thread does at this moment, read from `/proc`.

use crate::tree::{numbers_in, processes};
use std::fs::File;
use std::io::Read;
use twiceproof_shim::{TASKS_MAX, Task};

/// Most bytes that are read of one file of `/proc`.
const FILE_MAX: usize = 4096;

/// Ends a list that would be longer: something runs that is not in it.
const MORE: Task = Task {
    pid: 0,
    tid: 0,
    state: b'R',
    call: None,
    arguments: [0; 6],
    switches: (0, 0),
};

/// Returns every task but the shim's.
pub(crate) fn sample() -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut buffer = [0; FILE_MAX];
    for pid in processes() {
        for tid in numbers_in(&format!("/proc/{pid}/task")) {
            if tasks.len() == TASKS_MAX - 1 {
                tasks.push(MORE);
                return tasks;
            }
            // One that is gone by now is none.
            tasks.extend(look(pid, tid, &mut buffer));
        }
    }
    tasks
}

/// Returns the state letter of a thread.
pub(crate) fn state_of(tid: libc::pid_t) -> Option<u8> {
    let mut buffer = [0; FILE_MAX];
    state_in(read(&format!("/proc/{tid}/stat"), &mut buffer)?)
}

/// Returns the number of the call that a thread waits in.
pub(crate) fn call_of(tid: libc::pid_t) -> Option<i64> {
    let mut buffer = [0; FILE_MAX];
    call_in(read(&format!("/proc/{tid}/syscall"), &mut buffer)?).0
}

fn look(pid: libc::pid_t, tid: libc::pid_t, buffer: &mut [u8; FILE_MAX]) -> Option<Task> {
    let folder = format!("/proc/{pid}/task/{tid}");
    let switches = switches_in(read(&format!("{folder}/status"), buffer)?);
    // Read behind the counters: a thread that moves in between shows a newer call, not an older.
    let (call, arguments) = match read(&format!("{folder}/syscall"), buffer) {
        Some(text) => call_in(text),
        None => (None, [0; 6]),
    };
    let state = state_in(read(&format!("{folder}/stat"), buffer)?)?;
    Some(Task {
        pid,
        tid,
        state,
        call,
        arguments,
        switches,
    })
}

fn read<'a>(path: &str, buffer: &'a mut [u8; FILE_MAX]) -> Option<&'a [u8]> {
    let count = File::open(path).ok()?.read(buffer).ok()?;
    Some(&buffer[..count])
}

/// The letter stands behind the name, which may itself hold brackets.
fn state_in(stat: &[u8]) -> Option<u8> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).copied()
}

/// `NUMBER ARGUMENT*6 STACK PLACE`, or `-1 STACK PLACE`, or `running`.
fn call_in(text: &[u8]) -> (Option<i64>, [u64; 6]) {
    let text = String::from_utf8_lossy(text);
    let mut words = text.split_ascii_whitespace();
    let number = words.next().and_then(|word| word.parse::<i64>().ok());
    let mut arguments = [0; 6];
    let Some(number) = number.filter(|number| *number >= 0) else {
        return (None, arguments);
    };
    for (argument, word) in arguments.iter_mut().zip(words) {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        *argument = u64::from_str_radix(digits, 16).unwrap_or(0);
    }
    (Some(number), arguments)
}

fn switches_in(status: &[u8]) -> (u64, u64) {
    let text = String::from_utf8_lossy(status);
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    };
    (
        value("voluntary_ctxt_switches:"),
        value("nonvoluntary_ctxt_switches:"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read() {
        let check = |text: &str, expect: (Option<i64>, u64)| {
            let (call, arguments) = call_in(text.as_bytes());
            assert_eq!((call, arguments[0]), expect, "{text}");
        };
        check(
            "0 0x3 0x7f 0x2000 0x22 0x0 0x0 0x7ffd 0x7f0e\n",
            (Some(0), 3),
        );
        check("running\n", (None, 0));
        check("-1 0x7ffd 0x7f0e\n", (None, 0));
        check("", (None, 0));
        check("7 zz", (Some(7), 0));
    }

    #[test]
    fn states_are_read() {
        assert_eq!(state_in(b"7 (a) R (b)) S 1 7 7"), Some(b'S'));
        assert_eq!(state_in(b"7 (a"), None);
    }
}
