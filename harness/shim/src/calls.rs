//! What a call on files is about: its verb, and the paths in tapped folders.

use crate::notify::{Memory, Notice};
use crate::system::{c_text, new_fd};
use std::ffi::OsStr;
use std::fs;
use std::io::Result;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use twiceproof_shim::{FileCall, Lock, LockMode, Verb};

/// What the kernel adds to the name of an open file that has lost its own.
const DELETED: &str = " (deleted)";

/// A call in a tapped folder.
pub(crate) struct Asked {
    pub(crate) call: FileCall,
    /// The path that a call which may create names, absolute, and whether it empties what is there.
    pub(crate) creates: Option<(PathBuf, bool)>,
}

/// Returns what the call is about, if that lies in one of the folders. The thread may be gone, or
/// its memory not readable: then the call is about nothing.
pub(crate) fn read(notice: &Notice, folders: &[PathBuf]) -> Option<Asked> {
    let look = Looker {
        notice,
        folders,
        memory: Memory::of(notice.thread).ok()?,
    };
    look.asked().ok().flatten()
}

/// Returns a path without symbolic links, as far as it exists.
pub(crate) fn plain(path: &Path) -> PathBuf {
    resolved(path).unwrap_or_else(|| path.to_owned())
}

/// Which path of a call is meant: where its folder's descriptor stands, if anywhere, and its text.
type Place = (Option<usize>, usize);

struct Looker<'a> {
    notice: &'a Notice,
    folders: &'a [PathBuf],
    memory: Memory,
}

impl Looker<'_> {
    fn argument(&self, place: usize) -> u64 {
        self.notice.arguments[place]
    }

    fn number(&self, place: usize) -> i32 {
        self.argument(place) as u32 as i32
    }

    fn asked(&self) -> Result<Option<Asked>> {
        let (one, at) = ((None, 0), (Some(0), 1));
        let (two, at_two) = ((None, 1), (Some(2), 3));
        match self.notice.number {
            libc::SYS_open => self.opened(one, self.number(1)),
            libc::SYS_creat => self.opened(one, libc::O_CREAT | libc::O_TRUNC),
            libc::SYS_openat => self.opened(at, self.number(2)),
            libc::SYS_openat2 => {
                let flags = self.memory.bytes::<8>(self.argument(2))?;
                self.opened(at, u64::from_le_bytes(flags) as i32)
            }
            libc::SYS_link => self.both(Verb::Link, one, two),
            libc::SYS_linkat => self.both(Verb::Link, at, at_two),
            libc::SYS_rename => self.both(Verb::Rename, one, two),
            libc::SYS_renameat => self.both(Verb::Rename, at, at_two),
            libc::SYS_renameat2 => {
                let verb = match self.argument(4) as u32 {
                    libc::RENAME_EXCHANGE => Verb::Exchange,
                    flags if flags & libc::RENAME_NOREPLACE != 0 => Verb::RenameNew,
                    _ => Verb::Rename,
                };
                self.both(verb, at, at_two)
            }
            libc::SYS_symlink => self.symlink(two),
            libc::SYS_symlinkat => self.symlink((Some(1), 2)),
            libc::SYS_unlink => self.one(Verb::Unlink, one, false),
            libc::SYS_unlinkat if self.number(2) & libc::AT_REMOVEDIR != 0 => {
                self.one(Verb::Rmdir, at, false)
            }
            libc::SYS_unlinkat => self.one(Verb::Unlink, at, false),
            libc::SYS_rmdir => self.one(Verb::Rmdir, one, false),
            libc::SYS_mkdir => self.one(Verb::Mkdir, one, false),
            libc::SYS_mkdirat => self.one(Verb::Mkdir, at, false),
            libc::SYS_truncate => self.one(Verb::SetLength, one, true),
            libc::SYS_stat => self.one(Verb::Stat, one, true),
            libc::SYS_lstat => self.one(Verb::Stat, one, false),
            libc::SYS_newfstatat => self.status(3),
            libc::SYS_statx => self.status(2),
            libc::SYS_access => self.one(Verb::Access, one, true),
            libc::SYS_faccessat | libc::SYS_faccessat2 => self.one(Verb::Access, at, true),
            libc::SYS_readlink => self.one(Verb::ReadLink, one, false),
            libc::SYS_readlinkat => self.one(Verb::ReadLink, at, false),
            libc::SYS_ftruncate => self.on_open_file(Verb::SetLength, Lock::NONE),
            libc::SYS_fsync => self.on_open_file(Verb::Sync, Lock::NONE),
            libc::SYS_fdatasync => self.on_open_file(Verb::SyncData, Lock::NONE),
            libc::SYS_flock => self.on_open_file(Verb::Flock, self.whole_file()),
            libc::SYS_fcntl => {
                let (verb, lock) = self.range()?;
                self.on_open_file(verb, lock)
            }
            _ => Ok(None),
        }
    }

    /// Returns the path at a place without symbolic links; `follow`: the last part's too.
    fn path(&self, (folder, text): Place, follow: bool) -> Result<PathBuf> {
        let text = self.memory.text(self.argument(text))?;
        let text = Path::new(OsStr::from_bytes(text.as_bytes()));
        let thread = self.notice.thread;
        let path = if let Ok(own) = text.strip_prefix("/proc/self") {
            PathBuf::from(format!("/proc/{thread}")).join(own)
        } else if text.is_absolute() {
            text.to_owned()
        } else {
            let base = match folder.map(|place| self.number(place)) {
                None | Some(libc::AT_FDCWD) => format!("/proc/{thread}/cwd"),
                Some(descriptor) => format!("/proc/{thread}/fd/{descriptor}"),
            };
            fs::read_link(base)?.join(text)
        };
        if follow && let Some(resolved) = resolved(&path) {
            return Ok(resolved);
        }
        // The last part need not exist, and is not followed.
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok(plain(parent).join(name)),
            _ => Ok(plain(&path)),
        }
    }

    /// Returns the folder that a path lies in, and the rest of the path.
    fn place(&self, path: &Path) -> Option<(u32, String)> {
        let mut folders = self.folders.iter().zip(0u32..);
        folders.find_map(|(folder, place)| {
            let rest = path.strip_prefix(folder).ok()?;
            let rest = rest.to_string_lossy();
            let rest = if rest.is_empty() { "." } else { &rest };
            Some((place, rest.to_owned()))
        })
    }

    fn call(&self, verb: Verb, folder: u32, path: String) -> FileCall {
        FileCall {
            call: 0,
            task: self.notice.thread,
            again: None,
            verb,
            folder,
            path,
            other: String::new(),
            is_deleted: false,
            inode: 0,
            lock: Lock::NONE,
        }
    }

    fn one(&self, verb: Verb, place: Place, follow: bool) -> Result<Option<Asked>> {
        let path = self.path(place, follow)?;
        let found = self.place(&path);
        Ok(found.map(|(folder, rest)| Asked {
            call: self.call(verb, folder, rest),
            creates: None,
        }))
    }

    fn opened(&self, place: Place, flags: i32) -> Result<Option<Asked>> {
        let has = |flag| flags & flag == flag;
        let verb = match () {
            () if has(libc::O_CREAT | libc::O_EXCL) => Verb::CreateNew,
            () if has(libc::O_CREAT) => Verb::Create,
            () if has(libc::O_TRUNC) => Verb::Empty,
            () => Verb::Open,
        };
        let follow = verb != Verb::CreateNew && !has(libc::O_NOFOLLOW);
        let path = self.path(place, follow)?;
        let found = self.place(&path);
        Ok(found.map(|(folder, rest)| Asked {
            call: self.call(verb, folder, rest),
            creates: (verb == Verb::Create).then_some((path, has(libc::O_TRUNC))),
        }))
    }

    /// A look at an open file says nothing of a name.
    fn status(&self, flags: usize) -> Result<Option<Asked>> {
        let flags = self.number(flags);
        let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
        if flags & libc::AT_EMPTY_PATH != 0
            && self.memory.text(self.argument(1))?.as_bytes().is_empty()
        {
            return Ok(None);
        }
        self.one(Verb::Stat, (Some(0), 1), follow)
    }

    fn both(&self, verb: Verb, from: Place, to: Place) -> Result<Option<Asked>> {
        // An empty name is the descriptor itself, which has no place in a folder yet.
        let (from, to) = (self.path(from, false), self.path(to, false)?);
        let from = from.unwrap_or_default();
        let (old, new) = (self.place(&from), self.place(&to));
        let Some(folder) = new.as_ref().or(old.as_ref()).map(|(folder, _)| *folder) else {
            return Ok(None);
        };
        // The name in another folder is as foreign as one outside of all.
        let name = |found: Option<(u32, String)>, whole: &Path| match found {
            Some((place, rest)) if place == folder => rest,
            _ => whole.to_string_lossy().into_owned(),
        };
        let mut call = self.call(verb, folder, name(old, &from));
        call.other = name(new, &to);
        Ok(Some(Asked {
            call,
            creates: None,
        }))
    }

    fn symlink(&self, place: Place) -> Result<Option<Asked>> {
        let content = self.memory.text(self.argument(0))?;
        let asked = self.one(Verb::Symlink, place, false)?;
        Ok(asked.map(|mut asked| {
            asked.call.other = content.to_string_lossy().into_owned();
            asked
        }))
    }

    fn on_open_file(&self, verb: Verb, lock: Lock) -> Result<Option<Asked>> {
        let link = format!("/proc/{}/fd/{}", self.notice.thread, self.number(0));
        let path = fs::read_link(&link)?;
        let named = path.to_string_lossy();
        let (path, is_deleted) = match named.strip_suffix(DELETED) {
            Some(name) => (Path::new(name), true),
            None => (&*path, false),
        };
        let Some((folder, rest)) = self.place(path) else {
            return Ok(None);
        };
        let mut call = self.call(verb, folder, rest);
        call.is_deleted = is_deleted;
        call.inode = fs::metadata(&link)?.ino();
        call.lock = lock;
        Ok(Some(Asked {
            call,
            creates: None,
        }))
    }

    fn whole_file(&self) -> Lock {
        let operation = self.number(1);
        Lock {
            mode: match operation & !libc::LOCK_NB {
                libc::LOCK_SH => LockMode::Shared,
                libc::LOCK_EX => LockMode::Exclusive,
                _ => LockMode::Unlock,
            },
            waits: operation & libc::LOCK_NB == 0,
            start: 0,
            last: u64::MAX,
        }
    }

    /// Reads `struct flock`: type and whence of two bytes, start and length of eight from byte 8.
    fn range(&self) -> Result<(Verb, Lock)> {
        let command = self.number(1);
        let verb = match command {
            libc::F_OFD_SETLK | libc::F_OFD_SETLKW => Verb::OpenFileLock,
            _ => Verb::Lock,
        };
        let bytes = self.memory.bytes::<24>(self.argument(2))?;
        let short = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(word)
        };
        let base = match i32::from(short(2)) {
            libc::SEEK_CUR => self.offset(),
            libc::SEEK_END => {
                let link = format!("/proc/{}/fd/{}", self.notice.thread, self.number(0));
                i64::try_from(fs::metadata(link)?.len()).unwrap_or(i64::MAX)
            }
            _ => 0,
        };
        let start = base.saturating_add(long(8));
        let (start, last) = match long(16) {
            0 => (start, i64::MAX),
            length if length > 0 => (start, start.saturating_add(length - 1)),
            length => (start.saturating_add(length), start.saturating_sub(1)),
        };
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok((
            verb,
            Lock {
                mode: match i32::from(short(0)) {
                    libc::F_RDLCK => LockMode::Shared,
                    libc::F_WRLCK => LockMode::Exclusive,
                    _ => LockMode::Unlock,
                },
                waits: matches!(command, libc::F_SETLKW | libc::F_OFD_SETLKW),
                start: number(start),
                last: if last == i64::MAX {
                    u64::MAX
                } else {
                    number(last)
                },
            },
        ))
    }

    /// Returns where the open file stands; 0 if that cannot be told.
    fn offset(&self) -> i64 {
        let path = format!("/proc/{}/fdinfo/{}", self.notice.thread, self.number(0));
        let text = fs::read_to_string(path).unwrap_or_default();
        let word = text.lines().find_map(|line| line.strip_prefix("pos:"));
        word.and_then(|word| word.trim().parse().ok()).unwrap_or(0)
    }
}

/// Returns the path that the kernel has for this one, if it exists: two calls, at any depth.
fn resolved(path: &Path) -> Option<PathBuf> {
    let text = c_text(path.to_str()?).ok()?;
    // SAFETY: the text outlives the call; the descriptor is new.
    let file = new_fd(unsafe { libc::open(text.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }).ok()?;
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}
