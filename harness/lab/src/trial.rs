//! The record of a finished trial, put together.

use crate::cell::Told;
use crate::dispatcher::Finished;
use crate::plan::Plan;
use twiceproof_explore::Assignment;
use twiceproof_model::event::fingerprint;
use twiceproof_model::record::{Doubt, Timings};
use twiceproof_model::{Snapshot, TrialRecord};

/// Returns the record of a trial. `left`: the states at the end of the main part and after each
/// calm run, and what services told for checks. `services`: name, kind and version of each.
pub(crate) fn record(
    plan: &Plan,
    assignment: &Assignment,
    finished: Finished,
    (mut states, told): (Vec<Snapshot>, Told),
    timings: Timings,
    services: Vec<(String, String, String)>,
) -> TrialRecord {
    let snapshot = states.pop().unwrap_or_default();
    let mut earlier = states.into_iter();
    let mut schedule = twiceproof_explore::schedule_of(&finished.trace, assignment.seed);
    schedule.target = Some((plan.scenario.target.name.clone(), plan.target_hash.clone()));
    schedule.services = services;
    let missed = assignment.scheduler.missed().into_iter();
    let mut doubts = finished.doubts;
    doubts.extend(missed.map(Doubt::FaultWithoutEffect));
    doubts.extend(told.doubts());
    TrialRecord {
        trial: assignment.trial,
        stage: assignment.stage.to_owned(),
        seed: assignment.seed,
        instances: assignment.instances,
        drive: assignment.drive,
        schedule: schedule.to_string(),
        fingerprint: fingerprint(&finished.trace),
        trace: finished.trace,
        exits: finished.exits,
        recoveries: finished.recoveries,
        before_recovery: earlier.next(),
        after_first_recovery: earlier.next(),
        snapshot,
        divergence: assignment.scheduler.divergence(),
        doubts,
        answers: told.answers,
        changes: told.changes.cells,
        outputs: finished.outputs,
        timings,
    }
}
