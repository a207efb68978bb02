//! Targets: the batch job under test, validated. Files are read by [`parse()`].

mod keys;
mod parse;

pub use keys::FORMAT;
pub(crate) use keys::{ARGS, ENV, SCHEMA};
pub use parse::parse;

use crate::name::ServiceName;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The batch job under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of its folder below `targets/`.
    pub name: String,
    /// Absolute path of its folder.
    pub folder: PathBuf,
    /// Program and first arguments. No shell is involved.
    pub command: Vec<String>,
    /// Further arguments; may hold the placeholders `{instance} {count} {slot}`.
    pub args: Vec<String>,
    /// Environment beside PATH and HOME; values may hold placeholders.
    pub env: BTreeMap<String, String>,
    /// Absolute path of the folder in which the local backend starts it.
    pub workdir: PathBuf,
    /// Whether the file names it; if not, a container starts where its image says.
    pub is_workdir_given: bool,
    /// What the docker backend runs.
    pub image: Option<String>,
    /// Whether sandboxes stay warm between trials.
    pub reuse: bool,
    /// Longest life of an instance, counting only time in which it was neither held nor paused.
    pub timeout: Duration,
    /// How long processes may outlive the first one.
    pub grace: Duration,
    /// Names of variables whose values never reach a record, beside those that look like secrets.
    pub secrets: Vec<String>,
    /// What it talks to, by name, in the order of the file.
    pub services: Vec<ServiceSpec>,
    /// What of each service's state counts.
    pub state: BTreeMap<ServiceName, StateSpec>,
    /// What it excludes other runs with.
    pub locks: Vec<LockSpec>,
}

/// One service of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Its name.
    pub name: ServiceName,
    /// Name of its kind in the registry.
    pub kind: String,
    /// Host name that the job connects to.
    pub host: String,
    /// Port that the job connects to; `None` for kinds that are not connected to.
    pub port: Option<u16>,
    /// Image for the docker backend.
    pub image: Option<String>,
    /// Absolute paths of the files loaded before the first trial, in order.
    pub seed: Vec<PathBuf>,
    /// The kind's own options, checked against its keys. Paths are absolute.
    pub options: BTreeMap<String, String>,
}

/// What of a service's state counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateSpec {
    /// Objects compared, as patterns with `*`; empty: all.
    pub tables: Vec<String>,
    /// `table.column` patterns left out, beside those that the clean runs show as volatile.
    pub mask: Vec<String>,
    /// `table.column` patterns compared by content, beside those that the catalogue shows as made
    /// by the service.
    pub surrogate: Vec<String>,
    /// Run-log tables: at most one row a start, the rest of the row masked.
    pub per_run: Vec<String>,
}

/// A lock of a target, by patterns over masked request texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockSpec {
    /// Its name.
    pub name: String,
    /// The service that keeps it.
    pub service: ServiceName,
    /// Pattern of the request that takes it.
    pub acquire: String,
    /// Pattern of the request that gives it back; empty: the end of the session.
    pub release: String,
}
