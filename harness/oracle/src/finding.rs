//! Making findings.

use crate::baseline::Baseline;
use crate::compare::Comparison;
use crate::lock_object::names_word;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::digest::Hasher;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Event, Finding, ServiceName, Signature, TrialRecord};

/// What the id of a finding is made of beside the signatures that matter.
pub(crate) struct Identity<'a> {
    /// Verdict code.
    pub(crate) code: &'a str,
    /// Tells findings of one code and the same objects apart: empty, or `repetition`.
    pub(crate) aspect: &'a str,
    /// The objects concerned.
    pub(crate) objects: &'a BTreeSet<ObjectName>,
}

/// Returns 8 hex digits over the code, the objects and the texts of the clean run's effective
/// writes to the services of those objects (all services where there are none). No schedule, seed
/// or mask enters.
pub(crate) fn id(baseline: &Baseline, identity: &Identity<'_>) -> String {
    let mut hasher = Hasher::new("finding 1");
    hasher.field(identity.code);
    hasher.field(identity.aspect);
    for object in identity.objects {
        hasher.field(&object.to_string());
    }
    let services: BTreeSet<&ServiceName> = identity.objects.iter().map(|o| &o.service).collect();
    let writes = baseline.requests.iter().filter(|clean| {
        let service = &clean.request.signature.service;
        clean.reply.is_effective_write() && (services.is_empty() || services.contains(service))
    });
    let texts: BTreeSet<(&str, &str)> = writes
        .map(|clean| {
            let signature = &clean.request.signature;
            (signature.service.as_str(), signature.text.as_str())
        })
        .collect();
    for (service, text) in texts {
        hasher.field(service);
        hasher.field(text);
    }
    hasher.finish().short()
}

/// What the verdict of a finding is called.
pub(crate) struct Title<'a> {
    /// Verdict code.
    pub(crate) code: &'a str,
    /// Tells findings of one code and the same objects apart.
    pub(crate) aspect: &'a str,
    /// One sentence for the reader.
    pub(crate) message: &'a str,
}

/// Returns a finding about a state that differs.
pub(crate) fn of_state(
    baseline: &Baseline,
    record: &TrialRecord,
    title: &Title<'_>,
    comparison: Comparison,
) -> Finding {
    let Title {
        code,
        aspect,
        message,
    } = *title;
    let identity = Identity {
        code,
        aspect,
        objects: &comparison.objects,
    };
    Finding {
        code: code.to_owned(),
        id: id(baseline, &identity),
        message: message.to_owned(),
        events: writes_to(record, &comparison.objects),
        objects: comparison.objects.into_iter().collect(),
        differences: comparison.differences,
        differences_total: comparison.total,
    }
}

/// The most places kept of one finding.
const EVENTS_MAX: usize = 200;

/// Returns the places of the replies to effective writes that name these objects. Where an object
/// is all that its service has, such as its mails, every effective write to that service counts.
fn writes_to(record: &TrialRecord, objects: &BTreeSet<ObjectName>) -> Vec<u32> {
    let mut requests = BTreeMap::new();
    let mut places = Vec::new();
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            // Calm runs number their requests anew.
            Event::Begun(_) => requests.clear(),
            Event::Held(request) => {
                requests.insert(request.id, &request.signature);
            }
            Event::Answered { request, reply } if reply.is_effective_write() => {
                let Some(signature) = requests.get(request) else {
                    continue;
                };
                if is_write_to(objects.iter(), signature) && places.len() < EVENTS_MAX {
                    places.push(place(index));
                }
            }
            _ => {}
        }
    }
    places
}

/// Returns whether a write of this signature can have changed one of these objects: it names it, or
/// the object is all that its service has.
pub(crate) fn is_write_to<'a>(
    mut objects: impl Iterator<Item = &'a ObjectName>,
    signature: &Signature,
) -> bool {
    objects.any(|name| {
        let last = name.object.rsplit(['.', ':']).next().unwrap_or_default();
        name.service == signature.service
            && (name.object.starts_with('(') || names_word(&signature.text, last))
    })
}

/// Returns a finding about events of the trace.
pub(crate) fn of_events(
    baseline: &Baseline,
    code: &str,
    aspect: &str,
    message: String,
    events: Vec<u32>,
) -> Finding {
    let identity = Identity {
        code,
        aspect,
        objects: &BTreeSet::new(),
    };
    Finding {
        code: code.to_owned(),
        id: id(baseline, &identity),
        message,
        objects: Vec::new(),
        differences: Vec::new(),
        differences_total: 0,
        events,
    }
}

/// Returns the place of an event as findings hold it.
pub(crate) fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
