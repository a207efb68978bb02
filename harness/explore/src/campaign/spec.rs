//! What a campaign is asked to do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use twiceproof_model::scenario::{CheckSpec, Contract, Expect, FaultSpec};
use twiceproof_model::target::{LockSpec, StateSpec};
use twiceproof_model::{Exit, Finding, Scenario, ServiceName, TrialRecord};
use twiceproof_oracle::{Baseline, Cause, cause, classify};

use super::regressions::Regression;
use super::result::Progress;
use crate::shrink::TRIES_MAX;
use crate::trigger::{self, Settings, Starts, Trigger};

/// How often a violation is replayed before it is reported, where nobody says otherwise.
const REPLAYS_DEFAULT: u32 = 5;

/// Which findings are shrunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shrinking {
    /// None.
    Off,
    /// Those that the search found. What an earlier run kept was made small by that run.
    New,
    /// The one with this id, also where an earlier run kept it.
    Only(String),
}

/// What a campaign is asked to do.
#[derive(Clone)]
pub struct CampaignSpec {
    /// What the starts owe.
    pub contract: Contract,
    /// What it should end in.
    pub expect: Expect,
    /// Codes of causes that a violation must show, where one is expected.
    pub causes: Vec<String>,
    /// What starts runs.
    pub trigger: &'static Trigger,
    /// What the scenario says of it.
    pub settings: Settings,
    /// Stages by name; `None`: all.
    pub stages: Option<Vec<String>>,
    /// Trials of the sample stage.
    pub samples: u32,
    /// Preemptions up to which the exhaustive stage tries every order before a pass.
    pub preemptions: u32,
    /// Longest duration of the search.
    pub budget: Duration,
    /// Seed of every choice.
    pub seed: u64,
    /// How often a violation is replayed before it is reported.
    pub replays: u32,
    /// Which findings are shrunk.
    pub shrink: Shrinking,
    /// The most smaller cases that are tried of one finding.
    pub tries: u32,
    /// Whether the first violation ends the search.
    pub fail_fast: bool,
    /// Schedules that earlier runs kept, to be replayed before the search.
    pub regressions: Vec<Regression>,
    /// Whether they are all that is asked for: the search then has no stage but the serial one,
    /// which says what repetition alone leaves.
    pub only_regressions: bool,
    /// Ids of findings that are known: they are reported, and do not make the campaign fail.
    pub known: BTreeSet<String>,
    /// The faults of the scenario.
    pub faults: Vec<FaultSpec>,
    /// Checks beside the default ones.
    pub checks: Vec<CheckSpec>,
    /// What of each service's state counts.
    pub state: BTreeMap<ServiceName, StateSpec>,
    /// The locks that the target declares.
    pub locks: Vec<LockSpec>,
    /// The kind of each service.
    pub kinds: BTreeMap<ServiceName, String>,
    /// Services that no link goes to: their files are called.
    pub linkless: BTreeSet<ServiceName>,
}

impl From<&Scenario> for CampaignSpec {
    fn from(scenario: &Scenario) -> Self {
        let trigger = trigger::find(&scenario.trigger.kind);
        Self {
            contract: scenario.contract.unwrap_or(trigger.contract),
            expect: scenario.expect,
            causes: scenario.causes.clone(),
            trigger,
            settings: Settings::of(scenario),
            stages: scenario.search.stages.clone(),
            samples: scenario.search.samples,
            preemptions: scenario.search.preemptions,
            budget: scenario.search.budget,
            seed: scenario.search.seed,
            replays: REPLAYS_DEFAULT,
            shrink: Shrinking::New,
            tries: TRIES_MAX,
            fail_fast: false,
            regressions: Vec::new(),
            only_regressions: false,
            known: BTreeSet::new(),
            faults: scenario.faults.clone(),
            checks: scenario.checks.clone(),
            state: scenario.target.state.clone(),
            locks: scenario.target.locks.clone(),
            kinds: (scenario.target.services.iter())
                .map(|service| (service.name.clone(), service.kind.clone()))
                .collect(),
            linkless: (scenario.target.services.iter())
                .filter(|service| service.port.is_none())
                .map(|service| service.name.clone())
                .collect(),
        }
    }
}

impl CampaignSpec {
    /// Returns the causes that the record of a finding shows: that of the trigger where several
    /// starts came, then those of lock and data.
    pub fn causes(
        &self,
        baseline: &Baseline,
        record: &TrialRecord,
        finding: &Finding,
    ) -> Vec<Cause> {
        let kind = &self.trigger.kind;
        let by_trigger = cause(self.trigger.cause).filter(|_| record.exits.len() > 1);
        let by_trigger = by_trigger.map(|cause| Cause {
            code: cause.code,
            text: format!("{}: {}", kind.name, kind.doc),
            events: Vec::new(),
        });
        let shown = classify(baseline, record, finding);
        by_trigger.into_iter().chain(shown).collect()
    }

    /// Returns so many of the trigger's starts; `clean` is how the clean run ends.
    pub fn starts(&self, count: u8, clean: Exit) -> Starts {
        Starts::of(self.trigger, &self.settings, self.contract, clean, count)
    }
}

/// What links a campaign to the world: it has no clock and no terminal of its own.
pub struct Control<'a> {
    /// Returns the time since the campaign began.
    pub elapsed: &'a dyn Fn() -> Duration,
    /// Returns whether somebody asked to stop.
    pub interrupted: &'a dyn Fn() -> bool,
    /// Is told what happens, in an order that does not depend on speed.
    pub observer: &'a mut dyn FnMut(&Progress<'_>),
}
