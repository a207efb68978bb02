//! Every stage and every trigger: one file each, one line here.

use crate::strategy::{Plan, Strategy};
use crate::trigger::{
    Trigger, at_least_once, cron_overlap, double_start, operator_rerun, pod_restart,
    quartz_recovery, retry_after_timeout, workers,
};
use crate::{
    crash, directed, exhaustive, faults, free, lease, lost_reply, partition, preempt, sample,
    serial,
};
use twiceproof_model::kind::Kind;

/// One stage of the search.
pub struct Stage {
    /// Its name in `search.stages` and its sentence.
    pub kind: Kind,
    /// Whether a pass owes it: one that was cut short leaves the campaign inconclusive.
    pub owed: bool,
    /// Its part of the trials while the stages take turns, in trials beside those of the others.
    pub share: u32,
    /// Makes its strategy.
    pub make: fn(&Plan) -> Box<dyn Strategy>,
}

/// Every stage, cheapest first. Add yours here.
pub const STAGES: &[Stage] = &[
    serial::SERIAL,
    faults::FAULTS,
    crash::CRASH,
    lost_reply::LOST_REPLY,
    directed::DIRECTED,
    lease::LEASE,
    partition::PARTITION,
    preempt::PREEMPT,
    exhaustive::EXHAUSTIVE,
    sample::SAMPLE,
    free::FREE,
];

/// Every trigger. Add yours here.
pub const TRIGGERS: &[Trigger] = &[
    cron_overlap::CRON_OVERLAP,
    double_start::DOUBLE_START,
    pod_restart::POD_RESTART,
    retry_after_timeout::RETRY_AFTER_TIMEOUT,
    quartz_recovery::QUARTZ_RECOVERY,
    operator_rerun::OPERATOR_RERUN,
    at_least_once::AT_LEAST_ONCE,
    workers::WORKERS,
];

/// Names of stages that a search can have, of which this version lacks some; a pass names those.
pub const STAGES_KNOWN: &[&str] = &[
    "serial",
    "faults",
    "crash",
    "lost-reply",
    "directed",
    "lease",
    "clock",
    "partition",
    "preempt",
    "exhaustive",
    "sample",
    "free",
];

/// Returns the kinds of all stages: the names that `search.stages` allows.
pub fn stage_kinds() -> Vec<Kind> {
    STAGES.iter().map(|stage| stage.kind).collect()
}

/// Returns the kinds of all triggers: the names that `trigger.kind` allows.
pub fn trigger_kinds() -> Vec<Kind> {
    TRIGGERS.iter().map(|trigger| trigger.kind).collect()
}
