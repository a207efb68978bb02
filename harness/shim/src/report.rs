//! What the shim tells the lab.

use crate::bytes::{Malformed, Reader, Writer};
use crate::file_call::{self, FileCall};
use crate::{NAMES_MAX, TASKS_MAX};

/// One thread as sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Process id inside.
    pub pid: i32,
    /// Thread id inside.
    pub tid: i32,
    /// State letter.
    pub state: u8,
    /// The system call it waits in, if it waits in one.
    pub call: Option<i64>,
    /// The call's arguments.
    pub arguments: [u64; 6],
    /// Voluntary and involuntary context switches.
    pub switches: (u64, u64),
}

/// A message of the shim. One with `request` answers the command of that number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The sandbox stands. Descriptors: the diagnosis socket, then one listener for each true.
    Ready {
        /// Which of the addresses asked for could be had; only `::1` may be missing.
        listening: Vec<bool>,
    },
    /// The sandbox cannot be made; the shim ends.
    Refused {
        /// What was tried.
        tried: String,
        /// The system's error number.
        errno: i32,
    },
    /// A command was carried out. A connection brings its socket along.
    Done {
        /// Which command.
        request: u32,
    },
    /// A command failed.
    Failed {
        /// Which command.
        request: u32,
        /// What was tried.
        tried: String,
        /// The system's error number.
        errno: i32,
    },
    /// The tasks asked for.
    Sampled {
        /// Which command.
        request: u32,
        /// Every task but the shim's; if there are more than fit, task 0 runs at the end.
        tasks: Vec<Task>,
    },
    /// The names of processes asked for, in order of process id.
    Named {
        /// Which command.
        request: u32,
        /// At most [`NAMES_MAX`] names.
        names: Vec<String>,
    },
    /// The first process of a start ended.
    Exited {
        /// Which start.
        start: u32,
        /// Its wait status.
        status: i32,
    },
    /// No process is left.
    TreeGone,
    /// A call on a file in a tapped folder.
    Called(FileCall),
    /// Such a call came to its end.
    Returned {
        /// Which call.
        call: u64,
        /// What the kernel answered: an error number negated, or one of
        /// [`crate::file_call::RESULT_UNSEEN`] and [`crate::file_call::RESULT_GONE`].
        result: i64,
        /// Whether what its path names was there before.
        existed: bool,
    },
}

impl Report {
    /// Returns the message's bytes, unless it exceeds its bounds.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let mut writer;
        match self {
            Report::Ready { listening } => {
                writer = Writer::new(1);
                writer.list(listening, |writer, had| writer.flag(*had));
            }
            Report::Refused { tried, errno } => {
                writer = Writer::new(2);
                writer.text(tried);
                writer.signed(*errno);
            }
            Report::Done { request } => {
                writer = Writer::new(3);
                writer.word(*request);
            }
            Report::Failed {
                request,
                tried,
                errno,
            } => {
                writer = Writer::new(4);
                writer.word(*request);
                writer.text(tried);
                writer.signed(*errno);
            }
            Report::Sampled { request, tasks } => {
                writer = Writer::new(5);
                writer.word(*request);
                writer.list(tasks, encode_task);
            }
            Report::Named { request, names } => {
                writer = Writer::new(6);
                writer.word(*request);
                writer.list(names, |writer, name| writer.text(name));
            }
            Report::Exited { start, status } => {
                writer = Writer::new(7);
                writer.word(*start);
                writer.signed(*status);
            }
            Report::TreeGone => writer = Writer::new(8),
            Report::Called(call) => {
                writer = Writer::new(9);
                file_call::encode_call(&mut writer, call);
            }
            Report::Returned {
                call,
                result,
                existed,
            } => {
                writer = Writer::new(10);
                writer.long(*call);
                writer.long(result.cast_unsigned());
                writer.flag(*existed);
            }
        }
        writer.finish()
    }

    /// Returns the report that these bytes are.
    pub fn decode(message: &[u8]) -> Result<Report, Malformed> {
        let (kind, mut reader) = Reader::open(message)?;
        let report = match kind {
            1 => Report::Ready {
                listening: reader.list(Reader::flag)?,
            },
            2 => Report::Refused {
                tried: reader.text()?,
                errno: reader.signed()?,
            },
            3 => Report::Done {
                request: reader.word()?,
            },
            4 => Report::Failed {
                request: reader.word()?,
                tried: reader.text()?,
                errno: reader.signed()?,
            },
            5 => Report::Sampled {
                request: reader.word()?,
                tasks: bounded(reader.list(decode_task)?, TASKS_MAX)?,
            },
            6 => Report::Named {
                request: reader.word()?,
                names: bounded(reader.list(Reader::text)?, NAMES_MAX)?,
            },
            7 => Report::Exited {
                start: reader.word()?,
                status: reader.signed()?,
            },
            8 => Report::TreeGone,
            9 => Report::Called(file_call::decode_call(&mut reader)?),
            10 => Report::Returned {
                call: reader.long()?,
                result: reader.long()?.cast_signed(),
                existed: reader.flag()?,
            },
            _ => return Err(Malformed::Unknown),
        };
        reader.finish()?;
        Ok(report)
    }
}

fn bounded<T>(items: Vec<T>, max: usize) -> Result<Vec<T>, Malformed> {
    if items.len() > max {
        Err(Malformed::Field)
    } else {
        Ok(items)
    }
}

fn encode_task(writer: &mut Writer, task: &Task) {
    writer.signed(task.pid);
    writer.signed(task.tid);
    writer.byte(task.state);
    writer.flag(task.call.is_some());
    writer.long(task.call.unwrap_or(0).cast_unsigned());
    task.arguments
        .iter()
        .for_each(|argument| writer.long(*argument));
    writer.long(task.switches.0);
    writer.long(task.switches.1);
}

fn decode_task(reader: &mut Reader<'_>) -> Result<Task, Malformed> {
    let (pid, tid, state) = (reader.signed()?, reader.signed()?, reader.byte()?);
    let (in_call, call) = (reader.flag()?, reader.long()?.cast_signed());
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = reader.long()?;
    }
    let switches = (reader.long()?, reader.long()?);
    Ok(Task {
        pid,
        tid,
        state,
        call: in_call.then_some(call),
        arguments,
        switches,
    })
}
