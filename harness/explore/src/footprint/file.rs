//! Files: a path is an object, and so is the list of a folder's entries.

use super::{Access, Touched, access_of};
use twiceproof_model::Reply;

/// Calls that name two paths.
const TWO_PATHS: &[&str] = &["exchange", "link", "rename", "rename-new", "symlink"];
/// Calls that change a folder's list of entries.
const ENTRIES: &[&str] = &[
    "create",
    "create-new",
    "exchange",
    "link",
    "mkdir",
    "rename",
    "rename-new",
    "rmdir",
    "symlink",
    "unlink",
];
/// Calls that take or give back a lock.
const LOCKS: &[&str] = &["flock", "funlock", "lock", "ofd-lock", "unlock"];
/// Calls that force to the disk.
const SYNCS: &[&str] = &["fdatasync", "fsync"];
/// Calls that look, or change the file alone.
const OTHERS: &[&str] = &["access", "empty", "open", "readlink", "set-length", "stat"];

pub(super) fn read(text: &str, reply: &Reply) -> Touched {
    let mut words = text.split(' ');
    let verb = words.next()?;
    if SYNCS.contains(&verb) {
        return Some(Vec::new());
    }
    let changes_entries = ENTRIES.contains(&verb);
    let is_lock = LOCKS.contains(&verb);
    if !(changes_entries || is_lock || OTHERS.contains(&verb)) {
        return None;
    }
    let access = if is_lock {
        Access::Write
    } else {
        access_of(reply)
    };
    let count = if TWO_PATHS.contains(&verb) { 2 } else { 1 };
    let mut touched = Vec::new();
    for path in words.take(count) {
        touched.push((path.to_owned(), access));
        if changes_entries {
            touched.push((folder(path), access));
        }
    }
    Some(touched)
}

/// Returns the object that the entries of the path's folder are.
fn folder(path: &str) -> String {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/ (entries)")
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::read;

    #[test]
    fn calls() {
        check(read, "stat a/b.lock", false, "r a/b.lock");
        check(read, "create-new a.lock", true, "w / (entries), w a.lock");
        check(read, "create-new a.lock", false, "r / (entries), r a.lock");
        check(
            read,
            "rename in/a.?.tmp out/a",
            true,
            "w in/ (entries), w in/a.?.tmp, w out/ (entries), w out/a",
        );
        check(read, "flock a EX NB", false, "w a");
        check(read, "fsync a", true, "");
        check(read, "teleport a", true, "unknown");
        check(read, "", true, "unknown");
    }
}
