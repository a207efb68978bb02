//! Causes: why several runs started, what the lock did not hold, why the data broke.
//!
//! Each code of the families `L` and `D` is a predicate on one record. It speaks only where the
//! steps of the record show it: no code is a valid answer. What it says is a *hypothesis* until a
//! counter-experiment confirms it.

mod data;
mod facts;
mod holds;
mod lock;
mod overtaken;
pub(crate) mod text;
mod trigger;

use crate::baseline::Baseline;
use facts::Facts;
use holds::{Hold, Loss};
use twiceproof_model::kind::Kind;
use twiceproof_model::{Finding, InstanceId, ServiceName, TrialRecord};

/// The side of an incident that a code explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Why several runs were started; follows from the trigger.
    Trigger,
    /// What the lock did not hold.
    Lock,
    /// Why the data broke although it ran twice.
    Data,
}

/// One cause that records can show.
pub struct CauseKind {
    /// Its code: `L5`. Stable, never reused.
    pub code: &'static str,
    /// Which side it explains.
    pub side: Side,
    /// Its name: a short lowercase clause.
    pub title: &'static str,
    /// What happens, and how it is told from the record.
    pub doc: &'static str,
    /// What to do against it.
    pub remedy: &'static str,
    /// Whether a finding's record shows it. Causes of the trigger side follow from the trigger.
    check: fn(&Seen<'_>) -> Option<Evidence>,
}

impl CauseKind {
    /// Returns a cause that records show, with its code and title.
    const fn shown(
        side: Side,
        (code, title): (&'static str, &'static str),
        doc: &'static str,
        remedy: &'static str,
        check: fn(&Seen<'_>) -> Option<Evidence>,
    ) -> Self {
        Self {
            code,
            side,
            title,
            doc,
            remedy,
            check,
        }
    }
}

/// A cause that a finding's record shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its code.
    pub code: &'static str,
    /// One sentence: who did what, in which order.
    pub text: String,
    /// Places in the trace, from 0, of the events that show it.
    pub events: Vec<usize>,
}

/// What the predicates look at.
struct Seen<'a> {
    baseline: &'a Baseline,
    finding: &'a Finding,
    facts: Facts<'a>,
    holds: Vec<Hold<'a>>,
}

/// What shows a cause.
struct Evidence {
    text: String,
    events: Vec<usize>,
}

/// Every cause, by side and number. Add yours here.
pub const CAUSES: &[CauseKind] = &[
    trigger::T1,
    trigger::T2,
    trigger::T3,
    trigger::T4,
    trigger::T5,
    trigger::T6,
    trigger::T7,
    lock::L1,
    lock::L2,
    lock::L3,
    overtaken::L4,
    overtaken::L5,
    overtaken::L6,
    overtaken::L7,
    lock::L8,
    lock::L9,
    lock::L10,
    overtaken::L11,
    data::D1,
    data::D2,
    data::D3,
    overtaken::D4,
    data::D5,
    data::D6,
    data::D7,
    data::D8,
    data::D9,
];

/// Returns the codes as files name them.
pub fn kinds() -> Vec<Kind> {
    let kinds = CAUSES.iter().map(|cause| Kind {
        name: cause.code,
        doc: cause.title,
        keys: &[],
        port: None,
    });
    kinds.collect()
}

/// Returns the cause of this code, if there is one.
pub fn cause(code: &str) -> Option<&'static CauseKind> {
    CAUSES.iter().find(|kind| kind.code == code)
}

/// Returns the instance whose lease this was when the fault that ends it struck.
pub fn holder_of_expired(
    baseline: &Baseline,
    record: &TrialRecord,
    service: &ServiceName,
    key: &str,
) -> Option<InstanceId> {
    let holds = holds::of(baseline, &Facts::of(record));
    let mut holds = holds.iter();
    let hold = holds.find(|hold| {
        let is_it = hold.service == service && hold.name == key;
        is_it && matches!(hold.lost, Some((_, Loss::Expired)))
    });
    hold.map(|hold| hold.run.instance())
}

/// Returns the causes of the lock and of the data that the record of a finding shows, in the order
/// of the registry.
pub fn classify(baseline: &Baseline, record: &TrialRecord, finding: &Finding) -> Vec<Cause> {
    let facts = Facts::of(record);
    let holds = holds::of(baseline, &facts);
    let seen = Seen {
        baseline,
        finding,
        facts,
        holds,
    };
    let shown = CAUSES.iter().filter_map(|kind| {
        let evidence = (kind.check)(&seen)?;
        Some(Cause {
            code: kind.code,
            text: evidence.text,
            events: evidence.events,
        })
    });
    shown.collect()
}
