//! Schedules: what makes a trial repeatable, as a readable file of under a kilobyte.
//!
//! Grammar: `docs/reference/schedule.md`. Segments are named by instance and request signature, not
//! by index or connection, so that a schedule survives unrelated edits of the job.

mod parse;
mod print;

pub use parse::{SCHEDULE_BYTES_MAX, SCHEDULE_LINES_MAX};

use crate::moment::RequestMoment;
use crate::name::InstanceId;
use std::collections::BTreeMap;

/// One line of a schedule's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// Starts an instance; the first `Run` of an instance implies it.
    Start(InstanceId),
    /// Releases the instance's oldest held request, and wakes it, until the stop.
    Run(InstanceId, Until),
    /// Injects a fault, or with kind `resume` ends a pause.
    Fault {
        /// Name of the fault: `kill`, `pause`, `resume`, `lost-reply`.
        kind: String,
        /// Whom it strikes.
        who: InstanceId,
        /// Its own keys, as text.
        keys: BTreeMap<String, String>,
    },
}

/// Where a `Run` stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// At this request.
    Request(RequestMoment),
    /// When the instance is gone.
    Exit,
    /// When the instance is blocked in a service.
    Blocked,
}

/// A schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Seed of every choice that no line names.
    pub seed: u64,
    /// The target's name and the first 8 hex digits of its hash, where known.
    pub target: Option<(String, String)>,
    /// Name, kind and version of each service, where known.
    pub services: Vec<(String, String, String)>,
    /// The lines, in order. After the last one all instances run to their ends, lowest first.
    pub body: Vec<Directive>,
}
