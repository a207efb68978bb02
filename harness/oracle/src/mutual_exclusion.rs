//! TP-V05: two sections of one declared lock overlap, and both write.

use crate::accepted::did_work;
use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::finding;
use crate::glob;
use crate::registry::Oracle;
use std::collections::BTreeMap;
use twiceproof_model::event::Part;
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::Contract;
use twiceproof_model::target::LockSpec;
use twiceproof_model::{Event, Finding, InstanceId, Outcome, Reply, Request, TrialRecord};

/// The oracle.
pub const MUTUAL_EXCLUSION: Oracle = Oracle {
    kind: Kind {
        name: "mutual-exclusion",
        doc: "Sections of one declared lock in which work is done never overlap, even if by luck nothing breaks.",
        keys: &[],
        port: None,
    },
    codes: &["TP-V05"],
    default: |contract| contract == Contract::Exclusion,
    check,
};

/// A stretch of the trace in which an instance believes that it holds the lock.
struct Section {
    holder: InstanceId,
    from: usize,
    to: usize,
    /// Places of the writes in it that changed rows.
    writes: Vec<usize>,
}

fn check(baseline: &Baseline, record: &TrialRecord, _: &Checks) -> Vec<Finding> {
    let mut findings = Vec::new();
    for lock in &baseline.locks {
        let sections = sections(lock, record);
        let mut pairs = sections
            .iter()
            .enumerate()
            .flat_map(|(index, left)| sections[index + 1..].iter().map(move |right| (left, right)));
        let overlap = pairs.find(|(left, right)| {
            left.holder != right.holder
                && left.from < right.to
                && right.from < left.to
                && !left.writes.is_empty()
                && !right.writes.is_empty()
        });
        if let Some((left, right)) = overlap {
            let mut events = vec![left.from, right.from, left.writes[0], right.writes[0]];
            events.sort_unstable();
            events.dedup();
            let message = format!(
                "{} and {} both write while each believes it holds the lock `{}`",
                left.holder, right.holder, lock.name
            );
            let events = events.into_iter().map(finding::place).collect();
            findings.push(finding::of_events(
                baseline, "TP-V05", &lock.name, message, events,
            ));
        }
    }
    findings
}

fn sections(lock: &LockSpec, record: &TrialRecord) -> Vec<Section> {
    let mut requests: BTreeMap<_, &Request> = BTreeMap::new();
    let mut open: BTreeMap<InstanceId, Section> = BTreeMap::new();
    let mut done = Vec::new();
    let mut end = record.trace.len();
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => {
                end = index;
                break;
            }
            Event::Held(request) => {
                requests.insert(request.id, request);
            }
            Event::Answered { request, reply } => {
                if let Some(request) = requests.get(request) {
                    answered(lock, request, reply, index, &mut open, &mut done);
                }
            }
            Event::Exited { instance, .. } => close(*instance, index, &mut open, &mut done),
            _ => {}
        }
    }
    done.extend(
        open.into_values()
            .map(|section| Section { to: end, ..section }),
    );
    done
}

fn answered(
    lock: &LockSpec,
    request: &Request,
    reply: &Reply,
    index: usize,
    open: &mut BTreeMap<InstanceId, Section>,
    done: &mut Vec<Section>,
) {
    let holder = request.id.instance;
    let signature = &request.signature;
    let is_of_lock = signature.service == lock.service;
    let is = |pattern: &str| !pattern.is_empty() && glob::matches_prefix(pattern, &signature.text);
    if is_of_lock && is(&lock.release) {
        close(holder, index, open, done);
    } else if is_of_lock && is(&lock.acquire) {
        if reply.outcome == Outcome::Ok && reply.tags.iter().any(|tag| tag.rows != Some(0)) {
            open.entry(holder).or_insert(Section {
                holder,
                from: index,
                to: index,
                writes: Vec::new(),
            });
        }
    } else if did_work(reply)
        && let Some(section) = open.get_mut(&holder)
    {
        section.writes.push(index);
    }
}

fn close(
    holder: InstanceId,
    index: usize,
    open: &mut BTreeMap<InstanceId, Section>,
    done: &mut Vec<Section>,
) {
    if let Some(section) = open.remove(&holder) {
        done.push(Section {
            to: index,
            ..section
        });
    }
}
