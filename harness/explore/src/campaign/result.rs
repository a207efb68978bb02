//! What a campaign has to say.

use super::claim::Claim;
use super::clean::{BaselineFailure, BaselineSummary};
use super::coverage::Coverage;
use super::regressions::ReplayedRegression;
use crate::lab::LabError;
use twiceproof_model::digest::Digest;
use twiceproof_model::schedule::OrderedRequest;
use twiceproof_model::{Divergence, Finding, Schedule, TrialRecord, Verdict};
use twiceproof_oracle::{CAUSES, Cause, Mask};

/// How a campaign ended, held against what its scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A pass, as expected.
    Passed,
    /// A violation, as expected.
    ViolatedAsExpected,
    /// A violation where a pass is expected.
    Violated,
    /// A complete search without the expected violation.
    ViolationMissing,
    /// A violation, as expected, but none that shows these causes.
    CausesMissing(Vec<String>),
    /// It could not be told, for the reasons given.
    Inconclusive,
    /// The clean run cannot serve as a baseline.
    BaselineFailed(BaselineFailure),
    /// The lab could not run a trial.
    LabFailed(LabError),
    /// Somebody stopped it; what was found so far is kept.
    Interrupted,
}

/// How often a finding could be repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replays {
    /// Replays that ended in the same finding by the same steps.
    pub same: u32,
    /// Replays tried.
    pub tried: u32,
    /// Where the first replay that went another way left the schedule.
    pub divergence: Option<Divergence>,
    /// What else to say of the first replay that went another way: what it ended in.
    pub note: String,
}

/// What a finding was before it was shrunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// Steps of the trial that showed it first.
    pub from_steps: u32,
    /// Faults of its schedule.
    pub from_faults: u32,
    /// How many smaller cases were tried; 0 while that goes on.
    pub tries: u32,
}

/// One finding with the trial that shows it.
#[derive(Clone, Debug)]
pub struct CampaignFinding {
    /// The finding.
    pub finding: Finding,
    /// Whether a second run after the first already shows it, without any overlap, crash or retry.
    pub repetition: bool,
    /// The trial.
    pub record: TrialRecord,
    /// What the trial tried.
    pub label: String,
    /// Its schedule.
    pub schedule: Schedule,
    /// How often its steps go from one instance to another.
    pub switches: u32,
    /// How often it could be repeated.
    pub replays: Replays,
    /// The orders of requests that show it where all else runs lowest first, as lines of a
    /// schedule; empty where they are not known.
    pub orders: Vec<Vec<OrderedRequest>>,
    /// What it was before it was shrunk, where it was.
    pub shrunk: Option<Shrunk>,
    /// Why it ran twice and why the data broke, as far as the trials that show it tell.
    pub causes: Vec<Cause>,
    /// How many trials showed it.
    pub trials: u32,
    /// The trial, by number, that showed it first.
    pub first_trial: u32,
}

impl CampaignFinding {
    /// Adds causes that another trial with the same finding shows: a crash and an error may both
    /// leave a lock behind.
    pub(super) fn add_causes(&mut self, causes: Vec<Cause>) {
        for cause in causes {
            if !self.causes.iter().any(|known| known.code == cause.code) {
                self.causes.push(cause);
            }
        }
        self.causes
            .sort_by_key(|cause| CAUSES.iter().position(|kind| kind.code == cause.code));
    }
}

/// What is kept of every trial: one line of `trials.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TrialLine {
    /// Number of the trial.
    pub trial: u32,
    /// The stage that asked for it, or `replay`.
    pub stage: String,
    /// What it tried.
    pub label: String,
    /// Seed of its choices.
    pub seed: u64,
    /// Hash of its schedule's text.
    pub schedule: Digest,
    /// Fingerprint of its trace.
    pub fingerprint: Digest,
    /// Hash of its final state, before masks.
    pub state: Digest,
    /// `pass`, `inconclusive` or `violation`.
    pub verdict: &'static str,
    /// Codes of its findings or doubts.
    pub codes: Vec<String>,
    /// Steps taken.
    pub steps: u32,
}

/// What a campaign tells while it runs.
pub enum Progress<'a> {
    /// The clean runs agree.
    Baseline(&'a BaselineSummary),
    /// A trial was judged.
    Trial {
        /// Its line.
        line: &'a TrialLine,
        /// Its record.
        record: &'a TrialRecord,
        /// Its verdict.
        verdict: &'a Verdict,
        /// What is covered so far.
        coverage: &'a Coverage,
    },
    /// A schedule that an earlier run kept was replayed.
    Regression(&'a ReplayedRegression),
    /// More clean runs showed more columns to be volatile.
    Masks(&'a [Mask]),
    /// A finding was replayed and is reported.
    Finding(&'a CampaignFinding),
    /// A finding that was reported is shown by a smaller trial now.
    Shrunk(&'a CampaignFinding),
}

/// All that a campaign has to say, as plain data.
#[derive(Clone, Debug)]
pub struct CampaignResult {
    /// How it ended.
    pub outcome: Outcome,
    /// What the clean runs showed, where they agreed.
    pub baseline: Option<BaselineSummary>,
    /// What was found, in order of first trial.
    pub findings: Vec<CampaignFinding>,
    /// What came of the schedules that earlier runs kept.
    pub regressions: Vec<ReplayedRegression>,
    /// What was covered.
    pub coverage: Coverage,
    /// Why the result is not, or would not be, a pass: code and text, each once.
    pub reasons: Vec<(String, String)>,
    /// Whether the budget cut the search short.
    pub budget_spent: bool,
    /// Whether somebody stopped it.
    pub interrupted: bool,
}

impl CampaignResult {
    /// Returns what the pass claims, where it is one.
    pub fn claim(&self) -> Option<Claim> {
        (self.outcome == Outcome::Passed).then(|| self.coverage.claim())
    }
}

/// Returns the word for a verdict, and its codes.
pub(super) fn verdict_words(verdict: &Verdict) -> (&'static str, Vec<String>) {
    match verdict {
        Verdict::Pass => ("pass", Vec::new()),
        Verdict::Inconclusive(reasons) => {
            let mut codes: Vec<String> = reasons.iter().map(|(code, _)| code.clone()).collect();
            codes.dedup();
            ("inconclusive", codes)
        }
        Verdict::Violation(findings) => {
            let codes = findings.iter().map(|finding| finding.code.clone());
            ("violation", codes.collect())
        }
    }
}
