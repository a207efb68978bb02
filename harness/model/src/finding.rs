//! Verdicts and findings.

use crate::snapshot::ObjectName;
use serde::{Deserialize, Serialize};

/// One row that differs between the accepted state and a trial's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The object that differs.
    pub object: ObjectName,
    /// What identifies the row: `id=7`, or its first cells.
    pub row: String,
    /// The column, or empty where the whole row is too much or missing.
    pub column: String,
    /// What the clean run has.
    pub expected: String,
    /// What the trial has.
    pub found: String,
}

/// One reason why a trial is a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Verdict code: `TP-V01`.
    pub code: String,
    /// 8 hex digits over the code, the objects and the signatures that matter: outlives edits and
    /// schedules.
    pub id: String,
    /// One sentence for the reader: what is wrong.
    pub message: String,
    /// The objects concerned.
    pub objects: Vec<ObjectName>,
    /// The rows that differ, bounded.
    pub differences: Vec<Difference>,
    /// How many differences there are in all.
    pub differences_total: u64,
    /// Places in the trace, from 0, of the events that show it.
    pub events: Vec<u32>,
}

/// The judgement on one trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every oracle was satisfied.
    Pass,
    /// The trial proves nothing, for these reasons: code and text.
    Inconclusive(Vec<(String, String)>),
    /// At least one oracle has a finding.
    Violation(Vec<Finding>),
}

impl Verdict {
    /// Returns both verdicts' worse: violation over inconclusive over pass, with all that either
    /// says.
    pub fn merge(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Violation(mut left), Verdict::Violation(right)) => {
                left.extend(right);
                Verdict::Violation(left)
            }
            (violation @ Verdict::Violation(_), _) | (_, violation @ Verdict::Violation(_)) => {
                violation
            }
            (Verdict::Inconclusive(mut left), Verdict::Inconclusive(right)) => {
                left.extend(right);
                Verdict::Inconclusive(left)
            }
            (doubt @ Verdict::Inconclusive(_), _) | (_, doubt @ Verdict::Inconclusive(_)) => doubt,
            (Verdict::Pass, Verdict::Pass) => Verdict::Pass,
        }
    }
}
