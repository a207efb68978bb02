//! A call on a file in a tapped folder, as the shim tells it and the lab answers it.

use crate::bytes::{Malformed, Reader, Writer};

/// Most bytes in a path, as the kernel bounds it.
pub const PATH_MAX: usize = 4096;

/// The result of a call whose result cannot be told: it was let go on unseen, as it waited.
pub const RESULT_UNSEEN: i64 = i64::MIN;

/// The result of a call that was never made, as its thread died first.
pub const RESULT_GONE: i64 = i64::MIN + 1;

/// Least of the kernel's own results for "interrupted, will be made again", negated: ERESTARTSYS.
const RESTART_MIN: i64 = 512;

/// The greatest of them: ERESTART_RESTARTBLOCK.
const RESTART_MAX: i64 = 516;

/// Returns whether a result says that the call would have had to wait, and that the thread makes it
/// again unless a signal is handled first.
pub fn would_wait(result: i64) -> bool {
    (-RESTART_MAX..=-RESTART_MIN).contains(&result)
}

/// What a call does. The numbers are those on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verb {
    /// `open` with `O_CREAT | O_EXCL`.
    CreateNew = 1,
    /// `open` with `O_CREAT` and without `O_EXCL`.
    Create = 2,
    /// `open` with `O_TRUNC` and without `O_CREAT`.
    Empty = 3,
    /// `link`: the other path is the new name.
    Link = 4,
    /// `symlink`: the other path is what the link says.
    Symlink = 5,
    /// `rename`: the other path is the new name.
    Rename = 6,
    /// `renameat2` with `RENAME_NOREPLACE`.
    RenameNew = 7,
    /// `renameat2` with `RENAME_EXCHANGE`.
    Exchange = 8,
    /// `unlink`.
    Unlink = 9,
    /// `mkdir`.
    Mkdir = 10,
    /// `rmdir`.
    Rmdir = 11,
    /// `flock`.
    Flock = 12,
    /// `fcntl` with `F_SETLK` or `F_SETLKW`: the owner is the process.
    Lock = 13,
    /// `fcntl` with `F_OFD_SETLK` or `F_OFD_SETLKW`: the owner is the open file.
    OpenFileLock = 14,
    /// `fsync`.
    Sync = 15,
    /// `fdatasync`.
    SyncData = 16,
    /// `truncate`, `ftruncate`.
    SetLength = 17,
    /// `stat` and its kin.
    Stat = 18,
    /// `access` and its kin.
    Access = 19,
    /// `open` that neither creates nor empties.
    Open = 20,
    /// `readlink`.
    ReadLink = 21,
}

impl Verb {
    /// Every verb, in order of number.
    pub const ALL: [Verb; 21] = [
        Verb::CreateNew,
        Verb::Create,
        Verb::Empty,
        Verb::Link,
        Verb::Symlink,
        Verb::Rename,
        Verb::RenameNew,
        Verb::Exchange,
        Verb::Unlink,
        Verb::Mkdir,
        Verb::Rmdir,
        Verb::Flock,
        Verb::Lock,
        Verb::OpenFileLock,
        Verb::Sync,
        Verb::SyncData,
        Verb::SetLength,
        Verb::Stat,
        Verb::Access,
        Verb::Open,
        Verb::ReadLink,
    ];

    fn of(number: u8) -> Result<Verb, Malformed> {
        let place = usize::from(number).checked_sub(1);
        let verb = place.and_then(|place| Verb::ALL.get(place));
        verb.copied().ok_or(Malformed::Field)
    }

    /// Returns whether the call only looks.
    pub fn is_look(self) -> bool {
        matches!(
            self,
            Verb::Stat | Verb::Access | Verb::Open | Verb::ReadLink
        )
    }

    /// Returns whether the call takes or gives back a lock.
    pub fn is_lock(self) -> bool {
        matches!(self, Verb::Flock | Verb::Lock | Verb::OpenFileLock)
    }
}

/// How a lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LockMode {
    /// It is no call on a lock.
    None = 0,
    /// With others that only read.
    Shared = 1,
    /// Alone.
    Exclusive = 2,
    /// It is given back.
    Unlock = 3,
}

/// A lock asked for: `flock` covers the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// How.
    pub mode: LockMode,
    /// Whether the job is ready to wait for it.
    pub waits: bool,
    /// First byte.
    pub start: u64,
    /// Last byte; `u64::MAX`: to the end of the file, however long it grows.
    pub last: u64,
}

impl Lock {
    /// What a call that is about no lock says of one.
    pub const NONE: Lock = Lock {
        mode: LockMode::None,
        waits: false,
        start: 0,
        last: 0,
    };
}

/// A call on a file in a tapped folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCall {
    /// Names it, within the sandbox.
    pub call: u64,
    /// The thread that makes it.
    pub task: i32,
    /// The earlier call that this is made again for, after it would have had to wait.
    pub again: Option<u64>,
    /// What it does.
    pub verb: Verb,
    /// Place of the folder among those that are tapped.
    pub folder: u32,
    /// The path that it is about, relative to the folder; absolute where it lies outside.
    pub path: String,
    /// The other path, in the same way; empty for calls that have one.
    pub other: String,
    /// Whether the file has no name any more.
    pub is_deleted: bool,
    /// Number of the open file, where the call is on one; 0 elsewhere.
    pub inode: u64,
    /// The lock asked for.
    pub lock: Lock,
}

/// What the lab makes of a call that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is made, and the thread goes on.
    Make,
    /// It is made, and the thread stands still before it learns the result.
    MakeAndHold,
    /// A thread that stands still behind its call goes on.
    Finish,
    /// It is made, and nobody asks for its result.
    Pass,
    /// It is not made; the job gets this error number.
    Fail(i32),
}

/// What the shim does with calls in tapped folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Each is told, and made once the lab says so.
    Hold,
    /// Each is told and made, and its result is told.
    Trace,
    /// Each is told and made.
    Note,
}

/// The folders of a start that are tapped, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tapped {
    /// Absolute paths inside; none: nothing is tapped.
    pub folders: Vec<String>,
    /// What is done with calls.
    pub gate: Gate,
    /// Whether calls that only look count too.
    pub looks: bool,
}

impl Tapped {
    /// Nothing is tapped.
    pub const NOTHING: Tapped = Tapped {
        folders: Vec::new(),
        gate: Gate::Note,
        looks: false,
    };
}

pub(crate) fn encode_call(writer: &mut Writer, call: &FileCall) {
    writer.long(call.call);
    writer.signed(call.task);
    writer.flag(call.again.is_some());
    writer.long(call.again.unwrap_or(0));
    writer.byte(call.verb as u8);
    writer.word(call.folder);
    writer.text(&call.path);
    writer.text(&call.other);
    writer.flag(call.is_deleted);
    writer.long(call.inode);
    writer.byte(call.lock.mode as u8);
    writer.flag(call.lock.waits);
    writer.long(call.lock.start);
    writer.long(call.lock.last);
}

pub(crate) fn decode_call(reader: &mut Reader<'_>) -> Result<FileCall, Malformed> {
    let (call, task) = (reader.long()?, reader.signed()?);
    let (is_again, again) = (reader.flag()?, reader.long()?);
    Ok(FileCall {
        call,
        task,
        again: is_again.then_some(again),
        verb: Verb::of(reader.byte()?)?,
        folder: reader.word()?,
        path: decode_path(reader)?,
        other: decode_path(reader)?,
        is_deleted: reader.flag()?,
        inode: reader.long()?,
        lock: Lock {
            mode: match reader.byte()? {
                0 => LockMode::None,
                1 => LockMode::Shared,
                2 => LockMode::Exclusive,
                3 => LockMode::Unlock,
                _ => return Err(Malformed::Field),
            },
            waits: reader.flag()?,
            start: reader.long()?,
            last: reader.long()?,
        },
    })
}

/// A path as the kernel takes it; bytes that are no text arrive replaced, so it may be longer.
fn decode_path(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let path = reader.text()?;
    if path.len() > 3 * PATH_MAX || path.contains('\0') {
        Err(Malformed::Field)
    } else {
        Ok(path)
    }
}

pub(crate) fn encode_verdict(writer: &mut Writer, verdict: Verdict) {
    let (kind, errno) = match verdict {
        Verdict::Make => (0, 0),
        Verdict::MakeAndHold => (1, 0),
        Verdict::Finish => (2, 0),
        Verdict::Pass => (3, 0),
        Verdict::Fail(errno) => (4, errno),
    };
    writer.byte(kind);
    writer.signed(errno);
}

pub(crate) fn decode_verdict(reader: &mut Reader<'_>) -> Result<Verdict, Malformed> {
    match (reader.byte()?, reader.signed()?) {
        (0, 0) => Ok(Verdict::Make),
        (1, 0) => Ok(Verdict::MakeAndHold),
        (2, 0) => Ok(Verdict::Finish),
        (3, 0) => Ok(Verdict::Pass),
        // The numbers that a program may see.
        (4, errno) if (1..512).contains(&errno) => Ok(Verdict::Fail(errno)),
        _ => Err(Malformed::Field),
    }
}

pub(crate) fn encode_tapped(writer: &mut Writer, tapped: &Tapped) {
    writer.list(&tapped.folders, |writer, folder| writer.text(folder));
    writer.byte(match tapped.gate {
        Gate::Hold => 0,
        Gate::Trace => 1,
        Gate::Note => 2,
    });
    writer.flag(tapped.looks);
}

pub(crate) fn decode_tapped(
    reader: &mut Reader<'_>,
    path: impl Fn(&mut Reader<'_>) -> Result<String, Malformed>,
) -> Result<Tapped, Malformed> {
    Ok(Tapped {
        folders: reader.list(path)?,
        gate: match reader.byte()? {
            0 => Gate::Hold,
            1 => Gate::Trace,
            2 => Gate::Note,
            _ => return Err(Malformed::Field),
        },
        looks: reader.flag()?,
    })
}
