//! One schedule on its own: the clean runs and the serial runs first, then the replays, judged as a
//! campaign would judge them.

use super::clean::{self, BaselineSummary, NoBaseline, outcome_of};
use super::contents::Contents;
use super::result::{Outcome, Progress};
use super::run::rests_on_state;
use super::spec::{CampaignSpec, Control};
use crate::Scheduler;
use crate::lab::{Assignment, Lab, LabError};
use crate::replay::{Mode, Replay};
use crate::schedule_of::main_part;
use crate::serial::SERIAL;
use crate::strategy::Plan;
use crate::trigger::Starts;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::{Contract, Expect};
use twiceproof_model::schedule::Directive;
use twiceproof_model::{Event, Fault, InstanceId, Schedule, Stamped, Step, TrialRecord, Verdict};
use twiceproof_oracle::{Baseline, Cause, Checks, SerialOutcome, judge};

/// A schedule to replay.
pub struct ReplayAsked<'a> {
    /// The schedule.
    pub schedule: &'a Schedule,
    /// What to do where it cannot be followed.
    pub mode: Mode,
    /// The trace that it was made from, where it is at hand: a strict replay is held against it.
    pub trace: Option<&'a [Stamped]>,
    /// How many instances take part; `None`: those that the schedule speaks of.
    pub instances: Option<u8>,
    /// How often it is replayed.
    pub times: u32,
}

/// What came of replaying a schedule.
#[derive(Clone, Debug)]
pub struct ReplayResult {
    /// How it ended, held against what the scenario expects.
    pub outcome: Outcome,
    /// What the clean runs showed, where they agreed.
    pub baseline: Option<BaselineSummary>,
    /// The replays with their verdicts.
    pub trials: Vec<(TrialRecord, Verdict)>,
    /// What their findings show: the finding's id, its causes.
    pub causes: BTreeMap<String, Vec<Cause>>,
}

/// Replays a schedule.
pub fn replay(
    spec: &CampaignSpec,
    lab: &mut dyn Lab,
    asked: &ReplayAsked<'_>,
    control: Control<'_>,
) -> ReplayResult {
    let (baseline, mut summary) = match clean::baseline(spec, lab) {
        Ok(found) => found,
        Err(error) => return failed(outcome_of(error), None),
    };
    (control.observer)(&Progress::Baseline(&summary));
    let mut context = Context {
        spec,
        lab,
        checks: Checks::new(spec.contract, &spec.checks),
        baseline,
        contents: Contents::default(),
        trials: 0,
    };
    match context.replay(asked) {
        Err(error) => failed(outcome_of(error), Some(summary)),
        Ok(trials) => {
            summary.masks.clone_from(&context.baseline.masks);
            ReplayResult {
                outcome: outcome(spec.expect, &trials),
                causes: context.causes(&trials),
                baseline: Some(summary),
                trials,
            }
        }
    }
}

fn failed(outcome: Outcome, baseline: Option<BaselineSummary>) -> ReplayResult {
    ReplayResult {
        outcome,
        baseline,
        trials: Vec::new(),
        causes: BTreeMap::new(),
    }
}

fn outcome(expect: Expect, trials: &[(TrialRecord, Verdict)]) -> Outcome {
    let any = |is: fn(&Verdict) -> bool| trials.iter().any(|(_, verdict)| is(verdict));
    let violated = any(|verdict| matches!(verdict, Verdict::Violation(_)));
    let doubtful = any(|verdict| matches!(verdict, Verdict::Inconclusive(_)));
    match expect {
        Expect::Violation if violated => Outcome::ViolatedAsExpected,
        Expect::Pass if violated => Outcome::Violated,
        _ if doubtful || trials.is_empty() => Outcome::Inconclusive,
        Expect::Violation => Outcome::ViolationMissing,
        Expect::Pass => Outcome::Passed,
    }
}

/// Returns how many instances the schedule speaks of, at least one.
pub fn instances_of(schedule: &Schedule) -> u8 {
    let who = schedule
        .body
        .iter()
        .filter_map(|directive| match directive {
            Directive::Start(who) | Directive::Run(who, _) => Some(*who),
            Directive::Fault(fault) | Directive::Heal(fault) => fault.instance(),
        });
    let ordered = schedule.orders.iter().flatten();
    let ordered = ordered.map(|ordered| ordered.instance);
    let numbers = who.chain(ordered).map(|who| who.number());
    numbers.max().unwrap_or(1)
}

/// How an assignment of this module differs from another.
struct Asked {
    stage: &'static str,
    instances: u8,
    starts: Starts,
    seed: u64,
    menu: Vec<Fault>,
    scheduler: Box<dyn Scheduler>,
}

struct Context<'a> {
    spec: &'a CampaignSpec,
    lab: &'a mut dyn Lab,
    checks: Checks,
    baseline: Baseline,
    contents: Contents,
    trials: u32,
}

impl Context<'_> {
    fn replay(
        &mut self,
        asked: &ReplayAsked<'_>,
    ) -> Result<Vec<(TrialRecord, Verdict)>, NoBaseline> {
        self.serial_outcomes()?;
        let mut batch = Vec::new();
        for _ in 0..asked.times {
            let replay = match (asked.mode, asked.trace) {
                (Mode::Strict, Some(trace)) => Replay::strict(asked.schedule, trace),
                (mode, _) => Replay::new(asked.schedule, mode),
            };
            let spoken_of = instances_of(asked.schedule);
            let instances = asked.instances.unwrap_or(spoken_of);
            batch.push(
                self.assignment(Asked {
                    stage: "replay",
                    instances,
                    starts: self
                        .spec
                        .starts(instances, self.baseline.exit)
                        .replayed(spoken_of),
                    seed: asked.schedule.seed,
                    menu: asked.schedule.menu(),
                    scheduler: Box::new(replay),
                }),
            );
        }
        let records = self.run(batch)?;
        let mut verdicts = self.judge(&records);
        if verdicts.iter().any(rests_on_state) {
            clean::confirm(self.spec, &mut self.baseline, self.lab)?;
            verdicts = self.judge(&records);
        }
        Ok(records.into_iter().zip(verdicts).collect())
    }

    /// Runs the serial stage, whose outcomes are accepted as they are in a campaign.
    fn serial_outcomes(&mut self) -> Result<(), NoBaseline> {
        let plan = Plan::new(&self.baseline, self.spec);
        let mut serial = (SERIAL.make)(&plan);
        let mut batch = Vec::new();
        while let Some(work) = serial.next() {
            batch.push(
                self.assignment(Asked {
                    stage: SERIAL.kind.name,
                    instances: work.instances,
                    starts: self
                        .spec
                        .starts(work.instances, self.baseline.exit)
                        .in_any_order(),
                    seed: work.seed,
                    menu: work.menu,
                    scheduler: work.scheduler,
                }),
            );
        }
        let records = self.run(batch)?;
        let repeats = self
            .judge(&records)
            .iter()
            .all(|verdict| !rests_on_state(verdict));
        if self.spec.contract == Contract::Once && repeats {
            return Ok(());
        }
        let outcomes = records.into_iter().map(|record| SerialOutcome {
            runs: record.instances,
            starts: InstanceId::first(record.instances).collect(),
            snapshot: record.snapshot,
        });
        self.baseline.serial.extend(outcomes);
        Ok(())
    }

    fn assignment(&mut self, asked: Asked) -> Assignment {
        self.trials += 1;
        let accepting = Arc::new(self.baseline.clone());
        let recovers = asked.stage != SERIAL.kind.name;
        Assignment {
            trial: self.trials,
            stage: asked.stage,
            seed: asked.seed,
            instances: asked.instances,
            starts: asked.starts,
            drive: Drive::Steps,
            disguise: 0,
            menu: asked.menu,
            clean_exit: recovers.then_some(self.baseline.exit),
            leases: self.baseline.lease_keys(),
            accepts: Arc::new(move |snapshot| accepting.accepts(snapshot, asked.instances)),
            scheduler: asked.scheduler,
        }
    }

    fn run(&mut self, batch: Vec<Assignment>) -> Result<Vec<TrialRecord>, NoBaseline> {
        let records: Result<Vec<TrialRecord>, LabError> =
            self.lab.run_batch(batch).into_iter().collect();
        let mut records = records.map_err(NoBaseline::Lab)?;
        self.contents.share(&mut records);
        Ok(records)
    }

    fn causes(&self, trials: &[(TrialRecord, Verdict)]) -> BTreeMap<String, Vec<Cause>> {
        let mut causes = BTreeMap::new();
        for (record, verdict) in trials {
            let Verdict::Violation(findings) = verdict else {
                continue;
            };
            for finding in findings {
                let of_it = || self.spec.causes(&self.baseline, record, finding);
                causes.entry(finding.id.clone()).or_insert_with(of_it);
            }
        }
        causes
    }

    fn judge(&self, records: &[TrialRecord]) -> Vec<Verdict> {
        let verdicts = records.iter().map(|record| {
            if self.spec.contract == Contract::Once && is_serial(record) {
                // Nothing overlaps here, so what it shows is repetition, which the serial stage
                // judges.
                let mut record = record.clone();
                SERIAL.kind.name.clone_into(&mut record.stage);
                return judge(&self.baseline, &record, &self.checks);
            }
            judge(&self.baseline, record, &self.checks)
        });
        verdicts.collect()
    }
}

/// Returns whether each run ended by itself before the next one started.
pub(super) fn is_serial(record: &TrialRecord) -> bool {
    let mut alive: BTreeSet<InstanceId> = BTreeSet::new();
    for stamped in main_part(&record.trace) {
        match &stamped.event {
            Event::Taken(step) if step.is_fault() => return false,
            Event::Taken(Step::Start(instance)) => {
                if !alive.is_empty() {
                    return false;
                }
                alive.insert(*instance);
            }
            Event::Exited { instance, .. } => {
                alive.remove(instance);
            }
            _ => {}
        }
    }
    record.recoveries.is_empty()
}
