//! Which states a trial may end in.

use crate::baseline::Baseline;
use crate::compare::Locks;
use crate::overlap;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::event::Part;
use twiceproof_model::scenario::Contract;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Event, InstanceId, Reply, Signature, Snapshot, TrialRecord};

/// The stage whose runs follow each other; it makes the serial outcomes, so they are not accepted
/// in it.
pub(crate) const SERIAL: &str = "serial";

/// Returns the accepted states, the clean run's first where it is one of them.
///
/// Under `once` the clean run and every serial outcome; under `exclusion` the outcomes of as many
/// serial runs as did the whole work, up to as many as started: a start may skip, but no whole run
/// may be lost. Under `each-slot` every order of the slots that are owed, with or without those
/// that may skip; under `workers` the clean run, which does the whole work.
pub(crate) fn states<'a>(
    baseline: &'a Baseline,
    record: &TrialRecord,
    calm_runs: usize,
) -> Vec<&'a Snapshot> {
    let clean = baseline.clean.first().into_iter();
    if record.stage == SERIAL && baseline.contract == Contract::Once {
        return clean.collect();
    }
    let runs_min = match baseline.contract {
        Contract::EachSlot => return slot_orders(baseline, record),
        Contract::Workers => return clean.collect(),
        Contract::Once => 1,
        Contract::Exclusion => whole_runs(baseline, record).max(1),
    };
    let runs_max = starts(record) + calm_runs;
    let serial = baseline.serial.iter().filter(|outcome| {
        let runs = usize::from(outcome.runs);
        runs >= runs_min && runs <= runs_max
    });
    let clean = clean.filter(|_| runs_min <= 1);
    clean
        .chain(serial.map(|outcome| &outcome.snapshot))
        .collect()
}

/// Returns the states that orders of the slots leave. Starts that overlap another may skip, but not
/// all of them: then nobody did what they kept each other from.
fn slot_orders<'a>(baseline: &'a Baseline, record: &TrialRecord) -> Vec<&'a Snapshot> {
    let lives = overlap::lives(record);
    let may_skip = |instance: &InstanceId| {
        record.exits.get(instance) == Some(&baseline.exit)
            && overlap::is_overlapped(&lives, *instance)
            && !works(baseline, record, *instance)
    };
    let started: BTreeSet<InstanceId> = lives.keys().copied().collect();
    let owed: BTreeSet<InstanceId> = started
        .iter()
        .filter(|instance| !may_skip(instance))
        .copied()
        .collect();
    let is_accepted = |done: &BTreeSet<InstanceId>| {
        owed.is_subset(done) && done.is_subset(&started) && !done.is_empty()
    };
    let first: BTreeSet<InstanceId> = InstanceId::first(1).collect();
    let clean = baseline.clean.first().filter(|_| is_accepted(&first));
    let serial = (baseline.serial.iter()).filter(|outcome| is_accepted(&outcome.starts));
    clean
        .into_iter()
        .chain(serial.map(|outcome| &outcome.snapshot))
        .collect()
}

/// Returns whether the instance changed anything beside locks and run logs.
fn works(baseline: &Baseline, record: &TrialRecord, instance: InstanceId) -> bool {
    let answers = answers(record).into_iter();
    let mut own = answers.filter(|(_, who, reply)| *who == instance && did_work(reply));
    own.any(|(signature, _, _)| !is_beside_work(baseline, signature))
}

/// Returns whether the request is about a lock or a run log alone, as far as its text tells.
fn is_beside_work(baseline: &Baseline, signature: &Signature) -> bool {
    let matches = |pattern: &String| {
        !pattern.is_empty() && crate::glob::matches_prefix(pattern, &signature.text)
    };
    let mut locks = baseline.locks.iter();
    let is_declared = locks.any(|lock| {
        lock.service == signature.service && (matches(&lock.acquire) || matches(&lock.release))
    });
    let states = [&baseline.seed].into_iter().chain(&baseline.clean);
    let names: BTreeSet<&ObjectName> = states.flat_map(|state| state.objects.keys()).collect();
    let mut named = names.into_iter().filter(|name| {
        name.service == signature.service
            && !name.object.starts_with('(')
            && crate::lock_object::is_named(name, &signature.text)
    });
    let is_aside =
        |name: &ObjectName| baseline.lock_objects.contains(name) || baseline.rules.is_per_run(name);
    let mut some = false;
    let all_aside = named.all(|name| {
        some = true;
        is_aside(name)
    });
    is_declared || (some && all_aside)
}

/// Returns how many instances were started in the main part.
pub(crate) fn starts(record: &TrialRecord) -> usize {
    overlap::lives(record).len()
}

/// Returns whether locks are compared: only where every run ended by itself, as the clean one does.
pub(crate) fn locks(baseline: &Baseline, record: &TrialRecord) -> Locks {
    let calm =
        record.recoveries.is_empty() && record.exits.values().all(|exit| *exit == baseline.exit);
    if calm {
        Locks::Compared
    } else {
        Locks::Ignored
    }
}

/// Returns how many instances of the main part ended cleanly after every effective write of the
/// clean run.
fn whole_runs(baseline: &Baseline, record: &TrialRecord) -> usize {
    let texts = |signature: &Signature| (signature.service.clone(), signature.text.clone());
    let clean = baseline.requests.iter();
    let owed: BTreeSet<_> = clean
        .filter(|clean| clean.reply.is_effective_write())
        .map(|clean| texts(&clean.request.signature))
        .collect();
    if owed.is_empty() {
        return 0;
    }
    let mut done: BTreeMap<InstanceId, BTreeSet<_>> = BTreeMap::new();
    for (signature, instance, reply) in answers(record) {
        if reply.is_effective_write() {
            done.entry(instance).or_default().insert(texts(signature));
        }
    }
    let whole = done.iter().filter(|(instance, texts)| {
        record.exits.get(instance) == Some(&baseline.exit) && owed.is_subset(texts)
    });
    whole.count()
}

/// Returns the answered requests of the main part.
pub(crate) fn answers(record: &TrialRecord) -> Vec<(&Signature, InstanceId, &Reply)> {
    let mut requests = BTreeMap::new();
    let mut out = Vec::new();
    for stamped in &record.trace {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => break,
            Event::Held(request) => {
                requests.insert(request.id, &request.signature);
            }
            Event::Answered { request, reply } => {
                if let Some(signature) = requests.get(request) {
                    out.push((*signature, request.instance, reply));
                }
            }
            _ => {}
        }
    }
    out
}

/// Commands that change nothing that is compared, though some of them may count as writes.
const NO_WORK: &[&str] = &[
    "SELECT", "FETCH", "SHOW", "SET", "BEGIN", "COMMIT", "ROLLBACK",
];

/// Returns whether the reply reports rows that changed, or an effect outside. A call of a function
/// or the end of a transaction does not, so a start that failed to get a lock has done no work.
pub(crate) fn did_work(reply: &Reply) -> bool {
    let mut tags = reply.tags.iter();
    reply.is_effective_write()
        && tags.any(|tag| tag.rows != Some(0) && !NO_WORK.contains(&tag.command.as_str()))
}
