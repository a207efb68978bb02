//! An operation: a request with its completion.

use crate::name::{LinkId, RequestId, ServiceName};
use serde::{Deserialize, Serialize};

/// What identifies a request across trials: never a link, a time or a place in the trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signature {
    /// The service asked.
    pub service: ServiceName,
    /// The request's text, masked: blanks squeezed, literals `?`, secrets gone.
    pub text: String,
    /// Which request with this text and service it is of its instance since the start, over all
    /// links, from 1.
    pub nth: u32,
}

/// Calls on files that only force to the disk or give back a lock: lower case, as no protocol's
/// requests are.
const ASIDE: &[&str] = &["fsync", "fdatasync", "unlock", "funlock"];

/// Calls on files behind which data is written that no tap sees.
const BEFORE_DATA: &[&str] = &["create-new", "create", "empty", "set-length"];

impl Signature {
    fn verb(&self) -> &str {
        self.text.split(' ').next().unwrap_or("")
    }

    /// Returns whether it makes no difference to other instances if this one stands here or at its
    /// next request: the call forces a file to the disk, or gives back a lock.
    pub fn is_aside(&self) -> bool {
        ASIDE.contains(&self.verb())
    }

    /// Returns whether the instance may go on to change, unseen, what this request named: it opened
    /// a file for writing.
    pub fn is_before_data(&self) -> bool {
        BEFORE_DATA.contains(&self.verb())
    }
}

/// One request as the trace holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its name within the trial.
    pub id: RequestId,
    /// The connection it came in on.
    pub link: LinkId,
    /// Its name across trials.
    pub signature: Signature,
}

/// One statement's completion within a reply: PostgreSQL's command tag, SMTP's verb and code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag {
    /// What was done, in the words of the service: `UPDATE`, `COMMIT`, `250`.
    pub command: String,
    /// How many rows it touched or returned, where the service says.
    pub rows: Option<u64>,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The service did what it was asked.
    Ok,
    /// The service refused, with its own code: SQLSTATE, SMTP reply code.
    Error(String),
    /// The link ended before the reply did, so whether the request took effect is not known.
    Unknown,
}

/// What a reply says, as far as schedules and verdicts need it. No data, no bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// How the operation ended.
    pub outcome: Outcome,
    /// The completions it reports, in order.
    pub tags: Vec<Tag>,
    /// Whether the request may have changed what others see. Unknown counts as a write (a SELECT
    /// that may call functions, an opaque burst); BEGIN, SET, SHOW, FETCH and a plain SELECT do
    /// not.
    pub writes: bool,
    /// Whether it can have freed a lock: a transaction ended, or an unlock function was called.
    pub frees_locks: bool,
}

impl Reply {
    /// Returns the reply of an operation whose link ended first.
    pub fn unknown() -> Self {
        Self {
            outcome: Outcome::Unknown,
            tags: Vec::new(),
            writes: true,
            frees_locks: true,
        }
    }

    /// Returns whether rows are known to have changed: the tags of a write that report at least one
    /// row, or that report no number.
    pub fn is_effective_write(&self) -> bool {
        self.writes
            && self.outcome == Outcome::Ok
            && (self.tags.is_empty() || self.tags.iter().any(|tag| tag.rows != Some(0)))
    }

    /// Returns the summary that fingerprints and terminals show: `UPDATE 1`, `23505`, `unknown`.
    pub fn summary(&self) -> String {
        match &self.outcome {
            Outcome::Error(code) => code.clone(),
            Outcome::Unknown => "unknown".to_owned(),
            Outcome::Ok => {
                let words = self.tags.iter().map(|tag| match tag.rows {
                    Some(rows) => format!("{} {rows}", tag.command),
                    None => tag.command.clone(),
                });
                words.collect::<Vec<_>>().join(", ")
            }
        }
    }
}
