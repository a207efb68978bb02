//! The record store: the folder of a run, with every trial written down before anybody judges it.
//!
//! ```text reports/runs/ID/                          ID: UTC date-time and seed; `latest` links to
//! the newest SCENARIO/trials.ndjson                  a line a trial, append only
//! SCENARIO/trials/N.trial                 the record; the oldest passing ones go where there are
//! too many SCENARIO/trials/N/job#1.log             what instances wrote, of trials that did not
//! pass SCENARIO/contents/DIGEST                rows of an object, once for all trials that have
//! them SCENARIO/baseline/                      the clean runs SCENARIO/FINDING/
//! one finding ```
//!
//! A file gets its name when it is whole: it is written under another and renamed.

mod codec;
mod redact;
mod run_folder;
#[cfg(test)]
mod tests;

pub use codec::{Cut, Loaded};
pub use redact::Redactor;
pub use run_folder::RunFolder;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use twiceproof_explore::campaign::TrialLine;
use twiceproof_explore::{Blame, LabError};
use twiceproof_model::digest::{Digest, Hasher};
use twiceproof_model::record::Output;
use twiceproof_model::snapshot::{Content, Object, ObjectName};
use twiceproof_model::{Snapshot, TrialRecord, version};

/// The most bytes of trial records that a scenario keeps; above it the oldest passing ones go.
pub const RECORDS_BYTES_MAX: u64 = 1 << 30;

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {tried} {}: {source}", path.display())]
    Io {
        /// What was tried: `write`.
        tried: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what its name says, or ends before anything can be had from it.
    #[error("{} is no {expected}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was expected: the first line of its format.
        expected: &'static str,
        /// What was seen.
        reason: String,
    },
}

impl StoreError {
    fn io(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| StoreError::Io {
            tried,
            path: path.to_owned(),
            source,
        }
    }

    /// Returns whether there was no room left.
    pub fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let StoreError::Io { source, .. } = self else {
            return false;
        };
        matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }
}

impl From<StoreError> for LabError {
    fn from(error: StoreError) -> Self {
        let hint = if error.is_disk_full() {
            "make room, or choose another disk with --runs-dir; what was stored before is whole"
        } else {
            ""
        };
        LabError {
            blame: Blame::Environment,
            message: error.to_string(),
            hint: hint.to_owned(),
        }
    }
}

/// The records of one scenario in one run. Cells share it.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    bytes_max: u64,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    contents: BTreeSet<Digest>,
    bytes: u64,
    /// Numbers and sizes: there are many.
    passing: VecDeque<(u32, u64)>,
    sizes: std::collections::BTreeMap<u32, u64>,
}

impl Store {
    /// Opens the records in this folder, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        for name in ["trials", "contents"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(StoreError::io("make folder", &path))?;
        }
        let shared = Mutex::default();
        Ok(Self {
            folder: folder.to_owned(),
            bytes_max: RECORDS_BYTES_MAX,
            shared,
        })
    }

    /// Returns the store with another bound on the bytes of its trial records.
    #[must_use]
    pub fn with_records_bytes_max(self, bytes_max: u64) -> Self {
        Self { bytes_max, ..self }
    }

    /// Returns its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stores a record, and the contents of its snapshots that are new. To be done before it is
    /// judged.
    pub fn put_trial(&self, record: &TrialRecord) -> Result<(), StoreError> {
        self.put_contents(&record.snapshot)?;
        for snapshot in [&record.before_recovery, &record.after_first_recovery]
            .into_iter()
            .flatten()
        {
            self.put_contents(snapshot)?;
        }
        let path = self.trial_path(record.trial);
        let bytes = codec::encode_trial(record);
        write_whole(&path, &bytes, Durable::No)?;
        let mut shared = self.lock();
        shared.bytes += bytes.len() as u64;
        shared.sizes.insert(record.trial, bytes.len() as u64);
        Ok(())
    }

    /// Writes down how a stored trial was judged: its line, and the logs of one that did not pass.
    /// Makes room.
    pub fn put_verdict(&self, record: &TrialRecord, line: &TrialLine) -> Result<(), StoreError> {
        if line.verdict == "pass" {
            self.make_room(record.trial)?;
        } else {
            let folder = self.folder.join("trials").join(record.trial.to_string());
            write_logs(&folder, record)?;
        }
        append_line(&self.folder.join("trials.ndjson"), version::TRIALS, line)
    }

    fn make_room(&self, passing: u32) -> Result<(), StoreError> {
        let mut shared = self.lock();
        if let Some(bytes) = shared.sizes.remove(&passing) {
            shared.passing.push_back((passing, bytes));
        }
        while shared.bytes > self.bytes_max {
            let Some((trial, bytes)) = shared.passing.pop_front() else {
                break;
            };
            let path = self.trial_path(trial);
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            shared.bytes -= bytes;
        }
        Ok(())
    }

    /// Reads a record back, with the contents of its snapshots as far as they were stored.
    pub fn load_trial(&self, trial: u32) -> Result<Loaded<TrialRecord>, StoreError> {
        let path = self.trial_path(trial);
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        let mut loaded = codec::decode_trial(&path, &bytes)?;
        let record = &mut loaded.value;
        for snapshot in [
            &mut record.before_recovery,
            &mut record.after_first_recovery,
        ]
        .into_iter()
        .flatten()
        .chain([&mut record.snapshot])
        {
            self.fill(snapshot)?;
        }
        Ok(loaded)
    }

    /// Reads the lines of `trials.ndjson`; the last one is left out where it was cut off.
    pub fn load_lines<T: DeserializeOwned>(&self) -> Result<Loaded<Vec<T>>, StoreError> {
        let path = self.folder.join("trials.ndjson");
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        codec::decode_lines(&path, version::TRIALS, &bytes)
    }

    /// Stores what the clean runs gave, and forces it to the disk.
    pub fn put_baseline(&self, baseline: &impl Serialize) -> Result<(), StoreError> {
        let folder = self.folder.join("baseline");
        fs::create_dir_all(&folder).map_err(StoreError::io("make folder", &folder))?;
        let bytes = codec::encode(version::BASELINE, baseline);
        write_whole(&folder.join("baseline.zst"), &bytes, Durable::Yes)
    }

    /// Reads what the clean runs gave.
    pub fn load_baseline<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        Self::read_baseline(&self.folder)
    }

    /// Reads what the clean runs gave from a scenario's folder; makes nothing there.
    pub fn read_baseline<T: DeserializeOwned>(folder: &Path) -> Result<T, StoreError> {
        let path = folder.join("baseline").join("baseline.zst");
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        codec::decode(&path, version::BASELINE, &bytes)
    }

    /// Stores the record of a clean run under a name of its own, and forces it to the disk.
    pub fn put_clean_run(&self, name: &str, record: &TrialRecord) -> Result<(), StoreError> {
        self.put_contents(&record.snapshot)?;
        let folder = self.folder.join("baseline");
        fs::create_dir_all(&folder).map_err(StoreError::io("make folder", &folder))?;
        let path = folder.join(format!("{name}.trial"));
        write_whole(&path, &codec::encode_trial(record), Durable::Yes)?;
        write_logs(&folder.join(name), record)
    }

    /// Reads the record of a clean run from a scenario's folder, without its snapshot's contents;
    /// makes nothing there.
    pub fn read_clean_run(folder: &Path, name: &str) -> Result<TrialRecord, StoreError> {
        let path = folder.join("baseline").join(format!("{name}.trial"));
        let bytes = fs::read(&path).map_err(StoreError::io("read", &path))?;
        Ok(codec::decode_trial(&path, &bytes)?.value)
    }

    /// Stores the files of a finding in its folder, forces them to the disk, and returns the
    /// folder.
    pub fn put_finding(&self, id: &str, files: &[(&str, &[u8])]) -> Result<PathBuf, StoreError> {
        let folder = self.folder.join(id);
        fs::create_dir_all(&folder).map_err(StoreError::io("make folder", &folder))?;
        for (name, bytes) in files {
            write_whole(&folder.join(name), bytes, Durable::Yes)?;
        }
        Ok(folder)
    }

    /// Stores the contents of a snapshot that are not stored yet.
    pub fn put_contents(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        for (name, object) in &snapshot.objects {
            let Some(content) = &object.content else {
                continue;
            };
            let digest = content_digest(name, object);
            // Held while it is written: cells often come by one content at the same time, and two
            // that write one file take its part from each other.
            let mut shared = self.lock();
            if shared.contents.contains(&digest) {
                continue;
            }
            let path = self.content_path(digest);
            let bytes = codec::encode(version::CONTENT, &**content);
            write_whole(&path, &bytes, Durable::No)?;
            shared.contents.insert(digest);
        }
        Ok(())
    }

    /// Gives a snapshot that was read back the contents that were stored for it.
    fn fill(&self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        for (name, object) in &mut snapshot.objects {
            let path = self.content_path(content_digest(name, object));
            match fs::read(&path) {
                Ok(bytes) => {
                    let content: Content = codec::decode(&path, version::CONTENT, &bytes)?;
                    object.content = Some(content.into());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io("read", &path)(error)),
            }
        }
        Ok(())
    }

    fn trial_path(&self, trial: u32) -> PathBuf {
        self.folder.join("trials").join(format!("{trial}.trial"))
    }

    fn content_path(&self, digest: Digest) -> PathBuf {
        self.folder.join("contents").join(digest.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic elsewhere leaves the sums whole: each is changed in one statement.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the name of an object's content: hash and count stand for the rows, within one object.
fn content_digest(name: &ObjectName, object: &Object) -> Digest {
    let mut hasher = Hasher::new("content 1");
    hasher.field(&name.to_string());
    hasher.field(&object.hash);
    hasher.field(&object.count.to_string());
    hasher.finish()
}

/// Whether a file is forced to the disk before it gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durable {
    Yes,
    No,
}

/// Writes a file under another name, then gives it its own. What was written of a file that failed
/// is removed.
fn write_whole(path: &Path, bytes: &[u8], durable: Durable) -> Result<(), StoreError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".part");
    let temporary = PathBuf::from(temporary);
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        if durable == Durable::Yes {
            file.sync_all()
        } else {
            Ok(())
        }
    });
    written
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| {
            // The error that matters is the first one.
            let _ = fs::remove_file(&temporary);
            StoreError::io("write", path)(error)
        })
}

/// Stores a file whose name matters outside of a run, in a folder that is made if it is not there,
/// and forces it to the disk. Its readers see all of it or none.
pub fn put_durable(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(StoreError::io("make folder", folder))?;
    write_whole(path, bytes, Durable::Yes)
}

/// Appends a line to a file of lines, which begins with its format.
fn append_line(path: &Path, format: &str, line: &impl Serialize) -> Result<(), StoreError> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    let mut file = file.map_err(StoreError::io("open", path))?;
    let mut text = String::new();
    if file.metadata().map_err(StoreError::io("read", path))?.len() == 0 {
        text.push_str(&format!("{{\"format\":\"{format}\"}}\n"));
    }
    text.push_str(&serde_json::to_string(line).expect("a line of plain fields has a JSON form"));
    text.push('\n');
    file.write_all(text.as_bytes())
        .map_err(StoreError::io("write", path))
}

fn write_logs(folder: &Path, record: &TrialRecord) -> Result<(), StoreError> {
    if record.outputs.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(StoreError::io("make folder", folder))?;
    for (instance, output) in &record.outputs {
        let path = folder.join(format!("{instance}.log"));
        write_whole(&path, log_text(output).as_bytes(), Durable::No)?;
    }
    Ok(())
}

/// Returns what an instance wrote, with the number of bytes that are missing in the middle.
pub fn log_text(output: &Output) -> String {
    let kept = (output.head.len() + output.tail.len()) as u64;
    if output.tail.is_empty() || output.bytes <= kept {
        return format!("{}{}", output.head, output.tail);
    }
    let left_out = output.bytes - kept;
    format!(
        "{}\n[... {left_out} bytes left out ...]\n{}",
        output.head, output.tail
    )
}
