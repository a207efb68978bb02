//! A shared folder: the same one in every instance, as an NFS mount or a volume would be.

use crate::sandbox::Folder;
use crate::service::{
    KnownContents, Service, ServiceContext, ServiceError, ServiceKind, ServiceStream,
};
use crate::source::files::Capturer;
use futures_util::future::{LocalBoxFuture, ready};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_model::snapshot::{Object, ObjectName};

/// The registry entry.
pub(super) struct Files;

const KIND: Kind = Kind {
    name: "files",
    doc: "A folder that all instances share; SQLite files in it are compared as tables.",
    keys: &[Key {
        name: "path",
        value: KeyType::Text,
        required: true,
        default: "",
        doc: "Absolute path at which instances see the folder.",
    }],
    port: None,
};

/// Most files and folders of a seed, and most bytes in them: they are kept in memory.
const SEED_ENTRIES_MAX: usize = 10_000;
const SEED_BYTES_MAX: u64 = 64 << 20;

/// Most folders of a seed below one another.
const SEED_DEPTH_MAX: usize = 32;

/// When everything in the folder was last changed, as far as a trial can tell: the start of 2026.
const MODIFIED: i64 = 1_767_225_600;

/// Any user may write to the folder and its seeded content, since instances run as whoever their
/// image names.
const FOLDER_MODE: u32 = 0o777;
const FILE_MODE: u32 = 0o666;

impl ServiceKind for Files {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn protocol(&self) -> Option<&'static str> {
        None
    }

    fn start<'a>(
        &'a self,
        context: ServiceContext<'a>,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Service>, ServiceError>> {
        Box::pin(ready(start(&context)))
    }
}

fn start(context: &ServiceContext<'_>) -> Result<Box<dyn Service>, ServiceError> {
    let service = context.spec.name.as_str().to_owned();
    let input = |message: String| ServiceError::Input {
        service: service.clone(),
        message,
    };
    let inside = PathBuf::from(context.spec.options.get("path").map_or("", String::as_str));
    if !inside.is_absolute() || inside.parent().is_none() {
        let message = "option `path` must be an absolute path and not the root, as `/shared`";
        return Err(input(message.to_owned()));
    }
    let mut seed = Seed::default();
    for path in &context.spec.seed {
        let read = match path.is_dir() {
            true => seed.folder(path, Path::new(""), 0),
            false => seed.entry(path, Path::new(path.file_name().unwrap_or_default()), 0),
        };
        read.map_err(|error| input(format!("cannot read seed {}: {error}", path.display())))?;
    }
    let (shared, scratch) = (
        context.folder.join("shared"),
        context.folder.join("scratch"),
    );
    let failed = |tried: &str, error: io::Error| environment(&service, tried, &error);
    fs::create_dir_all(&shared).map_err(|error| failed("make the shared folder", error))?;
    fs::create_dir_all(&scratch).map_err(|error| failed("make a folder", error))?;
    let mut running = Running {
        capturer: Capturer::new(&context.spec.name, &context.state.tables, scratch),
        service,
        shared,
        inside,
        seed,
    };
    running.restore()?;
    Ok(Box::new(running))
}

fn environment(service: &str, tried: &str, error: &io::Error) -> ServiceError {
    ServiceError::Environment {
        service: service.to_owned(),
        message: format!("cannot {tried}: {error}"),
        hint: "is the disk full, or do files in the folder belong to another user?".to_owned(),
    }
}

/// What the folder begins with. A folder stands before what is in it.
#[derive(Default)]
struct Seed {
    entries: Vec<(PathBuf, u32, Content)>,
    bytes: u64,
}

enum Content {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
}

impl Seed {
    /// Takes what is in a folder; `below` is where that lands.
    fn folder(&mut self, path: &Path, below: &Path, depth: usize) -> io::Result<()> {
        if depth > SEED_DEPTH_MAX {
            return Err(io::Error::other(format!(
                "it is deeper than {SEED_DEPTH_MAX} folders"
            )));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name());
        }
        names.sort();
        names
            .iter()
            .try_for_each(|name| self.entry(&path.join(name), &below.join(name), depth))
    }

    fn entry(&mut self, path: &Path, inside: &Path, depth: usize) -> io::Result<()> {
        let metadata = fs::symlink_metadata(path)?;
        let mode = metadata.permissions().mode() & 0o7777;
        self.bytes += if metadata.is_file() {
            metadata.len()
        } else {
            0
        };
        if self.bytes > SEED_BYTES_MAX || self.entries.len() >= SEED_ENTRIES_MAX {
            let bound = format!("more than {SEED_BYTES_MAX} bytes or {SEED_ENTRIES_MAX} files");
            return Err(io::Error::other(bound));
        }
        if metadata.is_dir() {
            self.entries
                .push((inside.to_owned(), mode | FOLDER_MODE, Content::Folder));
            return self.folder(path, inside, depth + 1);
        }
        let content = if metadata.is_symlink() {
            Content::Link(fs::read_link(path)?)
        } else if metadata.is_file() {
            Content::File(fs::read(path)?)
        } else {
            return Err(io::Error::other("it is no file, folder or link"));
        };
        self.entries
            .push((inside.to_owned(), mode | FILE_MODE, content));
        Ok(())
    }

    fn write(&self, root: &Path) -> io::Result<()> {
        for (path, mode, content) in &self.entries {
            let path = root.join(path);
            match content {
                Content::Link(target) => symlink(target, &path)?,
                Content::Folder => fs::create_dir_all(&path)?,
                Content::File(bytes) => fs::write(&path, bytes)?,
            }
            if !matches!(content, Content::Link(_)) {
                fs::set_permissions(&path, Permissions::from_mode(*mode))?;
            }
        }
        // Backwards, since a folder's time changes with each file made in it.
        for (path, ..) in self.entries.iter().rev() {
            set_times(&root.join(path))?;
        }
        fs::set_permissions(root, Permissions::from_mode(FOLDER_MODE))?;
        set_times(root)
    }
}

fn set_times(path: &Path) -> io::Result<()> {
    let time = Timespec {
        tv_sec: MODIFIED,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Removes all that is in the folder; never the folder, since warm sandboxes have it mounted.
fn empty(root: &Path) -> io::Result<()> {
    fs::set_permissions(root, Permissions::from_mode(FOLDER_MODE))?;
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        match remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                // A folder that the job closed to everybody, itself included.
                open_up(&path, 0)?;
                remove(&path)?;
            }
            done => done?,
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

fn open_up(path: &Path, depth: usize) -> io::Result<()> {
    if depth > SEED_DEPTH_MAX || !fs::symlink_metadata(path)?.is_dir() {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        open_up(&entry?.path(), depth + 1)?;
    }
    Ok(())
}

/// A running service.
struct Running {
    service: String,
    shared: PathBuf,
    inside: PathBuf,
    seed: Seed,
    capturer: Capturer,
}

impl Running {
    fn restore(&mut self) -> Result<(), ServiceError> {
        let failed = |tried: &str, error: io::Error| environment(&self.service, tried, &error);
        empty(&self.shared).map_err(|error| failed("empty the shared folder", error))?;
        self.seed
            .write(&self.shared)
            .map_err(|error| failed("fill the shared folder", error))
    }
}

impl Service for Running {
    fn version(&self) -> String {
        "folder".to_owned()
    }

    fn folders(&self) -> Vec<Folder> {
        vec![Folder {
            host: self.shared.clone(),
            inside: self.inside.clone(),
            writable: true,
        }]
    }

    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>> {
        Box::pin(ready(Err(ServiceError::Environment {
            service: self.service.clone(),
            message: "a shared folder is not connected to".to_owned(),
            hint: "give no `host` and `port` to a service of kind files".to_owned(),
        })))
    }

    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(ready(self.restore()))
    }

    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>> {
        let captured = self.capturer.capture(&self.shared, known);
        let captured =
            captured.map_err(|error| environment(&self.service, "read the shared folder", &error));
        Box::pin(ready(captured))
    }

    fn blocked<'a>(
        &'a mut self,
        _sessions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<BTreeMap<i32, Vec<i32>>, ServiceError>> {
        Box::pin(ready(Ok(BTreeMap::new())))
    }

    fn died(&mut self) -> LocalBoxFuture<'_, ServiceError> {
        Box::pin(std::future::pending())
    }
}
