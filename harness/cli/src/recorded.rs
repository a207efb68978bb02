//! What stored runs tell of a scenario before it runs again.

use crate::commands::list::run_folders;
use crate::world;
use std::path::Path;
use twiceproof_lab::store::Store;
use twiceproof_model::diag::Diag;
use twiceproof_model::scenario::unmatched;
use twiceproof_model::{Event, Scenario, Schedule, TrialRecord};

/// How many stored runs are looked at, the newest first.
const RUNS_MAX: usize = 50;
/// The clean run that is looked at: all are alike.
pub(crate) const CLEAN_RUN: &str = "clean-1";

/// Returns a warning for each moment of the scenario that the newest clean run of the same target
/// does not have; none without such a run.
pub(crate) fn warnings(scenario: &Scenario, runs: &Path) -> Vec<Diag> {
    let names_requests = !scenario.faults.is_empty();
    let mut folders = run_folders(runs).into_iter().take(RUNS_MAX);
    let alone = format!("record/{}", scenario.target.name);
    let clean = names_requests.then(|| {
        folders.find_map(|run| {
            let names = [scenario.name.as_str(), alone.as_str()].into_iter();
            let mut records = names.filter_map(|name| {
                // One that is cut, or of another version, tells nothing.
                Store::read_clean_run(&run.join(name), CLEAN_RUN).ok()
            });
            let record = records.find(|record| is_of(record, scenario))?;
            Some((run, record))
        })
    });
    let Some((run, record)) = clean.flatten() else {
        return Vec::new();
    };
    let run = run.file_name().unwrap_or_default().to_string_lossy();
    let requests = record
        .trace
        .iter()
        .filter_map(|stamped| match &stamped.event {
            Event::Held(request) => Some(request.signature.clone()),
            _ => None,
        });
    unmatched(scenario, &requests.collect::<Vec<_>>(), &run)
}

/// Returns whether the record is one of the target as it is now.
fn is_of(record: &TrialRecord, scenario: &Scenario) -> bool {
    let target = Schedule::parse(&record.schedule)
        .ok()
        .and_then(|schedule| schedule.target);
    let now = (
        scenario.target.name.clone(),
        world::hash_of(&scenario.target),
    );
    target == Some(now)
}
