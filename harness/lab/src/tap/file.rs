//! The file tap's words: what a call on a file is called as a request, and what its result says as
//! a reply.

use std::hash::{DefaultHasher, Hash, Hasher};
use twiceproof_model::operation::Tag;
use twiceproof_model::{Outcome, Reply};
use twiceproof_shim::file_call::{RESULT_GONE, RESULT_UNSEEN};
use twiceproof_shim::{FileCall, Lock, LockMode, Verb};
use twiceproof_wire::mask_file_name;

/// First of the bytes by which SQLite's rollback mode locks a database.
const SQLITE_PENDING: u64 = 0x4000_0000;
/// How many bytes SQLite's readers share.
const SQLITE_SHARED: u64 = 510;
/// First of the bytes by which SQLite's write-ahead mode locks its index.
const SQLITE_WAL: u64 = 120;
/// What those bytes are called in SQLite's documentation.
const SQLITE_WAL_NAMES: [&str; 9] = [
    "WRITE",
    "CHECKPOINT",
    "RECOVER",
    "READ0",
    "READ1",
    "READ2",
    "READ3",
    "READ4",
    "DMS",
];

/// Returns the text of the request's signature: the verb, and the paths relative to the folder,
/// with parts that change from run to run as `?`.
pub(crate) fn text(call: &FileCall) -> String {
    let mut text = format!("{} {}", verb_of(call), mask_file_name(&call.path));
    if !call.other.is_empty() {
        text.push(' ');
        text.push_str(&mask_file_name(&call.other));
    }
    if call.is_deleted {
        text.push_str(" (deleted)");
    }
    if call.verb != Verb::Flock && call.verb.is_lock() {
        text.push(' ');
        text.push_str(&range_of(call));
    }
    text.push_str(match call.lock.mode {
        LockMode::None | LockMode::Unlock => "",
        LockMode::Shared => " SH",
        LockMode::Exclusive => " EX",
    });
    if matches!(call.lock.mode, LockMode::Shared | LockMode::Exclusive) && !call.lock.waits {
        text.push_str(" NB");
    }
    text
}

fn verb_of(call: &FileCall) -> &'static str {
    let unlocks = call.lock.mode == LockMode::Unlock;
    match call.verb {
        Verb::CreateNew => "create-new",
        Verb::Create => "create",
        Verb::Empty => "empty",
        Verb::Link => "link",
        Verb::Symlink => "symlink",
        Verb::Rename => "rename",
        Verb::RenameNew => "rename-new",
        Verb::Exchange => "exchange",
        Verb::Unlink => "unlink",
        Verb::Mkdir => "mkdir",
        Verb::Rmdir => "rmdir",
        Verb::Flock if unlocks => "funlock",
        Verb::Flock => "flock",
        Verb::Lock | Verb::OpenFileLock if unlocks => "unlock",
        Verb::Lock => "lock",
        Verb::OpenFileLock => "ofd-lock",
        Verb::Sync => "fsync",
        Verb::SyncData => "fdatasync",
        Verb::SetLength => "set-length",
        Verb::Stat => "stat",
        Verb::Access => "access",
        Verb::Open => "open",
        Verb::ReadLink => "readlink",
    }
}

/// Returns the bytes of a lock, by SQLite's names where they are SQLite's.
fn range_of(call: &FileCall) -> String {
    let Lock { start, last, .. } = call.lock;
    let bytes = last.saturating_sub(start).saturating_add(1);
    if call.path.ends_with("-shm") && (SQLITE_WAL..SQLITE_WAL + 9).contains(&start) {
        let first = usize::try_from(start - SQLITE_WAL).unwrap_or(0);
        let count = usize::try_from(bytes).unwrap_or(usize::MAX);
        let names = SQLITE_WAL_NAMES.iter().skip(first).take(count);
        return names.copied().collect::<Vec<_>>().join("+");
    }
    match start.checked_sub(SQLITE_PENDING) {
        Some(0) if bytes == 1 => "PENDING".to_owned(),
        Some(0) if bytes == 2 => "PENDING+RESERVED".to_owned(),
        Some(1) if bytes == 1 => "RESERVED".to_owned(),
        Some(2) if bytes <= SQLITE_SHARED => "SHARED".to_owned(),
        _ if start == 0 && last == u64::MAX => "ALL".to_owned(),
        _ if last == u64::MAX => format!("{start}.."),
        _ => format!("{start}+{bytes}"),
    }
}

/// Returns a hash of the whole request, with nothing masked.
pub(crate) fn hash(call: &FileCall) -> u64 {
    let mut hasher = DefaultHasher::new();
    (call.verb, &call.path, &call.other).hash(&mut hasher);
    (call.lock.mode, call.lock.start, call.lock.last).hash(&mut hasher);
    hasher.finish()
}

/// Returns whether a call changes what another run sees. A sync does not, and a lock dies with its
/// holder: neither makes a crash point of its own.
pub(crate) fn changes(call: &FileCall) -> bool {
    let syncs = matches!(call.verb, Verb::Sync | Verb::SyncData);
    !syncs && !call.verb.is_look() && !call.verb.is_lock()
}

/// Returns whether a call fails where there is no room.
pub(crate) fn needs_room(call: &FileCall) -> bool {
    let removes = matches!(
        call.verb,
        Verb::Unlink | Verb::Rmdir | Verb::Empty | Verb::Exchange
    );
    let syncs = matches!(call.verb, Verb::Sync | Verb::SyncData);
    syncs || (changes(call) && !removes)
}

/// Returns what the result of a call says. `existed`: what it would create was there before.
pub(crate) fn reply(call: &FileCall, result: i64, existed: bool) -> Reply {
    let outcome = match result {
        RESULT_UNSEEN | RESULT_GONE => Outcome::Unknown,
        result if result < 0 => Outcome::Error(errno_name(result)),
        _ => Outcome::Ok,
    };
    let writes = changes(call);
    let frees_locks = match call.verb {
        Verb::Flock | Verb::Lock | Verb::OpenFileLock => call.lock.mode != LockMode::Exclusive,
        Verb::Unlink | Verb::Rmdir | Verb::Rename => true,
        _ => false,
    };
    let tags = match outcome {
        Outcome::Ok => vec![Tag {
            command: verb_of(call).to_owned(),
            rows: (call.verb == Verb::Create).then_some(u64::from(!existed)),
        }],
        Outcome::Error(_) | Outcome::Unknown => Vec::new(),
    };
    Reply {
        outcome,
        tags,
        writes,
        frees_locks,
    }
}

/// The kernel's names of error numbers that calls on files end in.
const ERRORS: &[(i64, &str)] = &[
    (1, "EPERM"),
    (2, "ENOENT"),
    (4, "EINTR"),
    (5, "EIO"),
    (9, "EBADF"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (26, "ETXTBSY"),
    (27, "EFBIG"),
    (28, "ENOSPC"),
    (30, "EROFS"),
    (31, "EMLINK"),
    (35, "EDEADLK"),
    (36, "ENAMETOOLONG"),
    (37, "ENOLCK"),
    (39, "ENOTEMPTY"),
    (40, "ELOOP"),
    (116, "ESTALE"),
    (122, "EDQUOT"),
];

/// Returns the name of a negated error number: `ENOSPC`.
fn errno_name(result: i64) -> String {
    let found = ERRORS.iter().find(|(number, _)| *number == -result);
    found.map_or_else(
        || format!("errno {}", -result),
        |(_, name)| (*name).to_owned(),
    )
}

/// Returns the error number of this name, if a call on files can end in it.
pub fn errno_of(name: &str) -> Option<i32> {
    let found = ERRORS.iter().find(|(_, known)| *known == name);
    found.and_then(|(number, _)| i32::try_from(*number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(verb: Verb, path: &str, other: &str, lock: Lock) -> FileCall {
        FileCall {
            call: 1,
            task: 2,
            again: None,
            verb,
            folder: 0,
            path: path.to_owned(),
            other: other.to_owned(),
            is_deleted: false,
            inode: 0,
            lock,
        }
    }

    fn lock(mode: LockMode, waits: bool, start: u64, bytes: u64) -> Lock {
        Lock {
            mode,
            waits,
            start,
            last: start + bytes - 1,
        }
    }

    #[test]
    fn requests_are_named() {
        let all = Lock {
            mode: LockMode::Exclusive,
            waits: true,
            start: 0,
            last: u64::MAX,
        };
        let shared = lock(LockMode::Shared, false, SQLITE_PENDING + 2, 510);
        let reserved = lock(LockMode::Exclusive, false, SQLITE_PENDING + 1, 1);
        let write = lock(LockMode::Exclusive, false, 120, 1);
        let range = lock(LockMode::Exclusive, true, 7, 3);
        let free = lock(LockMode::Unlock, false, 7, 3);
        let table = [
            (
                call(Verb::CreateNew, "points.lock", "", Lock::NONE),
                "create-new points.lock",
            ),
            (
                call(Verb::Rename, "a.4711.tmp", "a", Lock::NONE),
                "rename a.?.tmp a",
            ),
            (call(Verb::Flock, "job.lock", "", all), "flock job.lock EX"),
            (
                call(Verb::Lock, "p.db", "", shared),
                "lock p.db SHARED SH NB",
            ),
            (
                call(Verb::Lock, "p.db", "", reserved),
                "lock p.db RESERVED EX NB",
            ),
            (
                call(Verb::Lock, "p.db-shm", "", write),
                "lock p.db-shm WRITE EX NB",
            ),
            (
                call(Verb::OpenFileLock, "f", "", range),
                "ofd-lock f 7+3 EX",
            ),
            (call(Verb::Lock, "f", "", free), "unlock f 7+3"),
            (call(Verb::Lock, "f", "", all), "lock f ALL EX"),
        ];
        for (call, expect) in table {
            assert_eq!(text(&call), expect);
        }
    }

    #[test]
    fn results_are_told() {
        let check = |verb, result, existed, expect: &str, effective| {
            let reply = reply(&call(verb, "f", "", Lock::NONE), result, existed);
            assert_eq!(reply.summary(), expect);
            assert_eq!(reply.is_effective_write(), effective, "{verb:?}");
        };
        check(Verb::CreateNew, 3, false, "create-new", true);
        check(Verb::CreateNew, -17, false, "EEXIST", false);
        check(Verb::Create, 3, false, "create 1", true);
        check(Verb::Create, 3, true, "create 0", false);
        check(Verb::Sync, 0, false, "fsync", false);
        check(Verb::Stat, -2, false, "ENOENT", false);
        check(Verb::Unlink, RESULT_GONE, false, "unknown", false);
        check(Verb::Unlink, -99, false, "errno 99", false);
    }
}
