//! The audit: the first schedules of a campaign are run a second time. Where a job does not repeat
//! itself, trials are samples of what it may do.

use super::run::{Campaign, Stop};
use super::verify;
use crate::lab::Blame;
use crate::schedule_of::{main_part, schedule_of};
use crate::steps;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::event::Peer;
use twiceproof_model::record::Drive;
use twiceproof_model::{Doubt, Event, InstanceId, Signature, TrialRecord};

/// How many schedules are run a second time.
const SCHEDULES: usize = 3;
/// The most sources of differences that are kept.
const SOURCES_MAX: usize = 12;
/// The most texts that are named of one source.
const TEXTS_MAX: usize = 3;

/// What the audit showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Audit {
    /// Schedules that were run a second time.
    pub tried: u32,
    /// Those of them that took the same steps and were told the same.
    pub same: u32,
    /// What the traces of the first that did not show that can make it differ.
    pub sources: Vec<String>,
}

impl Campaign<'_, '_> {
    /// Keeps the first trials with several instances for the audit.
    pub(super) fn keep_first(&mut self, record: &TrialRecord) {
        let is_fit = record.drive == Drive::Steps && record.instances > 1;
        if is_fit && self.first.len() < SCHEDULES {
            self.first.push(record.clone());
        }
    }

    /// Runs the first schedules a second time and compares.
    pub(super) fn audit(&mut self) {
        let is_wanted = matches!(self.stop, None | Some(Stop::Budget));
        if !is_wanted || (self.control.interrupted)() {
            return;
        }
        let first = std::mem::take(&mut self.first);
        let mut batch = Vec::new();
        for record in &first {
            let schedule = schedule_of(&record.trace, record.seed);
            let of = (record, &schedule);
            let next = self.trials + 1;
            batch.extend(verify::assignments(&self.spec, &self.baseline, of, next, 1));
            self.trials += 1;
        }
        for (record, again) in first.iter().zip(self.lab.run_batch(batch)) {
            match again {
                Ok(again) => {
                    self.coverage.audit.tried += 1;
                    let is_same =
                        again.divergence.is_none() && again.fingerprint == record.fingerprint;
                    self.coverage.audit.same += u32::from(is_same);
                    // One shows the kind of difference; others only repeat it.
                    if !is_same && self.coverage.audit.sources.is_empty() {
                        self.coverage.audit.sources = differences(record, &again);
                    }
                }
                Err(error) if error.blame == Blame::Interrupted => {
                    self.stop = Some(Stop::Interrupted);
                    return;
                }
                Err(error) => {
                    self.stop = Some(Stop::Lab(error));
                    return;
                }
            }
        }
    }
}

/// Returns what two traces of one schedule show that can make them differ.
fn differences(one: &TrialRecord, other: &TrialRecord) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(first_difference(one, other));
    let records = [one, other];
    found.extend(texts(&records, "LIMIT without ORDER BY", &|text| {
        let upper = text.to_uppercase();
        upper.contains(" LIMIT ") && !upper.contains(" ORDER BY ")
    }));
    found.extend(texts(&records, "values drawn by the service", &|text| {
        let lower = text.to_lowercase();
        RANDOM.iter().any(|call| lower.contains(call))
    }));
    let mut instances: BTreeSet<InstanceId> = BTreeSet::new();
    for record in records {
        instances.extend(with_several_links(record));
        for doubt in &record.doubts {
            if let Doubt::BestEffort(text) | Doubt::OpaqueLink(text) = doubt {
                found.push(text.clone());
            }
        }
    }
    found.extend(instances.into_iter().map(|instance| {
        format!("{instance} has several connections open at once, whose requests race")
    }));
    found.truncate(SOURCES_MAX);
    found
}

/// What draws values in services, in lower case.
const RANDOM: &[&str] = &[
    "random()",
    "gen_random_uuid(",
    "uuid_generate_v",
    "clock_timestamp(",
    "tablesample",
    "srandmember",
    "randomkey",
    "hrandfield",
    "spop ",
];

/// A request with what it was told.
type Told<'a> = (&'a Signature, Option<String>);

/// Returns the requests of each instance in its own order.
fn told(record: &TrialRecord) -> BTreeMap<InstanceId, Vec<Told<'_>>> {
    let mut told: BTreeMap<InstanceId, Vec<Told<'_>>> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for stamped in main_part(&record.trace) {
        match &stamped.event {
            Event::Held(request) => {
                let own = told.entry(request.id.instance).or_default();
                places.insert(request.id, own.len());
                own.push((&request.signature, None));
            }
            Event::Answered { request, reply } => {
                let own = told.get_mut(&request.instance);
                if let (Some(own), Some(place)) = (own, places.get(request)) {
                    own[*place].1 = Some(reply.summary());
                }
            }
            _ => {}
        }
    }
    told
}

/// Returns the first request of any instance in which the two differ, in words.
fn first_difference(one: &TrialRecord, other: &TrialRecord) -> Option<String> {
    let (left, right) = (told(one), told(other));
    let none = Vec::new();
    let instances: BTreeSet<InstanceId> = left.keys().chain(right.keys()).copied().collect();
    let differing = instances.into_iter().filter_map(|instance| {
        let (left, right) = (
            left.get(&instance).unwrap_or(&none),
            right.get(&instance).unwrap_or(&none),
        );
        let longer = left.len().max(right.len());
        let at = (0..longer).find(|at| left.get(*at) != right.get(*at))?;
        Some((at, instance, left.get(at).cloned(), right.get(at).cloned()))
    });
    let first = differing.min_by_key(|(at, instance, ..)| (*at, *instance));
    let Some((at, instance, left, right)) = first else {
        return Some("the same requests are answered in another order".to_owned());
    };
    let words = |signature: &Signature| {
        format!(
            "{} \"{}\"",
            signature.service,
            steps::short(&signature.text)
        )
    };
    let place = format!("request {} of {instance}", at + 1);
    Some(match (left, right) {
        (Some((left, was)), Some((right, is))) if left == right => {
            let word = |told: Option<String>| told.unwrap_or_else(|| "nothing".to_owned());
            let (was, is) = (word(was), word(is));
            format!("{place}, {}, is told {was} once and {is} once", words(left))
        }
        (Some((left, _)), Some((right, _))) => {
            format!("{place} is {} once and {} once", words(left), words(right))
        }
        (Some((only, _)), None) | (None, Some((only, _))) => {
            format!("{place}, {}, is sent once only", words(only))
        }
        (None, None) => format!("{place} differs"),
    })
}

/// Returns the requests whose text holds, as one line.
fn texts(records: &[&TrialRecord], what: &str, holds: &dyn Fn(&str) -> bool) -> Option<String> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for stamped in records.iter().flat_map(|record| main_part(&record.trace)) {
        if let Event::Held(request) = &stamped.event
            && holds(&request.signature.text)
        {
            found.insert(&request.signature.text);
        }
    }
    let shown: Vec<String> = found
        .iter()
        .take(TEXTS_MAX)
        .map(|text| format!("\"{}\"", steps::short(text)))
        .collect();
    (!shown.is_empty()).then(|| format!("{what}: {}", shown.join(", ")))
}

/// Returns the instances that have more than one link open at a time.
fn with_several_links(record: &TrialRecord) -> BTreeSet<InstanceId> {
    let mut open: BTreeMap<InstanceId, BTreeSet<_>> = BTreeMap::new();
    let mut several = BTreeSet::new();
    for stamped in main_part(&record.trace) {
        match &stamped.event {
            Event::Opened(link) => {
                let own = open.entry(link.instance).or_default();
                own.insert(link.clone());
                if own.len() > 1 {
                    several.insert(link.instance);
                }
            }
            Event::Closed { link, by, .. } if *by == Peer::Instance => {
                open.entry(link.instance).or_default().remove(link);
            }
            _ => {}
        }
    }
    several
}
