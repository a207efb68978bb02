//! What a lab is built from: a scenario on a backend.

use crate::backend::Backend;
use crate::dispatcher::Looks;
use crate::sandbox::Folder;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use twiceproof_model::digest::Hasher;
use twiceproof_model::scenario::Hosts;
use twiceproof_model::{Scenario, Target};

/// Clean runs that must agree before instances are judged by expectation alone.
const CLEAN_RUNS: u32 = 2;

/// A scenario on a backend.
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// Whether instances share a machine.
    pub hosts: Hosts,
    /// Where sandboxes come from.
    pub backend: &'static dyn Backend,
    /// A folder of the run, gone after it, that every cell has its own part of.
    pub folder: PathBuf,
    /// First 8 hex digits of a hash over what the target is made of: see [`target_hash`].
    pub target_hash: String,
    /// What clean runs taught about instances.
    pub expectation: Expectation,
}

impl Plan {
    /// Returns the folder in which the target starts, inside its sandbox; empty: where the image
    /// says.
    pub(crate) fn workdir(&self) -> PathBuf {
        let target = &self.scenario.target;
        if self.backend.runs_images() && target.image.is_some() && !target.is_workdir_given {
            return PathBuf::new();
        }
        target.workdir.clone()
    }

    /// Returns the folders that every instance sees, beside those of services.
    pub(crate) fn folders(&self) -> Vec<Folder> {
        let workdir = self.workdir();
        if workdir.as_os_str().is_empty() {
            return Vec::new();
        }
        vec![Folder {
            host: workdir.clone(),
            inside: workdir,
            writable: false,
        }]
    }

    /// Returns the image that instances run; the local backend needs none.
    pub(crate) fn image(&self) -> Option<String> {
        self.scenario.target.image.clone()
    }
}

/// Most bytes of files that the target's hash looks at; what lies beyond is told by its size alone.
const HASHED_BYTES_MAX: u64 = 32 << 20;
/// Most files that the target's hash looks at.
const HASHED_FILES_MAX: usize = 2000;

/// Returns the first 8 hex digits of a hash over what a target is made of: command, arguments,
/// environment, image, seeds, and the files of its working folder, by name and content.
pub fn target_hash(target: &Target) -> String {
    let mut hasher = Hasher::new("target 1");
    for word in target.command.iter().chain(&target.args) {
        hasher.field(word);
    }
    for (name, value) in &target.env {
        hasher.field(name);
        hasher.field(value);
    }
    hasher.field(target.image.as_deref().unwrap_or(""));
    let mut budget = HASHED_BYTES_MAX;
    for service in &target.services {
        hasher.field(service.name.as_str());
        hasher.field(&service.kind);
        for (key, value) in &service.options {
            hasher.field(key);
            hasher.field(value);
        }
        for seed in &service.seed {
            hash_file(seed, &mut hasher, &mut budget);
        }
    }
    let mut files = Vec::new();
    list_files(&target.workdir, &mut files);
    files.sort();
    for file in files {
        let name = file.strip_prefix(&target.workdir).unwrap_or(&file);
        hasher.field(&name.to_string_lossy());
        hash_file(&file, &mut hasher, &mut budget);
    }
    hasher.finish().short()
}

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if files.len() >= HASHED_FILES_MAX {
            return;
        }
        if kind.is_dir() {
            list_files(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

/// A file that cannot be read counts as empty: whoever needs it says so.
fn hash_file(path: &Path, hasher: &mut Hasher, budget: &mut u64) {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    hasher.field(&size.to_string());
    if size <= *budget {
        *budget -= size;
        hasher.bytes(&std::fs::read(path).unwrap_or_default());
    }
}

/// What clean runs taught about instances: level 0 of quiescence needs it.
#[derive(Debug, Default)]
pub struct Expectation {
    simple: AtomicU32,
    other: AtomicU32,
    looks: Mutex<Looks>,
}

impl Expectation {
    /// Notes whether a clean run had one thread and one link at most.
    pub(crate) fn learn(&self, is_simple: bool) {
        let count = if is_simple { &self.simple } else { &self.other };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes what a clean run looked at before it changed it: such looks are steps from then on.
    pub(crate) fn learn_looks(&self, looks: Looks) {
        self.locked().extend(looks);
    }

    /// Returns whether any look is a step.
    pub(crate) fn needs_looks(&self) -> bool {
        !self.locked().is_empty()
    }

    /// Returns whether a look at this path is a step.
    pub(crate) fn needs_look(&self, path: &(usize, String)) -> bool {
        self.locked().contains(path)
    }

    fn locked(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether every clean run so far, and enough of them, was simple.
    pub(crate) fn is_simple(&self) -> bool {
        self.other.load(Ordering::Relaxed) == 0 && self.simple.load(Ordering::Relaxed) >= CLEAN_RUNS
    }
}
