//! How much a campaign covered, in numbers.

use super::audit::Audit;
use super::interleavings::Interleavings;
use super::orders::OrderCoverage;
use crate::registry::{STAGES, STAGES_KNOWN};
use crate::schedule_of::main_part;
use crate::strategy::Point;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::record::Drive;
use twiceproof_model::{Event, Exit, InstanceId, RequestId, Step, TrialRecord, Verdict};

/// How far one stage came.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StageCoverage {
    /// Its name.
    pub name: String,
    /// Trials that it has in all.
    pub planned: u32,
    /// Trials that ran.
    pub run: u32,
    /// Trials that proved nothing.
    pub inconclusive: u32,
    /// Trials with a finding.
    pub violations: u32,
    /// Whether a pass owes it.
    pub owed: bool,
}

/// Points of one kind: how many were shown, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Points {
    /// How many were covered by a trial that proves something.
    pub covered: u32,
    /// How many there are.
    pub total: u32,
}

/// How much a campaign covered.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
    /// Trials run, replays and clean runs aside.
    pub trials: u32,
    /// Replays run.
    pub replays: u32,
    /// Clean runs.
    pub clean_runs: u32,
    /// Requests of one clean run.
    pub requests: u32,
    /// Writes among them.
    pub writes: u32,
    /// The stages asked for, in order.
    pub stages: Vec<StageCoverage>,
    /// Stages that this version has and that were left out.
    pub stages_left_out: Vec<String>,
    /// Whether they were left out since nothing but regressions was asked for; else the scenario
    /// leaves them out.
    pub only_regressions: bool,
    /// Stages that this version does not have.
    pub stages_absent: Vec<String>,
    /// Crash points; covered where the kill took effect.
    pub crash_points: Points,
    /// The scenario's faults at their moments.
    pub faults: Points,
    /// Lost replies, and links cut before a request.
    pub lost_replies: Points,
    /// Windows between a read and a write of an object, with one instance held, or two.
    pub windows: Points,
    /// Ends of a lease before a write that was made under it.
    pub leases: Points,
    /// Findings by the end of a lease that a pause as long as the lease did not show, or that could
    /// not be repeated so: a line each. They are no violations.
    pub unconfirmed: Vec<String>,
    /// Partitions of a link.
    pub partitions: Points,
    /// Points at which one instance was held while the others ran.
    pub preemptions: Points,
    /// How far the search over all interleavings came; absent where there was none.
    pub interleavings: Option<Interleavings>,
    /// Random orders.
    pub samples: Points,
    /// Kills that ended an instance.
    pub kills: u32,
    /// Requests that were held while another instance took a step.
    pub holds: u64,
    /// Trials in which two instances had a request open at once.
    pub overlapping: u32,
    /// Distinct orders of steps among the trials.
    pub distinct: u32,
    /// Trials that proved nothing, by code.
    pub inconclusive: BTreeMap<String, u32>,
    /// Trials with a finding that was new when as many as can be kept were there already.
    pub findings_dropped: u32,
    /// What running the first schedules a second time showed.
    pub audit: Audit,
    /// The orders of conflicting requests that were seen.
    pub orders: OrderCoverage,
    /// Steps of the clean run that were not seen or not awaited, with the reason.
    pub guesses: Vec<String>,
    #[serde(skip)]
    pub(super) fingerprints: BTreeSet<u64>,
}

/// Orders of steps remembered; beyond, they are no longer counted.
const FINGERPRINTS_MAX: usize = 20_000;

impl Coverage {
    /// Returns the coverage of a search that has not begun, over the stages asked for.
    pub(super) fn new(asked: &dyn Fn(&str) -> bool) -> Self {
        let (on, off): (Vec<_>, Vec<_>) = STAGES.iter().partition(|stage| asked(stage.kind.name));
        let is_absent = |name: &&&str| !STAGES.iter().any(|stage| stage.kind.name == **name);
        Self {
            stages: on
                .iter()
                .map(|stage| StageCoverage {
                    name: stage.kind.name.to_owned(),
                    owed: stage.owed,
                    ..StageCoverage::default()
                })
                .collect(),
            // Without faults in the scenario there are none to leave out.
            stages_left_out: (off.iter().map(|stage| stage.kind.name.to_owned()))
                .filter(|name| name != crate::faults::FAULTS.kind.name)
                .collect(),
            stages_absent: (STAGES_KNOWN.iter().filter(is_absent))
                .map(|name| (*name).to_owned())
                .collect(),
            ..Self::default()
        }
    }

    /// Counts a trial of a stage.
    pub(super) fn count(
        &mut self,
        stage: usize,
        point: Point,
        record: &TrialRecord,
        verdict: &Verdict,
    ) {
        self.trials += 1;
        let facts = Facts::of(record);
        self.kills += facts.kills;
        self.holds += facts.holds;
        self.overlapping += u32::from(facts.overlaps);
        if self.fingerprints.len() < FINGERPRINTS_MAX {
            let text = record.fingerprint.to_string();
            let head = u64::from_str_radix(&text[..16], 16).unwrap_or(0);
            self.distinct += u32::from(self.fingerprints.insert(head));
        }
        let stage = &mut self.stages[stage];
        stage.run += 1;
        match verdict {
            Verdict::Pass => {}
            Verdict::Violation(_) => stage.violations += 1,
            Verdict::Inconclusive(reasons) => {
                stage.inconclusive += 1;
                let codes: BTreeSet<&String> = reasons.iter().map(|(code, _)| code).collect();
                for code in codes {
                    *self.inconclusive.entry(code.clone()).or_default() += 1;
                }
            }
        }
        let proves = !matches!(verdict, Verdict::Inconclusive(_));
        match point {
            Point::Crash if facts.kills > 0 && proves => self.crash_points.covered += 1,
            Point::Fault if proves => self.faults.covered += 1,
            Point::LostReply if proves => self.lost_replies.covered += 1,
            Point::Lease if proves => self.leases.covered += 1,
            Point::Partition if proves => self.partitions.covered += 1,
            Point::Preemption if proves => self.preemptions.covered += 1,
            Point::Window if proves => self.windows.covered += 1,
            Point::Sample if proves => self.samples.covered += 1,
            _ => {}
        }
    }

    /// Returns the sentence that a pass says: what was covered, in numbers.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        let mut say = |points: Points, what: &str| {
            if points.total > 0 {
                parts.push(format!("{}/{} {what}", points.covered, points.total));
            }
        };
        say(self.crash_points, "crash points");
        say(self.faults, "faults at their moments");
        say(
            self.lost_replies,
            "lost replies, cuts, errors and duplicates",
        );
        say(self.windows, "read-write windows");
        say(self.leases, "ends of leases");
        say(self.partitions, "partitions");
        say(self.preemptions, "preemption points");
        say(self.samples, "random orders");
        parts.extend(self.interleavings.as_ref().and_then(Interleavings::covered));
        format!(
            "{} trials over {} requests, {} of them writes: {}; {} holds, {} trials with two requests open at once",
            self.trials,
            self.requests,
            self.writes,
            if parts.is_empty() {
                "no points".to_owned()
            } else {
                parts.join(", ")
            },
            self.holds,
            self.overlapping
        )
    }

    /// Returns what was not covered, a line each.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        gaps.extend(self.interleavings.iter().flat_map(Interleavings::gaps));
        for stage in self.stages.iter().filter(|stage| stage.run < stage.planned) {
            gaps.push(format!(
                "stage {}: {} of {} trials",
                stage.name, stage.run, stage.planned
            ));
        }
        if !self.stages_left_out.is_empty() {
            gaps.push(format!(
                "stages left out: {}",
                self.stages_left_out.join(", ")
            ));
        }
        if !self.stages_absent.is_empty() {
            gaps.push(format!(
                "stages not in this version: {}",
                self.stages_absent.join(", ")
            ));
        }
        gaps.extend(self.unconfirmed.iter().cloned());
        if self.findings_dropped > 0 {
            gaps.push(format!(
                "{} trials with further findings, which were not kept",
                self.findings_dropped
            ));
        }
        for (code, trials) in &self.inconclusive {
            gaps.push(format!("{trials} trials proved nothing ({code})"));
        }
        gaps
    }
}

/// What one trial did.
struct Facts {
    kills: u32,
    holds: u64,
    overlaps: bool,
}

impl Facts {
    fn of(record: &TrialRecord) -> Self {
        let mut facts = Self {
            kills: 0,
            holds: 0,
            overlaps: false,
        };
        // Requests that wait to be forwarded, each with whether another instance took a step
        // meanwhile.
        let mut waiting: BTreeMap<RequestId, bool> = BTreeMap::new();
        let mut open: BTreeSet<RequestId> = BTreeSet::new();
        let mut struck: BTreeSet<InstanceId> = BTreeSet::new();
        for stamped in main_part(&record.trace) {
            match &stamped.event {
                Event::Held(request) => {
                    // In a free run a request is seen to pass: nothing holds it.
                    if record.drive == Drive::Steps {
                        waiting.insert(request.id, false);
                    }
                    open.insert(request.id);
                    let mut others = open.iter();
                    facts.overlaps |= others.any(|other| other.instance != request.id.instance);
                }
                Event::Taken(step) => {
                    for (request, held) in &mut waiting {
                        if step.instance().is_some_and(|who| who != request.instance) && !*held {
                            *held = true;
                            facts.holds += 1;
                        }
                    }
                    if let Step::Kill(instance) = step {
                        struck.insert(*instance);
                    }
                }
                Event::Forwarded(request) => {
                    waiting.remove(request);
                }
                Event::Answered { request, .. } => {
                    waiting.remove(request);
                    open.remove(request);
                }
                Event::Exited { instance, exit } => {
                    waiting.retain(|request, _| request.instance != *instance);
                    open.retain(|request| request.instance != *instance);
                    if struck.remove(instance) && matches!(exit, Exit::Signal(_)) {
                        facts.kills += 1;
                    }
                }
                _ => {}
            }
        }
        facts
    }
}
