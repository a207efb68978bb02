//! Making findings.

use crate::baseline::Baseline;
use crate::compare::Comparison;
use std::collections::BTreeSet;
use twiceproof_model::digest::Hasher;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Finding, ServiceName};

/// What the id of a finding is made of beside the signatures that matter.
pub(crate) struct Identity<'a> {
    /// Verdict code.
    pub(crate) code: &'a str,
    /// Tells findings of one code and the same objects apart: empty, or `repetition`.
    pub(crate) aspect: &'a str,
    /// The objects concerned.
    pub(crate) objects: &'a BTreeSet<ObjectName>,
}

/// Returns 8 hex digits over the code, the objects and the texts of the clean run's effective writes to the
/// services of those objects (all services where there are none). No schedule, seed or mask enters.
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

/// Returns a finding about a state that differs.
pub(crate) fn of_state(
    baseline: &Baseline,
    code: &str,
    aspect: &str,
    message: String,
    comparison: Comparison,
) -> Finding {
    let identity = Identity {
        code,
        aspect,
        objects: &comparison.objects,
    };
    Finding {
        code: code.to_owned(),
        id: id(baseline, &identity),
        message,
        objects: comparison.objects.into_iter().collect(),
        differences: comparison.differences,
        differences_total: comparison.total,
        events: Vec::new(),
    }
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
