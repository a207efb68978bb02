//! What a strategy is: it hands out trials and learns from their records.

use crate::campaign::{CampaignSpec, Interleavings};
use crate::footprint::session::Services;
use crate::lab::Scheduler;
use crate::script::Act;
use crate::trigger::Order;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::{Contract, FaultSpec};
use twiceproof_model::{Fault, InstanceId, ServiceName, TrialRecord, Verdict};
use twiceproof_oracle::{Baseline, CleanRequest, Lease};

/// What the search knows before it begins.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many starts a trial has at most.
    pub instances: u8,
    /// In which order they come.
    pub order: Order,
    /// What they owe.
    pub contract: Contract,
    /// The requests of the clean run at which to stop an instance makes a difference, in order.
    pub requests: Vec<CleanRequest>,
    /// Trials of the sample stage.
    pub samples: u32,
    /// Preemptions up to which a pass owes every order.
    pub preemptions: u32,
    /// Seed of the campaign.
    pub seed: u64,
    /// The kind of each service, which says how its requests read.
    pub kinds: BTreeMap<ServiceName, String>,
    /// The leases that the clean run takes.
    pub leases: Vec<Lease>,
    /// The faults of the scenario.
    pub faults: Vec<FaultSpec>,
    /// Services that no link goes to.
    pub linkless: BTreeSet<ServiceName>,
    /// Whether part of the state belongs to a service on whose links nothing was seen, so that an
    /// instance may change it between two requests.
    pub unseen_state: bool,
    /// What is known of the services, by which two requests may be called independent.
    pub services: Arc<Services>,
    /// Whether any start may come at any time.
    pub starts_freely: bool,
}

impl Plan {
    /// Returns the plan of a search over what the baseline saw.
    pub fn new(baseline: &Baseline, spec: &CampaignSpec) -> Self {
        let clean = baseline.clean.first();
        let names = clean.into_iter().flat_map(|state| state.objects.keys());
        let is_seen = |service: &ServiceName| {
            let mut requests = baseline.requests.iter();
            requests.any(|clean| clean.request.signature.service == *service)
        };
        let unseen_state = names
            .map(|name| &name.service)
            .any(|service| !is_seen(service));
        let requests = baseline.requests.iter();
        let requests = requests.filter(|clean| !clean.request.signature.is_aside());
        // A fault that comes at its moment depends on all that was done before, and where no link
        // goes to a service, data are read and written unseen.
        let is_blind = !spec.linkless.is_empty() || !spec.faults.is_empty();
        let rows = |name: &_| baseline.content(&baseline.seed, name);
        Self {
            instances: spec.settings.attempts,
            order: spec.trigger.order,
            contract: spec.contract,
            requests: requests.cloned().collect(),
            samples: spec.samples,
            preemptions: spec.preemptions,
            seed: spec.seed,
            kinds: spec.kinds.clone(),
            leases: baseline.leases.clone(),
            faults: spec.faults.clone(),
            linkless: spec.linkless.clone(),
            unseen_state,
            services: Arc::new(Services::new(&spec.kinds, &rows, is_blind)),
            starts_freely: spec.trigger.order == Order::Free && !spec.trigger.restarts(),
        }
    }

    /// Returns the numbers of the requests, from 1, the first of each text before the others: bugs
    /// of many rows are alike.
    pub fn ordinals_by_novelty(&self) -> Vec<u32> {
        let ids = self.requests.iter().map(|clean| {
            let is_first = clean.request.signature.nth == 1;
            (!is_first, clean.request.id.ordinal)
        });
        let mut ids: Vec<(bool, u32)> = ids.collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, ordinal)| ordinal).collect()
    }

    /// Returns the acts that a start needs before it: where starts come in order, those before it
    /// start, and go no further.
    pub fn acts_before(&self, instance: InstanceId) -> Vec<Act> {
        match self.order {
            Order::Free => Vec::new(),
            Order::ByNumber => InstanceId::first(instance.number() - 1)
                .map(Act::Start)
                .collect(),
        }
    }

    /// Returns the requests of the clean run that write over a link, the first of each text before
    /// the others.
    pub fn linked_writes(&self) -> Vec<&CleanRequest> {
        let ordinals = self.ordinals_by_novelty().into_iter();
        let of = |ordinal: u32| {
            let mut requests = self.requests.iter();
            requests.find(|clean| clean.request.id.ordinal == ordinal)
        };
        let requests = ordinals.filter_map(of);
        let is_linked = |clean: &&CleanRequest| {
            let service = &clean.request.signature.service;
            clean.reply.writes && !self.linkless.contains(service)
        };
        requests.filter(is_linked).collect()
    }

    /// Returns the instances but this one, lowest first.
    pub fn others(&self, instance: InstanceId) -> impl Iterator<Item = InstanceId> {
        InstanceId::first(self.instances).filter(move |other| *other != instance)
    }
}

/// What a trial is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// One crash point.
    Crash,
    /// One of the scenario's faults at its moment.
    Fault,
    /// One lost reply, one link cut before a request, one request that fails or comes twice.
    LostReply,
    /// The end of one lease before one write.
    Lease,
    /// One partition of a link.
    Partition,
    /// One point at which an instance is held while the others run.
    Preemption,
    /// One sample.
    Sample,
    /// A random order that stands between the points of a stage, and is owed by nobody.
    Walk,
    /// One window between a read and a write of an object.
    Window,
    /// None of these.
    Other,
}

/// One trial that a strategy asks for.
pub struct Work {
    /// What it tries, for people: `kill job#1 after its request 3`.
    pub label: String,
    /// How many instances take part.
    pub instances: u8,
    /// How it is driven.
    pub drive: Drive,
    /// Seed of its choices.
    pub seed: u64,
    /// Whether calm runs follow where an instance does not end as the clean run does.
    pub recovers: bool,
    /// What it is counted as.
    pub point: Point,
    /// Faults that its scheduler injects, beside those that every trial offers.
    pub menu: Vec<Fault>,
    /// Picks its steps.
    pub scheduler: Box<dyn Scheduler>,
}

/// Hands out trials, cheapest first, and learns from their records.
///
/// Trials are handed out in batches and learnt from at their ends in order of number, so a strategy
/// must not count on having learnt from one trial when it hands out the next.
pub trait Strategy {
    /// Returns the next trial, or `None` when there is nothing left to try, or nothing before it
    /// has learnt: see [`Strategy::waits`].
    fn next(&mut self) -> Option<Work>;

    /// Returns whether [`Strategy::next`], which had no trial, may have one once those that it
    /// handed out have been learnt from.
    fn waits(&self) -> bool {
        false
    }

    /// Learns from the record of a trial that this strategy handed out.
    fn learn(&mut self, _record: &TrialRecord, _verdict: &Verdict, _baseline: &Baseline) {}

    /// Returns how many trials this strategy hands out in all, as far as it knows. Where it learns
    /// how many there are, one more than it handed out stands for those that are to come.
    fn planned(&self) -> u32;

    /// Returns whether a pass owes the stage for this plan, where it owes it at all.
    fn is_owed(&self) -> bool {
        true
    }

    /// Returns how far it came, where it goes through all interleavings.
    fn interleavings(&self) -> Option<Interleavings> {
        None
    }

    /// Returns why what it covered may be less than it says.
    fn doubts(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns how many of them are counted as points: all, but where others stand between.
    fn points(&self) -> u32 {
        self.planned()
    }
}

/// Hands out nothing.
pub struct Nothing;

impl Strategy for Nothing {
    fn next(&mut self) -> Option<Work> {
        None
    }

    fn planned(&self) -> u32 {
        0
    }
}
