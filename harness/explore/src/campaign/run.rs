//! The loop of a campaign.

use super::clean::{self, BaselineFailure, BaselineSummary, NoBaseline};
use super::coverage::Coverage;
use super::findings::Shown;
use super::orders::Orders;
use super::regressions::ReplayedRegression;
use super::result::{CampaignFinding, CampaignResult, Outcome, Progress, TrialLine, verdict_words};
use super::shares::{Running, next_batch};
use super::spec::{CampaignSpec, Control};
use crate::faults::FAULTS;
use crate::lab::{Blame, Lab, LabError};
use crate::registry::STAGES;
use crate::serial::SERIAL;
use crate::strategy::{Plan, Point, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::digest::Digest;
use twiceproof_model::scenario::{Contract, Expect};
use twiceproof_model::{Event, Finding, InstanceId, TrialRecord, Verdict};
use twiceproof_oracle::{Baseline, Checks, SerialOutcome, judge, run_log};

/// Trials handed out before any of them is learnt from.
pub const BATCH: usize = 16;

/// Runs a campaign.
pub fn run(spec: &CampaignSpec, lab: &mut dyn Lab, control: Control<'_>) -> CampaignResult {
    let mut spec = spec.clone();
    if spec.contract == Contract::Exclusion
        && let Some(stages) = &mut spec.stages
        && !stages.iter().any(|stage| stage == SERIAL.kind.name)
    {
        // What exclusion owes is only known from the serial runs.
        stages.insert(0, SERIAL.kind.name.to_owned());
    }
    let asked = |name: &str| match &spec.stages {
        // The faults of a scenario are what it is about: no list leaves them out.
        _ if spec.only_regressions && name != SERIAL.kind.name => false,
        _ if name == FAULTS.kind.name => !spec.faults.is_empty(),
        Some(stages) => stages.iter().any(|stage| stage == name),
        None => true,
    };
    let mut coverage = Coverage::new(&asked);
    coverage.only_regressions = spec.only_regressions;
    let (baseline, summary) = match clean::baseline(&spec, lab) {
        Ok(found) => found,
        Err(error) => return without_baseline(error, coverage),
    };
    (control.observer)(&Progress::Baseline(&summary));
    let orders = Orders::new(&spec.kinds);
    let plan = Plan::new(&baseline, &spec);
    let checks = Checks::new(spec.contract, &spec.checks);
    let campaign = Campaign {
        checks,
        spec,
        lab,
        control,
        baseline: Arc::new(baseline),
        summary,
        coverage,
        findings: Vec::new(),
        regressions: Vec::new(),
        candidates: BTreeMap::new(),
        dismissed: BTreeSet::new(),
        doubts: BTreeMap::new(),
        contents: super::contents::Contents::default(),
        first: Vec::new(),
        orders,
        trials: 0,
        confirmed: false,
        stop: None,
    };
    campaign.run(&plan)
}

fn without_baseline(error: NoBaseline, coverage: Coverage) -> CampaignResult {
    let outcome = clean::outcome_of(error);
    CampaignResult {
        interrupted: outcome == Outcome::Interrupted,
        outcome,
        baseline: None,
        findings: Vec::new(),
        regressions: Vec::new(),
        coverage,
        reasons: Vec::new(),
        budget_spent: false,
    }
}

/// Why the search ends before its stages do.
pub(super) enum Stop {
    Budget,
    Interrupted,
    FirstFinding,
    Lab(LabError),
    Baseline(BaselineFailure),
}

/// What is kept of a trial's work while the trial runs.
struct Asked {
    stage: usize,
    label: String,
    point: Point,
}

/// The state of a campaign while it runs.
pub(super) struct Campaign<'l, 'c> {
    pub(super) spec: CampaignSpec,
    pub(super) lab: &'l mut dyn Lab,
    pub(super) control: Control<'c>,
    pub(super) checks: Checks,
    pub(super) baseline: Arc<Baseline>,
    pub(super) summary: BaselineSummary,
    pub(super) coverage: Coverage,
    pub(super) findings: Vec<CampaignFinding>,
    pub(super) regressions: Vec<ReplayedRegression>,
    /// Trials that show a known finding with fewer switches, by its id.
    pub(super) candidates: BTreeMap<String, (TrialRecord, String)>,
    /// Findings, by id, that the end of a lease showed and a pause did not.
    pub(super) dismissed: BTreeSet<String>,
    /// Why owed trials proved nothing: by code, the first text and how many trials.
    pub(super) doubts: BTreeMap<String, (String, u32)>,
    pub(super) contents: super::contents::Contents,
    /// The first trials, for the audit.
    pub(super) first: Vec<TrialRecord>,
    orders: Orders,
    /// Trials handed out so far, replays included.
    pub(super) trials: u32,
    pub(super) confirmed: bool,
    pub(super) stop: Option<Stop>,
}

impl Campaign<'_, '_> {
    fn run(mut self, plan: &Plan) -> CampaignResult {
        let mut stages = self.stages(plan);
        self.coverage.requests = self.summary.requests;
        self.coverage.writes = self.summary.writes;
        self.coverage.clean_runs = self.summary.runs;
        self.coverage.guesses = clean::guesses(&self.summary.record);
        // What repetition alone leaves is accepted before anything else is judged.
        self.serial_stage(&mut stages);
        self.replay_regressions();
        while self.goes_on() {
            let in_turn = self.new_findings().all(|finding| finding.repetition);
            let batch = next_batch(&mut stages, in_turn);
            if batch.is_empty() {
                break;
            }
            self.batch(&mut stages, batch);
        }
        self.note_ends(&stages);
        self.better_trials();
        self.shrink_all();
        self.order_all();
        self.audit();
        self.end()
    }

    fn stages(&mut self, plan: &Plan) -> Vec<Running> {
        let mut running = Vec::new();
        for stage in &mut self.coverage.stages {
            let known = STAGES.iter().find(|known| known.kind.name == stage.name);
            let known = known.expect("coverage lists registered stages only");
            let strategy = (known.make)(plan);
            stage.planned = strategy.planned();
            stage.owed &= strategy.is_owed();
            let points = match stage.name.as_str() {
                "crash" => Some(&mut self.coverage.crash_points),
                "faults" => Some(&mut self.coverage.faults),
                "directed" => Some(&mut self.coverage.windows),
                "lost-reply" => Some(&mut self.coverage.lost_replies),
                "lease" => Some(&mut self.coverage.leases),
                "partition" => Some(&mut self.coverage.partitions),
                "preempt" => Some(&mut self.coverage.preemptions),
                "sample" => Some(&mut self.coverage.samples),
                _ => None,
            };
            if let Some(points) = points {
                points.total = strategy.points();
            }
            running.push(Running {
                name: known.kind.name,
                share: known.share,
                strategy,
                handed_out: 0,
                is_done: false,
            });
        }
        running
    }

    /// Returns whether another batch may be handed out.
    pub(super) fn goes_on(&mut self) -> bool {
        if self.stop.is_none() && (self.control.interrupted)() {
            self.stop = Some(Stop::Interrupted);
        }
        if self.stop.is_none() && (self.control.elapsed)() >= self.spec.budget {
            self.stop = Some(Stop::Budget);
        }
        if self.stop.is_none() && self.spec.fail_fast && self.new_findings().next().is_some() {
            self.stop = Some(Stop::FirstFinding);
        }
        self.stop.is_none()
    }

    /// Runs the serial stage to its end before all others: they accept its outcomes.
    fn serial_stage(&mut self, stages: &mut [Running]) {
        let Some(index) = stages
            .iter()
            .position(|stage| stage.name == SERIAL.kind.name)
        else {
            return;
        };
        while self.goes_on() {
            let mut batch = Vec::new();
            while batch.len() < BATCH
                && let Some(work) = stages[index].strategy.next()
            {
                batch.push((index, work));
            }
            if batch.is_empty() {
                break;
            }
            self.batch(stages, batch);
        }
        stages[index].is_done = true;
        self.propose_run_logs();
    }

    /// Notes which objects look like logs of runs, for the reader to decide.
    fn propose_run_logs(&mut self) {
        for name in run_log::proposals(&self.baseline) {
            let table = name.object.rsplit('.').next().unwrap_or(&name.object);
            self.summary.notes.push(format!(
                "{name} gains rows with every start: if it logs runs, set \
                 `per_run = [\"{table}\"]` in [state.{}]",
                name.service
            ));
        }
    }

    fn batch(&mut self, stages: &mut [Running], batch: Vec<(usize, Work)>) {
        let mut asked = Vec::new();
        let mut assignments = Vec::new();
        for (stage, work) in batch {
            self.trials += 1;
            asked.push(Asked {
                stage,
                label: work.label.clone(),
                point: work.point,
            });
            assignments.push(self.assignment(stages[stage].name, work));
        }
        let mut records = Vec::new();
        for (asked, result) in asked.into_iter().zip(self.lab.run_batch(assignments)) {
            match result {
                Ok(record) => records.push((asked, record)),
                Err(error) if error.blame == Blame::Interrupted => {
                    self.stop.get_or_insert(Stop::Interrupted);
                    break;
                }
                Err(error) => {
                    self.stop.get_or_insert(Stop::Lab(error));
                    break;
                }
            }
        }
        let shared = records.iter_mut().map(|(_, record)| record);
        self.contents.share(shared);
        self.judge_all(stages, records);
    }

    fn judge_all(&mut self, stages: &mut [Running], records: Vec<(Asked, TrialRecord)>) {
        self.accept_serial(&records);
        let mut verdicts = self.verdicts(&records);
        if !self.confirmed && verdicts.iter().any(rests_on_state) {
            self.confirmed = true;
            self.confirm();
            verdicts = self.verdicts(&records);
        }
        if self.accepts_repetition(&records, &verdicts) {
            self.accept_outcomes(&records);
        }
        for ((asked, record), verdict) in records.iter().zip(&verdicts) {
            self.coverage
                .count(asked.stage, asked.point, record, verdict);
            let stage = &mut stages[asked.stage];
            stage.strategy.learn(record, verdict, &self.baseline);
            let stage = &stages[asked.stage];
            self.note_progress(asked.stage, stage);
            self.keep_first(record);
            if !matches!(verdict, Verdict::Inconclusive(_)) {
                self.orders.see(record, asked.point == Point::Sample);
            }
            if asked.point != Point::Walk {
                self.note_doubts(asked.stage, verdict);
            }
            let line = line(record, stage.name, &asked.label, verdict);
            (self.control.observer)(&Progress::Trial {
                line: &line,
                record,
                verdict,
                coverage: &self.coverage,
            });
            if let Verdict::Violation(findings) = verdict {
                for finding in findings {
                    self.show(Shown {
                        finding: finding.clone(),
                        record,
                        label: &asked.label,
                    });
                }
            }
        }
    }

    /// Notes how far the stages came, and where one took too much for granted.
    fn note_ends(&mut self, stages: &[Running]) {
        for (index, stage) in stages.iter().enumerate() {
            self.note_progress(index, stage);
            for text in stage.strategy.doubts() {
                let doubt = self.doubts.entry("TP-I07".to_owned());
                doubt.or_insert_with(|| (text, 0)).1 += 1;
            }
        }
    }

    fn note_progress(&mut self, index: usize, stage: &Running) {
        self.coverage.stages[index].planned = stage.strategy.planned();
        self.coverage.stages[index].owed &= stage.strategy.is_owed();
        if let Some(interleavings) = stage.strategy.interleavings() {
            self.coverage.interleavings = Some(interleavings);
        }
    }

    fn verdicts(&self, records: &[(Asked, TrialRecord)]) -> Vec<Verdict> {
        let records = records.iter();
        records
            .map(|(_, record)| judge(&self.baseline, record, &self.checks))
            .collect()
    }

    /// Runs more clean runs, so that no verdict rests on a column that is volatile after all.
    pub(super) fn confirm(&mut self) {
        let mut baseline = Baseline::clone(&self.baseline);
        match clean::confirm(&self.spec, &mut baseline, self.lab) {
            Ok(masks) => {
                self.coverage.clean_runs += u32::from(clean::MORE_CLEAN_RUNS);
                if !masks.is_empty() {
                    (self.control.observer)(&Progress::Masks(&masks));
                }
                self.summary.masks.clone_from(&baseline.masks);
                self.baseline = Arc::new(baseline);
            }
            Err(NoBaseline::Failure(failure)) => {
                self.stop.get_or_insert(Stop::Baseline(failure));
            }
            Err(NoBaseline::Lab(error)) => {
                let is_interrupt = error.blame == Blame::Interrupted;
                let stop = if is_interrupt {
                    Stop::Interrupted
                } else {
                    Stop::Lab(error)
                };
                self.stop.get_or_insert(stop);
            }
        }
    }

    /// Under `exclusion` every serial outcome is accepted from the beginning.
    fn accept_serial(&mut self, records: &[(Asked, TrialRecord)]) {
        if self.spec.contract == Contract::Exclusion {
            self.accept_outcomes(records);
        }
    }

    /// Returns whether a second run after the first changed the state under `once`: that is
    /// reported once, and accepted from then on.
    fn accepts_repetition(&self, records: &[(Asked, TrialRecord)], verdicts: &[Verdict]) -> bool {
        let mut judged = records.iter().zip(verdicts);
        self.spec.contract == Contract::Once
            && judged.any(|((_, record), verdict)| {
                record.stage == SERIAL.kind.name && rests_on_state(verdict)
            })
    }

    fn accept_outcomes(&mut self, records: &[(Asked, TrialRecord)]) {
        let is_serial = |record: &&TrialRecord| record.stage == SERIAL.kind.name;
        let records = records.iter().map(|(_, record)| record);
        let outcomes = records.filter(is_serial).map(|record| SerialOutcome {
            runs: record.instances,
            starts: InstanceId::first(record.instances).collect(),
            snapshot: record.snapshot.clone(),
        });
        let outcomes: Vec<SerialOutcome> = outcomes.collect();
        if !outcomes.is_empty() {
            let mut baseline = Baseline::clone(&self.baseline);
            baseline.serial.extend(outcomes);
            self.baseline = Arc::new(baseline);
        }
    }

    fn note_doubts(&mut self, stage: usize, verdict: &Verdict) {
        if let Verdict::Inconclusive(reasons) = verdict
            && self.coverage.stages[stage].owed
        {
            for (code, text) in reasons {
                let doubt = self.doubts.entry(code.clone());
                doubt.or_insert_with(|| (text.clone(), 0)).1 += 1;
            }
        }
    }

    fn end(mut self) -> CampaignResult {
        self.coverage.orders = self.orders.coverage();
        let reasons = self.reasons();
        let found = self.new_findings().next().is_some();
        let budget_spent = matches!(self.stop, Some(Stop::Budget));
        let outcome = match (self.stop.take(), self.spec.expect) {
            (Some(Stop::Lab(error)), _) => Outcome::LabFailed(error),
            (Some(Stop::Baseline(failure)), _) => Outcome::BaselineFailed(failure),
            (Some(Stop::Interrupted), _) => Outcome::Interrupted,
            (_, Expect::Violation) if found => match self.causes_missing() {
                missing if missing.is_empty() => Outcome::ViolatedAsExpected,
                missing => Outcome::CausesMissing(missing),
            },
            (_, Expect::Pass) if found => Outcome::Violated,
            _ if !reasons.is_empty() => Outcome::Inconclusive,
            (_, Expect::Violation) => Outcome::ViolationMissing,
            (_, Expect::Pass) => Outcome::Passed,
        };
        CampaignResult {
            interrupted: outcome == Outcome::Interrupted,
            outcome,
            baseline: Some(self.summary),
            findings: self.findings,
            regressions: self.regressions,
            coverage: self.coverage,
            reasons,
            budget_spent,
        }
    }
}

/// Returns whether the verdict rests on a state that differs.
pub(super) fn rests_on_state(verdict: &Verdict) -> bool {
    let is_state = |finding: &Finding| finding.code == "TP-V01";
    matches!(verdict, Verdict::Violation(findings) if findings.iter().any(is_state))
}

fn line(record: &TrialRecord, stage: &str, label: &str, verdict: &Verdict) -> TrialLine {
    let (word, codes) = verdict_words(verdict);
    let steps = record.trace.iter();
    let steps = steps.filter(|stamped| matches!(stamped.event, Event::Taken(_)));
    TrialLine {
        trial: record.trial,
        stage: stage.to_owned(),
        label: label.to_owned(),
        seed: record.seed,
        schedule: Digest::of(record.schedule.as_bytes()),
        fingerprint: record.fingerprint,
        state: record.snapshot.digest(),
        verdict: word,
        codes,
        steps: u32::try_from(steps.count()).unwrap_or(u32::MAX),
    }
}
