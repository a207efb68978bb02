//! The clean runs: what a trial is compared with, or why there is nothing to compare with.

use super::result::Outcome;
use super::slots;
use super::spec::CampaignSpec;
use crate::lab::{Assignment, Blame, Lab, LabError};
use crate::script::Script;
use crate::trigger::Starts;
use std::sync::Arc;
use twiceproof_model::record::Drive;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Doubt, Event, Exit, InstanceId, Signature, Snapshot, TrialRecord};
use twiceproof_oracle::{Baseline, Checks, Mask, StateRules, invariant, learn_masks, transition};

/// Why the clean run cannot serve as a baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineFailure {
    /// A lowercase fragment: what went wrong.
    pub message: String,
    /// What the clean run wrote last, or the rows that show it, escaped by nobody yet.
    pub output: String,
    /// What to do.
    pub hint: String,
}

/// What the clean runs showed.
#[derive(Clone, Debug)]
pub struct BaselineSummary {
    /// How many runs it took.
    pub runs: u32,
    /// How the clean run ends.
    pub exit: Exit,
    /// Its requests.
    pub requests: u32,
    /// The writes among them.
    pub writes: u32,
    /// Columns compared by class.
    pub masks: Vec<Mask>,
    /// Objects that serve as locks, as inferred.
    pub lock_objects: Vec<ObjectName>,
    /// What the reader should know: requests in another order, state that changes unseen.
    pub notes: Vec<String>,
    /// The first clean run.
    pub record: TrialRecord,
}

/// The drives and disguises of the clean runs: as trials are driven, the same in disguise, and a
/// plain pump, which shows what Twiceproof itself changes. The last one runs first: it also shows
/// which looks at files matter, and these are steps of the others.
const CLEAN_RUNS: &[(Drive, u8)] = &[(Drive::Steps, 0), (Drive::Steps, 1), (Drive::Pump, 0)];

/// How many clean runs make the baseline.
pub(super) const CLEAN_RUNS_COUNT: u32 = 3;
/// How many more must agree before a difference of state is reported.
pub(super) const MORE_CLEAN_RUNS: u8 = 3;

/// Why no baseline came of it.
pub(super) enum NoBaseline {
    /// The job's own fault.
    Failure(BaselineFailure),
    /// The lab's.
    Lab(LabError),
}

/// Returns what a missing baseline or a failing lab ends in.
pub(super) fn outcome_of(error: NoBaseline) -> Outcome {
    match error {
        NoBaseline::Failure(failure) => Outcome::BaselineFailed(failure),
        NoBaseline::Lab(error) if error.blame == Blame::Interrupted => Outcome::Interrupted,
        NoBaseline::Lab(error) => Outcome::LabFailed(error),
    }
}

/// Runs the clean runs alone, and returns the baseline or what keeps it from being one.
pub fn clean_run(
    spec: &CampaignSpec,
    lab: &mut dyn Lab,
) -> Result<(Baseline, BaselineSummary), Outcome> {
    baseline(spec, lab).map_err(outcome_of)
}

/// Runs the clean runs and makes the baseline of them.
pub(super) fn baseline(
    spec: &CampaignSpec,
    lab: &mut dyn Lab,
) -> Result<(Baseline, BaselineSummary), NoBaseline> {
    let seed = lab.seed_state().map_err(NoBaseline::Lab)?;
    let runs = CLEAN_RUNS.iter().zip(1..);
    let runs = runs.map(|((drive, disguise), trial)| assignment(spec, trial, *drive, *disguise));
    let mut runs: Vec<Assignment> = runs.collect();
    let last = runs.split_off(runs.len() - 1);
    let lasts = lab.run_batch(last);
    let records = lab.run_batch(runs).into_iter().chain(lasts);
    let records: Vec<TrialRecord> = records
        .collect::<Result<_, LabError>>()
        .map_err(NoBaseline::Lab)?;
    for record in &records {
        check_clean(record).map_err(NoBaseline::Failure)?;
    }
    check_answers(spec, &records)?;
    let rules = StateRules(spec.state.clone());
    let references: Vec<&TrialRecord> = records.iter().collect();
    let mut baseline = Baseline::new(seed, &references, rules, spec.locks.clone(), spec.contract);
    learn(&mut baseline, &records)?;
    slots::run_orders(spec, &mut baseline, lab, CLEAN_RUNS_COUNT + 1)?;
    let same_requests = signatures(&records[0]) == signatures(&records[1]);
    let first = records
        .into_iter()
        .next()
        .expect("there are three clean runs");
    let mut summary = summary(&baseline, first);
    summary.runs = CLEAN_RUNS_COUNT + slots::count(spec);
    if !same_requests {
        let note = "the clean runs send other requests, or in another order: replays may diverge";
        summary.notes.push(note.to_owned());
    }
    Ok((baseline, summary))
}

/// Runs more clean runs, in other disguises, and returns the masks that they add.
pub(super) fn confirm(
    spec: &CampaignSpec,
    baseline: &mut Baseline,
    lab: &mut dyn Lab,
) -> Result<Vec<Mask>, NoBaseline> {
    let before = CLEAN_RUNS_COUNT + slots::count(spec);
    let batch = (1..=MORE_CLEAN_RUNS).map(|number| {
        let trial = u32::from(number) + before;
        assignment(spec, trial, Drive::Steps, number + 1)
    });
    let records: Vec<TrialRecord> = lab
        .run_batch(batch.collect())
        .into_iter()
        .collect::<Result<_, LabError>>()
        .map_err(NoBaseline::Lab)?;
    for record in &records {
        check_clean(record).map_err(NoBaseline::Failure)?;
    }
    check_answers(spec, &records)?;
    learn(baseline, &records)
}

/// Fails where a clean run breaks an invariant of the scenario, or its query cannot be asked.
fn check_answers(spec: &CampaignSpec, records: &[TrialRecord]) -> Result<(), NoBaseline> {
    let checks = Checks::new(spec.contract, &spec.checks);
    for record in records {
        if let Some((check, error)) = invariant::unanswered(record, &checks) {
            return Err(NoBaseline::Lab(LabError {
                blame: Blame::Input,
                message: format!("the query of the check `{check}` fails: {error}"),
                hint: "mend `sql` of that check; it was asked after a clean run".to_owned(),
            }));
        }
        let failure = |message: String, output: String| {
            NoBaseline::Failure(BaselineFailure {
                message,
                output,
                hint: "what one clean run does must hold: mend the check, the seed, or the job"
                    .to_owned(),
            })
        };
        if let Some((broken, rows)) = invariant::broken_alone(record, &checks) {
            return Err(failure(format!("after the clean run, {broken}"), rows));
        }
        if let Some(forbidden) = transition::forbidden_alone(record, &checks) {
            return Err(failure(
                format!("in the clean run, {forbidden}"),
                String::new(),
            ));
        }
    }
    Ok(())
}

fn signatures(record: &TrialRecord) -> Vec<Signature> {
    let requests = twiceproof_oracle::baseline::requests(record).into_iter();
    requests.map(|clean| clean.request.signature).collect()
}

fn learn(baseline: &mut Baseline, records: &[TrialRecord]) -> Result<Vec<Mask>, NoBaseline> {
    let first = baseline.clean.first().cloned();
    let snapshots = first
        .iter()
        .chain(records.iter().map(|record| &record.snapshot));
    let snapshots: Vec<&Snapshot> = snapshots.collect();
    let masks = learn_masks(baseline, &snapshots).map_err(|doubt| {
        NoBaseline::Failure(BaselineFailure {
            message: doubt.to_string(),
            output: String::new(),
            hint: "leave it out with `state.NAME.tables`, or mask a column with `state.NAME.mask`"
                .to_owned(),
        })
    })?;
    baseline.add_masks(masks.clone());
    Ok(masks)
}

fn assignment(spec: &CampaignSpec, trial: u32, drive: Drive, disguise: u8) -> Assignment {
    Assignment {
        trial,
        stage: "baseline",
        seed: spec.seed,
        instances: 1,
        starts: Starts::alone(),
        drive,
        disguise,
        menu: Vec::new(),
        clean_exit: None,
        leases: Vec::new(),
        accepts: Arc::new(|_| true),
        scheduler: Box::new(Script::in_order()),
    }
}

/// Returns why the record is that of no clean run, if it is not.
fn check_clean(record: &TrialRecord) -> Result<(), BaselineFailure> {
    let output = record.outputs.values().next();
    let last_words = output.map_or("", |output| {
        if output.tail.is_empty() {
            &output.head
        } else {
            &output.tail
        }
    });
    let failure = |message: String, hint: &str| BaselineFailure {
        message,
        output: last_words.to_owned(),
        hint: hint.to_owned(),
    };
    let hangs = |event: &Event| matches!(event, Event::TimedOut(_));
    if record.trace.iter().any(|stamped| hangs(&stamped.event)) {
        return Err(failure(
            "the clean run hangs: it used up its time".to_owned(),
            "raise `timeout` in the target file if the job needs longer",
        ));
    }
    let is_void = |doubt: &&Doubt| matches!(doubt, Doubt::CutShort(_) | Doubt::ServiceDied(_));
    if let Some(doubt) = record.doubts.iter().find(is_void) {
        let (Doubt::CutShort(text) | Doubt::ServiceDied(text)) = doubt else {
            unreachable!("the filter lets only these two pass");
        };
        return Err(failure(format!("the clean run was cut off: {text}"), ""));
    }
    let job = InstanceId::first(1)
        .next()
        .and_then(|job| record.exits.get(&job));
    match job {
        Some(Exit::Code(0)) => Ok(()),
        Some(exit) => Err(failure(
            format!("the clean run fails with {exit}"),
            "run alone on the seeded state, the job must succeed",
        )),
        None => Err(failure("the clean run did not end".to_owned(), "")),
    }
}

/// Returns what of the clean run was not seen or not awaited.
pub(super) fn guesses(record: &TrialRecord) -> Vec<String> {
    let doubts = record.doubts.iter();
    let guesses = doubts.filter_map(|doubt| match doubt {
        Doubt::OpaqueLink(text) | Doubt::BestEffort(text) => Some(text.clone()),
        _ => None,
    });
    guesses.collect()
}

fn summary(baseline: &Baseline, record: TrialRecord) -> BaselineSummary {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let writes = baseline.requests.iter().filter(|clean| clean.reply.writes);
    let mut notes: Vec<String> = record
        .doubts
        .iter()
        .filter_map(|doubt| match doubt {
            Doubt::OpaqueLink(text) | Doubt::BestEffort(text) | Doubt::Bound(text) => {
                Some(text.clone())
            }
            _ => None,
        })
        .collect();
    if baseline.requests.is_empty() {
        notes.push("the clean run sends no request that can be held".to_owned());
    }
    BaselineSummary {
        runs: CLEAN_RUNS_COUNT,
        exit: baseline.exit,
        requests: count(baseline.requests.len()),
        writes: count(writes.count()),
        masks: baseline.masks.clone(),
        lock_objects: baseline.lock_objects.iter().cloned().collect(),
        notes,
        record,
    }
}
