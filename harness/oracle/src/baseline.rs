//! What a trial is compared with.

use crate::learn::file_masks;
use crate::lease::{self, Lease};
use crate::mask::Mask;
use crate::rules::StateRules;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::scenario::Contract;
use twiceproof_model::snapshot::{Content, ObjectName};
use twiceproof_model::target::LockSpec;
use twiceproof_model::{
    Event, Exit, InstanceId, Reply, Request, ServiceName, Snapshot, TrialRecord,
};

/// One request of the clean run with its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanRequest {
    /// The request.
    pub request: Request,
    /// What the service said.
    pub reply: Reply,
}

/// The state after several runs, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialOutcome {
    /// How many runs.
    pub runs: u8,
    /// The starts that they were, whose slots are served where each has its own.
    pub starts: BTreeSet<InstanceId>,
    /// The state after the last one.
    pub snapshot: Snapshot,
}

/// What a trial is compared with: the clean runs and what was learnt from them.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The state that every trial begins with.
    pub seed: Snapshot,
    /// The state after each clean run, the first of which is shown as "the clean run".
    pub clean: Vec<Snapshot>,
    /// Serial outcomes that are accepted too; filled after the serial runs.
    pub serial: Vec<SerialOutcome>,
    /// Columns compared by class, in order of object and column.
    pub masks: Vec<Mask>,
    /// What of the state counts.
    pub rules: StateRules,
    /// How the clean run ends.
    pub exit: Exit,
    /// The requests of the first clean run in the order of its steps.
    pub requests: Vec<CleanRequest>,
    /// Objects that serve as locks: written in the clean run and left as seeded.
    pub lock_objects: BTreeSet<ObjectName>,
    /// The locks that the target declares.
    pub locks: Vec<LockSpec>,
    /// The leases that the clean run takes.
    pub leases: Vec<Lease>,
    /// What the starts owe.
    pub contract: Contract,
}

impl Baseline {
    /// Returns the baseline of these clean runs, with the masks of the target file; learnt ones are
    /// added after.
    pub fn new(
        seed: Snapshot,
        clean: &[&TrialRecord],
        rules: StateRules,
        locks: Vec<LockSpec>,
        contract: Contract,
    ) -> Self {
        let requests = clean.first().map_or(Vec::new(), |record| requests(record));
        let exit = clean
            .first()
            .and_then(|record| record.exits.values().next().copied())
            .unwrap_or(Exit::Code(0));
        let clean: Vec<Snapshot> = clean.iter().map(|record| record.snapshot.clone()).collect();
        let lock_objects = crate::lock_object::infer(&seed, &clean, &requests);
        let masks = file_masks(&clean, &rules);
        let leases = lease::of(&requests, &locks);
        Self {
            seed,
            clean,
            serial: Vec::new(),
            masks,
            rules,
            exit,
            requests,
            lock_objects,
            locks,
            leases,
            contract,
        }
    }

    /// Returns the services and keys of the leases that the clean run takes and that end by their
    /// time, each once.
    pub fn lease_keys(&self) -> Vec<(ServiceName, String)> {
        let keys = self.leases.iter().filter(|lease| lease.session.is_none());
        let keys: BTreeSet<_> = keys
            .map(|lease| (lease.service.clone(), lease.key.clone()))
            .collect();
        keys.into_iter().collect()
    }

    /// Adds masks, keeping the order and dropping those that are there already.
    pub fn add_masks(&mut self, masks: Vec<Mask>) {
        for mask in masks {
            let known = |old: &Mask| old.object == mask.object && old.column == mask.column;
            if !self.masks.iter().any(known) {
                self.masks.push(mask);
            }
        }
        self.masks.sort();
    }

    /// Returns the mask of this column, if it is masked.
    pub fn mask(&self, object: &ObjectName, column: &str) -> Option<&Mask> {
        let mut masks = self.masks.iter();
        masks.find(|mask| mask.object == *object && mask.column == column)
    }

    /// Returns whether the state equals a clean run or any serial outcome; where every start has a
    /// slot of its own, one in which all these starts did their work.
    pub fn accepts(&self, snapshot: &Snapshot, starts: u8) -> bool {
        let by_slot = self.contract == Contract::EachSlot;
        let clean = self
            .clean
            .iter()
            .take(1)
            .filter(|_| !by_slot || starts <= 1);
        let all = usize::from(starts);
        let serial = self.serial.iter();
        let serial = serial.filter(|outcome| !by_slot || outcome.starts.len() == all);
        let accepted: Vec<&Snapshot> = clean
            .chain(serial.map(|outcome| &outcome.snapshot))
            .collect();
        let locks = crate::compare::Locks::Ignored;
        let comparison = crate::compare::compare(self, &accepted, snapshot, locks);
        comparison.total == 0 && comparison.unknown.is_empty()
    }

    /// Returns the rows of an object: its own, or those of a known state where they have the same
    /// hash.
    pub fn content(&self, snapshot: &Snapshot, name: &ObjectName) -> Option<Arc<Content>> {
        let object = snapshot.objects.get(name)?;
        if let Some(content) = &object.content {
            return Some(content.clone());
        }
        let serial = self.serial.iter().map(|outcome| &outcome.snapshot);
        let known = [&self.seed].into_iter().chain(&self.clean).chain(serial);
        let mut same = known.filter_map(|state| state.objects.get(name));
        same.find(|other| {
            other.hash == object.hash && other.count == object.count && other.content.is_some()
        })
        .and_then(|other| other.content.clone())
    }
}

/// Returns the answered requests of the record's main part, in the order in which they were held.
pub fn requests(record: &TrialRecord) -> Vec<CleanRequest> {
    let mut replies = BTreeMap::new();
    let mut held = Vec::new();
    for stamped in &record.trace {
        match &stamped.event {
            Event::Begun(twiceproof_model::event::Part::Recovery(_)) => break,
            Event::Held(request) => held.push(request.clone()),
            Event::Answered { request, reply } => {
                replies.insert(*request, reply.clone());
            }
            _ => {}
        }
    }
    let answered = held.into_iter().map(|request| CleanRequest {
        reply: replies
            .get(&request.id)
            .cloned()
            .unwrap_or_else(Reply::unknown),
        request,
    });
    answered.collect()
}
