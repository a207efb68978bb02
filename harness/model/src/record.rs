//! All that is kept of one trial. Oracles and reports read this and nothing else.

use crate::digest::Digest;
use crate::event::{Exit, Trace};
use crate::name::InstanceId;
use crate::snapshot::{ObjectName, Snapshot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The first point at which a replay could not do what its schedule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Line of the schedule's body, from 1, or of the steps where it has none.
    pub line: u32,
    /// What the schedule asks for there.
    pub wanted: String,
    /// What could be had in its place.
    pub offered: Vec<String>,
}

/// A reason why a trial proves less than it claims. Any of them keeps it from being a pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// `TP-I02`: a fault struck nothing.
    FaultWithoutEffect(String),
    /// `TP-I04`: steps were needed on a link that cannot be read.
    OpaqueLink(String),
    /// `TP-I05`: quiet could only be guessed.
    BestEffort(String),
    /// `TP-I06`: a service did not answer the query of a check.
    Unanswered(String),
    /// `TP-E`: a service died by itself.
    ServiceDied(String),
    /// The trial was cut off from outside: a signal, a bound.
    CutShort(String),
    /// A bound on steps, requests or bytes was reached.
    Bound(String),
}

/// What a service answered to the query of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The first rows, each with a cell per column, within [`ANSWER_ROWS_MAX`] and
    /// [`ANSWER_CELL_CHARS_MAX`]. `None` is null. Hostile: escape before showing.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows there are in all.
    pub count: u64,
    /// Why there is no answer, in the service's own words, where there is none.
    pub error: Option<String>,
}

/// The most rows of an answer that are kept.
pub const ANSWER_ROWS_MAX: usize = 20;
/// The most characters of one cell of an answer that are kept.
pub const ANSWER_CELL_CHARS_MAX: usize = 200;

/// One cell that an update changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellChange {
    /// The table.
    pub object: ObjectName,
    /// What identifies the row: its first cell.
    pub row: String,
    /// The column.
    pub column: String,
    /// What it was. `None` is null. Hostile: escape before showing.
    pub from: Option<String>,
    /// What it became.
    pub to: Option<String>,
}

/// The most changes of cells that a record keeps.
pub const CHANGES_MAX: usize = 10_000;

/// What an instance wrote to its standard output and error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The first bytes, as text; bytes that are not UTF-8 are replaced. Hostile: escape before
    /// showing.
    pub head: String,
    /// The last bytes, where there were more than the head holds.
    pub tail: String,
    /// How many bytes it wrote in all.
    pub bytes: u64,
}

/// Where the time of a trial went, in microseconds. Outside fingerprints and verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Resetting the services.
    pub reset_us: u64,
    /// From the first start to the last exit.
    pub steps_us: u64,
    /// Waiting for quiet, within the steps.
    pub quiesce_us: u64,
    /// Asking services who is blocked, within the steps.
    pub blocked_us: u64,
    /// Calm runs after it.
    pub recovery_us: u64,
    /// Capturing the state.
    pub capture_us: u64,
}

/// How a trial is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// One step at a time, chosen by the scheduler.
    Steps,
    /// Nothing is held; requests are traced as they pass.
    Free,
    /// Nothing is held and nothing is read: bytes are pumped.
    Pump,
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Its number in the campaign, from 1; clean runs of the baseline have numbers of their own.
    pub trial: u32,
    /// The stage that asked for it.
    pub stage: String,
    /// The seed of its choices.
    pub seed: u64,
    /// How many instances there were.
    pub instances: u8,
    /// How it was driven.
    pub drive: Drive,
    /// Its schedule, as the text of a schedule file.
    pub schedule: String,
    /// What happened.
    pub trace: Trace,
    /// Fingerprint of the trace.
    pub fingerprint: Digest,
    /// How each instance of the main part ended.
    pub exits: BTreeMap<InstanceId, Exit>,
    /// How each calm run after it ended.
    pub recoveries: Vec<Exit>,
    /// The state when the main part ended, where calm runs followed.
    pub before_recovery: Option<Snapshot>,
    /// The state after the first calm run, where a second one followed.
    pub after_first_recovery: Option<Snapshot>,
    /// The state at the end.
    pub snapshot: Snapshot,
    /// Where a replay left its schedule.
    pub divergence: Option<Divergence>,
    /// Why it proves less than it claims.
    pub doubts: Vec<Doubt>,
    /// What services answered to the queries of checks at the end, by name of the check.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Answer>,
    /// What became of cells that checks follow, in the order in which it was committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<CellChange>,
    /// What each instance wrote.
    pub outputs: BTreeMap<InstanceId, Output>,
    /// Where the time went.
    pub timings: Timings,
}
