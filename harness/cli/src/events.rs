//! The stream of events of a run: one JSON object a line.

use crate::failure::Failure;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use twiceproof_lab::store::StoreError;
use twiceproof_report::json;

/// Where events go.
pub(crate) struct Events {
    files: Vec<(PathBuf, File)>,
    begun: Instant,
    seq: u64,
    /// The first write that failed; the rest is not tried.
    failed: Option<StoreError>,
}

impl Events {
    /// Opens these files.
    pub(crate) fn open(paths: &[&Path]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in paths {
            let file = File::create(path).map_err(|source| StoreError::Io {
                tried: "write",
                path: (*path).to_owned(),
                source,
            })?;
            files.push(((*path).to_owned(), file));
        }
        Ok(Self {
            files,
            begun: Instant::now(),
            seq: 0,
            failed: None,
        })
    }

    /// Writes one event.
    pub(crate) fn tell(&mut self, name: &'static str, fields: Value) {
        if self.failed.is_some() {
            return;
        }
        self.seq += 1;
        let event = json::event(self.seq, milliseconds(self.begun), name, fields);
        let line = format!("{event}\n");
        for (path, file) in &mut self.files {
            if let Err(source) = file.write_all(line.as_bytes()) {
                self.failed = Some(StoreError::Io {
                    tried: "write",
                    path: path.clone(),
                    source,
                });
                return;
            }
        }
    }

    /// Returns the first error, once.
    pub(crate) fn take_error(&mut self) -> Option<StoreError> {
        self.failed.take()
    }
}

/// Returns the milliseconds since then.
pub(crate) fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
