//! What the tests share.

use std::time::Duration;
use twiceproof_explore::campaign::Shrinking;
use twiceproof_explore::shrink::TRIES_MAX;
use twiceproof_explore::trigger::Settings;
use twiceproof_explore::{CampaignResult, CampaignSpec, Control, Progress, run};
use twiceproof_model::scenario::{Contract, Expect};
use twiceproof_testkit::{Entry, ToyLab};

pub(crate) const BUDGET: Duration = Duration::from_secs(600);

/// Returns the campaign of a job of the bank.
pub(crate) fn spec(entry: &Entry, seed: u64) -> CampaignSpec {
    CampaignSpec {
        contract: entry.contract,
        expect: Expect::Pass,
        causes: Vec::new(),
        trigger: entry.trigger(),
        settings: settings(2),
        stages: None,
        samples: 60,
        preemptions: 1,
        budget: BUDGET,
        seed,
        replays: 5,
        shrink: Shrinking::New,
        tries: TRIES_MAX,
        fail_fast: false,
        regressions: Vec::new(),
        only_regressions: false,
        known: std::collections::BTreeSet::new(),
        faults: Vec::new(),
        checks: Vec::new(),
        state: std::collections::BTreeMap::new(),
        locks: Vec::new(),
        kinds: [("pg", "postgres"), ("mail", "smtp"), ("redis", "redis")]
            .map(|(service, kind)| (service.into(), kind.to_owned()))
            .into(),
        linkless: std::collections::BTreeSet::new(),
    }
}

/// Returns the settings of a trigger with so many starts.
pub(crate) fn settings(instances: u8) -> Settings {
    Settings {
        instances,
        attempts: instances,
        timeout: None,
        grace: Duration::from_secs(30),
        pause_max: None,
    }
}

/// Runs a campaign in which no time passes.
pub(crate) fn campaign(spec: &CampaignSpec, lab: &mut ToyLab) -> CampaignResult {
    observed(spec, lab, &mut |_| {})
}

/// Runs a campaign in which no time passes, and tells what happens.
pub(crate) fn observed(
    spec: &CampaignSpec,
    lab: &mut ToyLab,
    observer: &mut dyn FnMut(&Progress<'_>),
) -> CampaignResult {
    let control = Control {
        elapsed: &|| Duration::ZERO,
        interrupted: &|| false,
        observer,
    };
    run(spec, lab, control)
}

/// Returns the campaign with this contract.
pub(crate) fn with_contract(mut spec: CampaignSpec, contract: Contract) -> CampaignSpec {
    spec.contract = contract;
    spec
}
