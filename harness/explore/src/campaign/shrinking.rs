//! Findings made small before they are reported: each smaller case is told at once, before the next
//! one is tried.

use super::again::instances_of;
use super::findings::is_steady;
use super::regressions::REGRESSION;
use super::result::{CampaignFinding, Progress, Shrunk};
use super::run::Campaign;
use super::spec::Shrinking;
use super::verify::{self, Rerun};
use crate::lab::Assignment;
use crate::replay::{Mode, Replay};
use crate::schedule_of::{schedule_of, switches};
use crate::shrink::{Case, shrink};
use twiceproof_model::{Event, Schedule, TrialRecord, Verdict};
use twiceproof_oracle::judge;

/// The most findings that are shrunk, in the order in which they were found.
const SHRUNK_MAX: usize = 8;

impl Campaign<'_, '_> {
    /// Shrinks the findings that repeat.
    pub(super) fn shrink_all(&mut self) {
        for at in 0..self.findings.len().min(SHRUNK_MAX) {
            if is_steady(&self.findings[at]) && self.is_asked(at) && self.may_shrink() {
                self.shrink(at);
            }
        }
    }

    /// Returns whether this finding is to be shrunk.
    fn is_asked(&self, at: usize) -> bool {
        let found = &self.findings[at];
        match &self.spec.shrink {
            Shrinking::Off => false,
            Shrinking::New => found.record.stage != REGRESSION,
            Shrinking::Only(id) => found.finding.id == *id,
        }
    }

    /// Returns whether there is time left, and nobody wants to stop.
    pub(super) fn may_shrink(&self) -> bool {
        let is_spent = (self.control.elapsed)() >= self.spec.budget;
        !is_spent && !(self.control.interrupted)() && !self.is_broken_off()
    }

    fn shrink(&mut self, at: usize) {
        let original = self.findings[at].clone();
        let start = Case {
            schedule: original.schedule.clone(),
            instances: original.record.instances,
        };
        let (from_steps, from_faults) = (steps(&original.record), start.size().0);
        let mut best = original.clone();
        let (_, tries) = shrink(start, self.spec.tries, &mut |case| {
            let (became, smaller) = self.attempt(&original, case)?;
            best = smaller;
            best.shrunk = Some(Shrunk {
                from_steps,
                from_faults: u32::try_from(from_faults).unwrap_or(u32::MAX),
                tries: 0,
            });
            (self.control.observer)(&Progress::Shrunk(&best));
            Some(became)
        });
        if let Some(shrunk) = &mut best.shrunk {
            shrunk.tries = tries;
            best.replays = self.replay(&best);
        }
        // One that repeats less often is no gain, however small it is.
        if best.replays.same >= original.replays.same {
            self.findings[at] = best;
        }
        (self.control.observer)(&Progress::Shrunk(&self.findings[at]));
    }

    /// Runs a case; returns what it became and the finding that it shows, where it is the same.
    pub(super) fn attempt(
        &mut self,
        original: &CampaignFinding,
        case: &Case,
    ) -> Option<(Case, CampaignFinding)> {
        if !self.may_shrink() {
            return None;
        }
        self.trials += 1;
        self.coverage.replays += 1;
        let assignment = self.shrink_assignment(original, case);
        let mut records: Vec<TrialRecord> = self
            .lab
            .run_batch(vec![assignment])
            .into_iter()
            .flatten()
            .collect();
        self.contents.share(records.iter_mut());
        let mut record = records.pop()?;
        // It is judged as the trial that it comes from.
        record.stage.clone_from(&original.record.stage);
        let Verdict::Violation(findings) = judge(&self.baseline, &record, &self.checks) else {
            return None;
        };
        let mut findings = findings.into_iter();
        let finding = findings.find(|finding| finding.id == original.finding.id)?;
        let became = match record.divergence.take() {
            None => case.clone(),
            Some(_) => Case {
                schedule: schedule_of(&record.trace, record.seed),
                instances: case.instances,
            },
        };
        record.schedule = with_body_of(&record.schedule, &became.schedule);
        let smaller = CampaignFinding {
            finding,
            schedule: became.schedule.clone(),
            switches: switches(&record.trace),
            record,
            ..original.clone()
        };
        Some((became, smaller))
    }

    fn shrink_assignment(&self, original: &CampaignFinding, case: &Case) -> Assignment {
        let rerun = Rerun {
            trial: self.trials,
            stage: "shrink",
            seed: original.record.seed,
            instances: case.instances,
            schedule: &case.schedule,
            recovers: verify::recovers(&original.record.stage),
            replay: Replay::new(&case.schedule, Mode::Lenient),
        };
        verify::assignment(&self.spec, &self.baseline, rerun)
    }
}

/// Returns the text of a schedule with the lines of a smaller one: what it says of target and
/// services stays. It keeps its own lines where the smaller one does not speak of all its
/// instances, which a reader of the text alone could not know of.
fn with_body_of(text: &str, schedule: &Schedule) -> String {
    let whole = Schedule::parse(text).map(|whole| {
        if instances_of(schedule) < instances_of(&whole) {
            return whole;
        }
        Schedule {
            body: schedule.body.clone(),
            orders: schedule.orders.clone(),
            ..whole
        }
    });
    whole.map_or_else(|_| schedule.to_string(), |whole| whole.to_string())
}

/// Returns how many steps the main part took.
fn steps(record: &TrialRecord) -> u32 {
    let trace = crate::schedule_of::main_part(&record.trace).iter();
    let steps = trace.filter(|stamped| matches!(stamped.event, Event::Taken(_)));
    u32::try_from(steps.count()).unwrap_or(u32::MAX)
}
