//! Regressions: schedules of findings that earlier runs kept, replayed before the search.

use super::again::{instances_of, is_serial};
use super::findings::Shown;
use super::result::Progress;
use super::run::{BATCH, Campaign, Stop, rests_on_state};
use super::verify::{self, Rerun};
use crate::lab::{Assignment, Blame};
use crate::replay::{Mode, Replay};
use crate::serial::SERIAL;
use twiceproof_model::scenario::Contract;
use twiceproof_model::{Divergence, Schedule, TrialRecord, Verdict};
use twiceproof_oracle::judge;

/// The stage of trials that replay a regression.
pub const REGRESSION: &str = "regression";

/// A schedule that an earlier run kept of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// The finding, as its file is named.
    pub finding: String,
    /// The schedule that showed it.
    pub schedule: Schedule,
    /// [`Mode::Strict`] where the target is the one that the schedule was made with.
    pub mode: Mode,
}

/// What came of replaying a regression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegressionEnd {
    /// It shows its finding again.
    StillFails,
    /// It shows other findings, with these ids.
    FailsOtherwise(Vec<String>),
    /// The schedule was followed to its end, and no oracle objects.
    NoLongerFails,
    /// The schedule could not be followed, so that nothing failed proves nothing.
    Diverged,
    /// The trial proves nothing, for this reason: code and text.
    Doubtful(String, String),
    /// The search ended before it.
    NotReplayed,
}

/// A regression, replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedRegression {
    /// Its finding.
    pub finding: String,
    /// How it was replayed.
    pub mode: Mode,
    /// What came of it.
    pub end: RegressionEnd,
    /// The first line that could not be followed, also where it fails all the same.
    pub divergence: Option<Divergence>,
}

impl RegressionEnd {
    /// Returns whether it tells that the schedule fails, or no longer does.
    pub fn is_told(&self) -> bool {
        matches!(
            self,
            Self::StillFails | Self::FailsOtherwise(_) | Self::NoLongerFails
        )
    }

    fn of(finding: &str, record: &TrialRecord, verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Violation(found) if found.iter().any(|found| found.id == finding) => {
                Self::StillFails
            }
            Verdict::Violation(found) => {
                Self::FailsOtherwise(found.iter().map(|found| found.id.clone()).collect())
            }
            _ if record.divergence.is_some() => Self::Diverged,
            Verdict::Inconclusive(reasons) => {
                let (code, text) = reasons.first().cloned().unwrap_or_default();
                Self::Doubtful(code, text)
            }
            Verdict::Pass => Self::NoLongerFails,
        }
    }
}

impl Campaign<'_, '_> {
    /// Replays the regressions, each once; what they show is found as in any trial.
    pub(super) fn replay_regressions(&mut self) {
        let regressions = std::mem::take(&mut self.spec.regressions);
        for part in regressions.chunks(BATCH) {
            let mut records = Vec::new();
            if self.goes_on() {
                let batch = part.iter().map(|one| self.regression_assignment(one));
                let batch: Vec<Assignment> = batch.collect();
                self.coverage.replays += u32::try_from(batch.len()).unwrap_or(u32::MAX);
                records = self.records(batch);
            }
            self.end_regressions(part, records);
        }
    }

    fn regression_assignment(&mut self, regression: &Regression) -> Assignment {
        self.trials += 1;
        let schedule = &regression.schedule;
        let rerun = Rerun {
            trial: self.trials,
            stage: REGRESSION,
            seed: schedule.seed,
            instances: instances_of(schedule),
            schedule,
            recovers: true,
            replay: Replay::new(schedule, regression.mode),
        };
        verify::assignment(&self.spec, &self.baseline, rerun)
    }

    /// Returns the records of a batch, up to the first that could not be run, which ends the
    /// search.
    fn records(&mut self, batch: Vec<Assignment>) -> Vec<TrialRecord> {
        let mut records = Vec::new();
        for result in self.lab.run_batch(batch) {
            match result {
                Ok(record) => records.push(record),
                Err(error) => {
                    let is_interrupt = error.blame == Blame::Interrupted;
                    let stop = if is_interrupt {
                        Stop::Interrupted
                    } else {
                        Stop::Lab(error)
                    };
                    self.stop.get_or_insert(stop);
                    break;
                }
            }
        }
        self.contents.share(records.iter_mut());
        records
    }

    /// Judges the records of these regressions; those without one were not replayed.
    fn end_regressions(&mut self, part: &[Regression], mut records: Vec<TrialRecord>) {
        for record in &mut records {
            // Nothing overlaps here, so what it shows is repetition, which the serial stage judges.
            if self.spec.contract == Contract::Once && is_serial(record) {
                SERIAL.kind.name.clone_into(&mut record.stage);
            }
        }
        let mut verdicts = self.judged(&records);
        if !self.confirmed && verdicts.iter().any(rests_on_state) {
            self.confirmed = true;
            self.confirm();
            verdicts = self.judged(&records);
        }
        let mut judged = records.iter().zip(&verdicts);
        for regression in part {
            let (end, divergence) = match judged.next() {
                None => (RegressionEnd::NotReplayed, None),
                Some((record, verdict)) => {
                    self.show_regression(regression, record, verdict);
                    let end = RegressionEnd::of(&regression.finding, record, verdict);
                    (self.confirmed_end(end, verdict), record.divergence.clone())
                }
            };
            let replayed = ReplayedRegression {
                finding: regression.finding.clone(),
                mode: regression.mode,
                end,
                divergence,
            };
            (self.control.observer)(&Progress::Regression(&replayed));
            self.regressions.push(replayed);
        }
    }

    /// Returns the same end, but where all that the trial shows rests on the end of a lease that no
    /// pause confirms: that is no violation.
    fn confirmed_end(&self, end: RegressionEnd, verdict: &Verdict) -> RegressionEnd {
        match verdict {
            Verdict::Violation(found)
                if found.iter().all(|one| self.dismissed.contains(&one.id)) =>
            {
                let text = "it ends a lease, and no pause shows the same";
                RegressionEnd::Doubtful(String::new(), text.to_owned())
            }
            _ => end,
        }
    }

    fn judged(&self, records: &[TrialRecord]) -> Vec<Verdict> {
        let records = records.iter();
        records
            .map(|record| judge(&self.baseline, record, &self.checks))
            .collect()
    }

    fn show_regression(
        &mut self,
        regression: &Regression,
        record: &TrialRecord,
        verdict: &Verdict,
    ) {
        let Verdict::Violation(findings) = verdict else {
            return;
        };
        let label = format!("regression {}", regression.finding);
        for finding in findings {
            self.show(Shown {
                finding: finding.clone(),
                record,
                label: &label,
            });
        }
    }

    /// Returns why a run of nothing but regressions does not tell of all of them.
    pub(super) fn regression_reasons(&self) -> Vec<(String, String)> {
        if !self.spec.only_regressions {
            return Vec::new();
        }
        let open = self.regressions.iter().filter(|one| !one.end.is_told());
        let reasons = open.map(|one| {
            let (code, text) = match &one.end {
                RegressionEnd::Doubtful(code, text) => (code.as_str(), text.clone()),
                RegressionEnd::NotReplayed => ("TP-I01", "it was not replayed".to_owned()),
                _ => ("TP-I03", "its schedule could not be followed".to_owned()),
            };
            (
                code.to_owned(),
                format!("regression {}: {text}", one.finding),
            )
        });
        reasons.collect()
    }
}
