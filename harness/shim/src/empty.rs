//! Emptying what a start can leave behind outside the declared folders.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use twiceproof_shim::Place;

/// Deepest folder that is followed; a path cannot be much deeper.
const DEPTH_MAX: u32 = 2048;

/// Folders of a container that are its own: the backend mounts each.
const IN_CONTAINER: &[&str] = &["/tmp", "/run", "/dev/shm"];

/// What can be emptied, and what in it is not a start's.
pub(crate) struct Private {
    place: Place,
    /// What stands in `/dev` from the beginning; an engine's can be written to.
    devices: BTreeSet<PathBuf>,
}

impl Private {
    /// Looks at the sandbox before its first start.
    pub(crate) fn before_starts(place: Place) -> Self {
        let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
        let devices = entries.map(|entry| entry.path()).collect();
        Self { place, devices }
    }

    /// Removes everything that starts left in folders, queues and shared memory.
    ///
    /// Nothing may run meanwhile, so paths cannot change below our feet.
    pub(crate) fn empty(&self) {
        empty_folders(self.place);
        empty_but(Path::new("/dev"), &self.devices);
        empty(Path::new("/dev/mqueue"));
        remove_shared_memory();
    }
}

fn empty_folders(place: Place) {
    match place {
        Place::Container => IN_CONTAINER
            .iter()
            .for_each(|folder| empty(Path::new(folder))),
        Place::Host => {
            for (folder, mode) in crate::mounts::PRIVATE {
                let is_folder = |found: fs::Metadata| found.is_dir();
                if fs::symlink_metadata(folder).is_ok_and(is_folder) {
                    empty(Path::new(folder));
                    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(*mode));
                }
            }
        }
    }
}

fn empty(folder: &Path) {
    empty_but(folder, &BTreeSet::new());
}

fn empty_but(folder: &Path, kept: &BTreeSet<PathBuf>) {
    if let Ok(found) = fs::symlink_metadata(folder) {
        empty_device(folder, found.dev(), DEPTH_MAX, kept);
    }
}

/// Removes what lies on one device: a declared folder bound in below is another.
fn empty_device(folder: &Path, device: u64, depth: u32, kept: &BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        if found.dev() != device || kept.contains(&path) {
            continue;
        }
        // What cannot be removed stays: a folder that holds a declared one.
        if !found.is_dir() {
            let _ = fs::remove_file(&path);
        } else if fs::remove_dir(&path).is_err() && depth > 0 {
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o700));
            empty_device(&path, device, depth - 1, kept);
            let _ = fs::remove_dir(&path);
        }
    }
}

/// Removes System V shared memory, semaphores and queues, whose numbers stand second on each line.
fn remove_shared_memory() {
    let numbers = |kind: &str| -> Vec<libc::c_int> {
        let list = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let second = |line: &str| line.split_ascii_whitespace().nth(1)?.parse().ok();
        list.lines().skip(1).filter_map(second).collect()
    };
    // SAFETY: these calls take numbers, and no pointer for IPC_RMID.
    unsafe {
        for number in numbers("shm") {
            libc::shmctl(number, libc::IPC_RMID, std::ptr::null_mut());
        }
        for number in numbers("sem") {
            libc::semctl(number, 0, libc::IPC_RMID);
        }
        for number in numbers("msg") {
            libc::msgctl(number, libc::IPC_RMID, std::ptr::null_mut());
        }
    }
}
