//! Findings while a campaign runs: each is replayed before it is reported, and keeps its simplest
//! trial.

use super::expiry::{Standing, ends_lease};
use super::result::{CampaignFinding, Progress, Replays};
use super::run::{Campaign, Stop};
use super::verify;
use crate::schedule_of::{schedule_of, switches};
use crate::serial::SERIAL;
use twiceproof_model::record::Drive;
use twiceproof_model::{Finding, TrialRecord, Verdict};
use twiceproof_oracle::{Cause, judge};

/// The most findings kept, each with its trial.
const FINDINGS_MAX: usize = 64;

/// A finding with the trial that shows it.
pub(super) struct Shown<'a> {
    pub(super) finding: Finding,
    pub(super) record: &'a TrialRecord,
    pub(super) label: &'a str,
}

/// Replays that must have shown a finding, all of them, before more is learnt of it.
const SAME_MIN: u32 = 3;

/// Returns whether the finding shows each time that its steps are repeated.
pub(super) fn is_steady(found: &CampaignFinding) -> bool {
    let replays = &found.replays;
    let repeats = replays.same == replays.tried && replays.same >= SAME_MIN;
    repeats && found.record.drive == Drive::Steps
}

impl Campaign<'_, '_> {
    /// Takes note of a finding: a new one is replayed and reported, of a known one the simplest
    /// trial is kept.
    pub(super) fn show(&mut self, shown: Shown<'_>) {
        let id = shown.finding.id.clone();
        let switches = switches(&shown.record.trace);
        let causes = self.causes(shown.record, &shown.finding);
        if let Some(known) = self
            .findings
            .iter_mut()
            .find(|known| known.finding.id == id)
        {
            known.trials += 1;
            known.add_causes(causes);
            let best = self.candidates.get(&id);
            let best = best.map_or(known.switches, |(best, _)| {
                crate::schedule_of::switches(&best.trace)
            });
            // What a free run shows can hardly be repeated: any trial by steps is better.
            let repeats = |record: &TrialRecord| record.drive == Drive::Steps;
            let first_repeatable = repeats(shown.record)
                && !repeats(&known.record)
                && !self.candidates.contains_key(&id);
            if first_repeatable || switches < best && repeats(shown.record) {
                let candidate = (shown.record.clone(), shown.label.to_owned());
                self.candidates.insert(id, candidate);
            }
            return;
        }
        if self.findings.len() >= FINDINGS_MAX {
            self.coverage.findings_dropped += 1;
            return;
        }
        let schedule = schedule_of(&shown.record.trace, shown.record.seed);
        if self.dismissed.contains(&id) && ends_lease(&schedule) {
            return;
        }
        let mut found = CampaignFinding {
            causes,
            orders: Vec::new(),
            shrunk: None,
            repetition: shown.record.stage == SERIAL.kind.name,
            finding: shown.finding,
            record: shown.record.clone(),
            label: shown.label.to_owned(),
            schedule,
            switches,
            replays: Replays::default(),
            trials: 1,
            first_trial: shown.record.trial,
        };
        if let Standing::Unconfirmed(why) = self.standing(&found) {
            self.dismiss(&found.finding, &why);
            return;
        }
        found.replays = self.replay(&found);
        (self.control.observer)(&Progress::Finding(&found));
        self.findings.push(found);
    }

    /// Lists what the end of a lease showed and a pause did not: it is no violation.
    fn dismiss(&mut self, finding: &Finding, why: &str) {
        let objects: Vec<String> = finding.objects.iter().map(ToString::to_string).collect();
        self.coverage.unconfirmed.push(format!(
            "not confirmed: {} {} after the end of a lease: {why}",
            finding.code,
            objects.join(", ")
        ));
        self.dismissed.insert(finding.id.clone());
    }

    /// Returns the findings that are not known: those that count.
    pub(super) fn new_findings(&self) -> impl Iterator<Item = &CampaignFinding> {
        let is_known = |found: &CampaignFinding| self.spec.known.contains(&found.finding.id);
        self.findings.iter().filter(move |found| !is_known(found))
    }

    fn causes(&self, record: &TrialRecord, finding: &Finding) -> Vec<Cause> {
        self.spec.causes(&self.baseline, record, finding)
    }

    pub(super) fn replay(&mut self, found: &CampaignFinding) -> Replays {
        let is_stopped = matches!(self.stop, Some(Stop::Interrupted | Stop::Lab(_)));
        if is_stopped || (self.control.interrupted)() {
            return Replays::default();
        }
        let count = self.spec.replays;
        let (record, schedule) = (&found.record, &found.schedule);
        let first = self.trials + 1;
        let batch =
            verify::assignments(&self.spec, &self.baseline, (record, schedule), first, count);
        self.trials += count;
        self.coverage.replays += count;
        let mut replayed = self.lab.run_batch(batch);
        self.contents.share(replayed.iter_mut().flatten());
        verify::count(
            &self.baseline,
            &self.checks,
            (record, &found.finding),
            replayed,
        )
    }

    /// Replaces the trial of a finding by one that shows it with fewer switches and repeats as
    /// well.
    pub(super) fn better_trials(&mut self) {
        for (id, (record, label)) in std::mem::take(&mut self.candidates) {
            let Some(at) = self
                .findings
                .iter()
                .position(|known| known.finding.id == id)
            else {
                continue;
            };
            let verdict = judge(&self.baseline, &record, &self.checks);
            let Verdict::Violation(findings) = verdict else {
                continue;
            };
            let Some(finding) = findings.into_iter().find(|finding| finding.id == id) else {
                continue;
            };
            let mut better = CampaignFinding {
                finding,
                schedule: schedule_of(&record.trace, record.seed),
                switches: switches(&record.trace),
                record,
                label,
                ..self.findings[at].clone()
            };
            better.replays = self.replay(&better);
            if verify::is_better(&self.findings[at], &better.replays, better.switches) {
                self.findings[at] = better;
            }
        }
    }

    /// Returns the causes that were asked for and that no finding shows.
    pub(super) fn causes_missing(&self) -> Vec<String> {
        let is_shown = |code: &String| {
            let mut shown = self.findings.iter().flat_map(|found| &found.causes);
            shown.any(|cause| cause.code == code)
        };
        let asked = self.spec.causes.iter();
        asked.filter(|code| !is_shown(code)).cloned().collect()
    }

    /// Returns whether the search ended so that nothing more may run.
    pub(super) fn is_broken_off(&self) -> bool {
        matches!(
            self.stop,
            Some(Stop::Interrupted | Stop::Lab(_) | Stop::Baseline(_))
        )
    }
}
