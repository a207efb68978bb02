//! Files and folders: names, kinds, modes and contents; SQLite files as their tables.
//!
//! Everything below the folder is hostile. It is walked by descriptors and without following links,
//! so that nothing outside is ever read; what is no file, folder or link is named and not opened;
//! depth and number are bounded.

use super::{is_compared, object_of_rows, sqlite, text_column};
use crate::service::{CONTENT_BYTES_MAX, KnownContents};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use twiceproof_model::ServiceName;
use twiceproof_model::digest::{Digest, Hasher};
use twiceproof_model::snapshot::{Object, ObjectName};

/// Most folders below one another.
const DEPTH_MAX: usize = 32;

/// Most entries in all.
const ENTRIES_MAX: usize = 10_000;

/// Most bytes of one file that are read. Of a larger one the first are compared, and its size.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Most bytes of a text file that are kept as lines.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Size of the pieces in which files are read.
const PIECE_BYTES: usize = 64 << 10;

/// Captures one folder, as often as asked.
pub(crate) struct Capturer {
    service: ServiceName,
    patterns: Vec<String>,
    /// Where SQLite files are copied to.
    scratch: PathBuf,
    /// The objects of each SQLite file by what its bytes were.
    databases: BTreeMap<String, (Digest, sqlite::Objects)>,
}

/// What a walk found, by path below the folder.
type Found = BTreeMap<String, Entry>;

enum Entry {
    File(OwnedFd, u32),
    /// Anything else, as rows of an object.
    Told(Vec<(&'static str, String)>),
}

impl Capturer {
    /// Captures for this service, with a folder of its own to work in.
    pub(crate) fn new(service: &ServiceName, patterns: &[String], scratch: PathBuf) -> Self {
        Self {
            service: service.clone(),
            patterns: patterns.to_vec(),
            scratch,
            databases: BTreeMap::new(),
        }
    }

    /// Captures the folder.
    pub(crate) fn capture(
        &mut self,
        root: &Path,
        known: &mut KnownContents,
    ) -> io::Result<BTreeMap<ObjectName, Object>> {
        let mut found = Found::new();
        walk(&folder(rustix::fs::CWD, root)?, "", 0, &mut found)?;
        let databases = databases(&found)?;
        let mut objects = BTreeMap::new();
        for name in &databases {
            let read = self.database(name, &found, known)?;
            objects.extend(read);
        }
        for (name, entry) in &found {
            let is_companion = |suffix: &str| {
                name.strip_suffix(suffix)
                    .is_some_and(|base| databases.iter().any(|db| db == base))
            };
            let part_of_database = databases.contains(name)
                || sqlite::COMPANIONS.iter().any(|suffix| is_companion(suffix));
            if part_of_database || !is_compared(&self.patterns, name) {
                continue;
            }
            let rows = match entry {
                Entry::File(file, mode) => file_rows(file, *mode)?,
                Entry::Told(rows) => rows.clone(),
            };
            let object = ObjectName::new(&self.service, name);
            objects.insert(object.clone(), rows_object(known, object, rows));
        }
        Ok(objects)
    }

    /// Reads a SQLite file from a copy of it and of its journals.
    fn database(
        &mut self,
        name: &str,
        found: &Found,
        known: &mut KnownContents,
    ) -> io::Result<sqlite::Objects> {
        let copy = self.scratch.join("copy.db");
        let mut hasher = Hasher::new("sqlite file 1");
        for suffix in ["", "-journal", "-wal"] {
            let path = self.scratch.join(format!("copy.db{suffix}"));
            match found.get(&format!("{name}{suffix}")) {
                Some(Entry::File(file, _)) => hasher.bytes(&copy_file(file, &path)?),
                _ => {
                    remove(&path)?;
                    hasher.bytes(&[]);
                }
            }
        }
        remove(&self.scratch.join("copy.db-shm"))?;
        let digest = hasher.finish();
        if let Some((former, objects)) = self.databases.get(name)
            && *former == digest
        {
            return Ok(objects.clone());
        }
        let objects = match sqlite::read(&copy, &self.service, name, &self.patterns, known) {
            Ok(objects) => objects,
            Err(error) => {
                // Half a file, as a job that was killed may leave: its damage is its state.
                let object = ObjectName::new(&self.service, name);
                let text = crate::service::output::one_line(&error.to_string());
                let rows = vec![("unreadable", text), ("bytes", digest.to_string())];
                vec![(object.clone(), rows_object(known, object, rows))]
            }
        };
        self.databases
            .insert(name.to_owned(), (digest, objects.clone()));
        Ok(objects)
    }
}

fn rows_object(
    known: &mut KnownContents,
    name: ObjectName,
    rows: Vec<(&'static str, String)>,
) -> Object {
    let columns = vec![text_column("what", false), text_column("text", false)];
    let rows = rows
        .into_iter()
        .map(|(what, text)| vec![Some(what.to_owned()), Some(text)]);
    object_of_rows(known, name, columns, rows.collect())
}

/// Opens a folder that is no link.
fn folder(parent: impl AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, path, flags, Mode::empty())?)
}

fn walk(parent: &OwnedFd, prefix: &str, depth: usize, found: &mut Found) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(parent)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            entries.push(entry.file_name().to_owned());
        }
        if entries.len() + found.len() > ENTRIES_MAX {
            return Err(io::Error::other(format!(
                "there are more than {ENTRIES_MAX} files in it"
            )));
        }
    }
    for entry in entries {
        let name = format!("{prefix}{}", entry.to_string_lossy());
        let stat = match statat(parent, &*entry, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(error.into()),
        };
        let mode = stat.st_mode & 0o7777;
        let told = |what, text: String| Entry::Told(vec![(what, text)]);
        let entry = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => match open_file(parent.as_fd(), &entry) {
                Ok(file) => Entry::File(file, mode),
                Err(error) => told("unreadable", error.to_string()),
            },
            FileType::Directory => {
                let inner = format!("{name}/");
                match folder(parent, &*entry) {
                    Ok(_) if depth + 1 >= DEPTH_MAX => {
                        return Err(io::Error::other(format!(
                            "it is deeper than {DEPTH_MAX} folders"
                        )));
                    }
                    Ok(folder) => walk(&folder, &inner, depth + 1, found)?,
                    Err(error) => {
                        found.insert(inner, told("unreadable", error.to_string()));
                        continue;
                    }
                }
                found.insert(inner, told("folder", format!("mode {mode:o}")));
                continue;
            }
            FileType::Symlink => match readlinkat(parent, &*entry, Vec::new()) {
                Ok(target) => told("link", target.to_string_lossy().into_owned()),
                Err(error) => told("unreadable", error.to_string()),
            },
            FileType::Socket => told("socket", String::new()),
            FileType::Fifo => told("pipe", String::new()),
            _ => told("device", String::new()),
        };
        found.insert(name, entry);
    }
    Ok(())
}

/// Opens a file that is no link; never waits, whatever it has become meanwhile.
fn open_file(parent: BorrowedFd<'_>, name: &std::ffi::CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Returns the names of the SQLite files.
fn databases(found: &Found) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, entry) in found {
        let Entry::File(file, _) = entry else {
            continue;
        };
        let mut magic = [0; 16];
        let count = rustix::io::pread(file, &mut magic, 0)?;
        if count == magic.len() && &magic == sqlite::MAGIC {
            names.push(name.clone());
        }
    }
    Ok(names)
}

/// Returns a file as rows: what it is, and for a text each of its lines, so that a doubled one can
/// be read.
fn file_rows(file: &OwnedFd, mode: u32) -> io::Result<Vec<(&'static str, String)>> {
    let mut bytes = Vec::new();
    let mut hasher = Hasher::new("file 1");
    let size = pieces(file, |piece| {
        if bytes.len() as u64 <= TEXT_BYTES_MAX {
            bytes.extend_from_slice(piece);
        }
        hasher.bytes(piece);
        Ok(())
    })?;
    let mut rows = vec![("mode", format!("{mode:o}")), ("size", size.to_string())];
    rows.push(("bytes", hasher.finish().to_string()));
    let text = std::str::from_utf8(&bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    if let (true, Some(text)) = (
        bytes.len() as u64 <= TEXT_BYTES_MAX.min(CONTENT_BYTES_MAX as u64),
        text,
    ) {
        rows.extend(text.lines().map(|line| ("line", line.to_owned())));
    }
    Ok(rows)
}

/// Reads a file from its start in pieces of equal size; returns its size.
fn pieces(file: &OwnedFd, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        let mut filled = 0;
        while filled < piece.len() {
            match rustix::io::pread(file, &mut piece[filled..], offset + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        if filled == 0 || offset >= FILE_BYTES_MAX {
            return Ok(rustix::fs::fstat(file)?
                .st_size
                .try_into()
                .unwrap_or(offset));
        }
        take(&piece[..filled])?;
        offset += filled as u64;
    }
}

/// Copies a file; returns the hash of what was copied.
fn copy_file(file: &OwnedFd, path: &Path) -> io::Result<Vec<u8>> {
    let mut copy = File::create(path)?;
    let mut hasher = Hasher::new("copy 1");
    pieces(file, |piece| {
        hasher.bytes(piece);
        io::Write::write_all(&mut copy, piece)
    })?;
    Ok(hasher.finish().to_string().into_bytes())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
