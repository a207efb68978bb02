//! Replays: a finding is repeated, strictly by its schedule, before it is reported.

use super::again::instances_of;
use super::result::{CampaignFinding, Replays};
use super::spec::CampaignSpec;
use crate::lab::{Assignment, LabError};
use crate::replay::Replay;
use std::sync::Arc;
use twiceproof_model::record::Drive;
use twiceproof_model::{Finding, Schedule, TrialRecord, Verdict};
use twiceproof_oracle::{Baseline, Checks, judge};

/// A schedule that is run again.
pub(super) struct Rerun<'a> {
    /// The number of the trial.
    pub(super) trial: u32,
    /// The stage that it is recorded under.
    pub(super) stage: &'static str,
    pub(super) seed: u64,
    pub(super) instances: u8,
    pub(super) schedule: &'a Schedule,
    /// Whether calm runs follow where an instance does not end as the clean run does.
    pub(super) recovers: bool,
    /// Follows the schedule.
    pub(super) replay: Replay,
}

/// Returns the trial that runs a schedule again.
pub(super) fn assignment(
    spec: &CampaignSpec,
    baseline: &Arc<Baseline>,
    rerun: Rerun<'_>,
) -> Assignment {
    let (accepting, instances) = (Arc::clone(baseline), rerun.instances);
    let starts = spec.starts(instances, baseline.exit);
    Assignment {
        trial: rerun.trial,
        stage: rerun.stage,
        seed: rerun.seed,
        instances,
        starts: starts.replayed(instances_of(rerun.schedule)),
        drive: Drive::Steps,
        disguise: 0,
        menu: rerun.schedule.menu(),
        clean_exit: rerun.recovers.then_some(baseline.exit),
        leases: baseline.lease_keys(),
        accepts: Arc::new(move |snapshot| accepting.accepts(snapshot, instances)),
        scheduler: Box::new(rerun.replay),
    }
}

/// Returns the trials that replay a record; `next_trial` is the number of the first.
pub(super) fn assignments(
    spec: &CampaignSpec,
    baseline: &Arc<Baseline>,
    (record, schedule): (&TrialRecord, &Schedule),
    next_trial: u32,
    count: u32,
) -> Vec<Assignment> {
    let replays = (0..count).map(|index| {
        let rerun = Rerun {
            trial: next_trial + index,
            stage: "replay",
            seed: record.seed,
            instances: record.instances,
            schedule,
            recovers: recovers(&record.stage),
            replay: Replay::strict(schedule, &record.trace),
        };
        assignment(spec, baseline, rerun)
    });
    replays.collect()
}

/// Returns whether calm runs follow the trials of this stage: those of the serial stage are calm
/// themselves.
pub(super) fn recovers(stage: &str) -> bool {
    stage != crate::serial::SERIAL.kind.name
}

/// Counts the replays that ended in the same finding by the same steps.
pub(super) fn count(
    baseline: &Baseline,
    checks: &Checks,
    original: (&TrialRecord, &Finding),
    replayed: Vec<Result<TrialRecord, LabError>>,
) -> Replays {
    let (record, finding) = original;
    let mut replays = Replays::default();
    for result in replayed {
        replays.tried += 1;
        let mut replay = match result {
            Ok(replay) => replay,
            Err(error) => {
                note(&mut replays, error.message);
                continue;
            }
        };
        // A replay is judged as the trial that it repeats.
        replay.stage.clone_from(&record.stage);
        let verdict = judge(baseline, &replay, checks);
        let shows = matches!(&verdict, Verdict::Violation(found)
            if found.iter().any(|other| other.id == finding.id));
        if replay.divergence.is_none() && shows {
            replays.same += 1;
            continue;
        }
        if let Some(divergence) = replay.divergence {
            replays.divergence.get_or_insert(divergence);
        }
        if !shows {
            let (word, codes) = super::result::verdict_words(&verdict);
            note(
                &mut replays,
                format!("a replay ended in {word} {}", codes.join(" ")),
            );
        }
    }
    replays
}

fn note(replays: &mut Replays, text: String) {
    if replays.note.is_empty() {
        replays.note = text.trim_end().to_owned();
    }
}

/// Returns whether the second trial shows the finding better: it could be repeated more often, or
/// as often while it switches less.
pub(super) fn is_better(old: &CampaignFinding, new: &Replays, switches: u32) -> bool {
    new.same > old.replays.same || switches < old.switches && new.same == old.replays.same
}
