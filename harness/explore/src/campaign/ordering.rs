//! Which orders of requests a finding needs: those between requests of two instances that touch one
//! object, as few as still show it where all else runs lowest first.

use super::findings::is_steady;
use super::result::{CampaignFinding, Progress};
use super::run::Campaign;
use super::spec::Shrinking;
use crate::footprint::{self, Footprint};
use crate::schedule_of::{Names, main_part};
use crate::shrink::Case;
use std::collections::BTreeMap;
use twiceproof_model::schedule::{Directive, OrderedRequest};
use twiceproof_model::{Event, InstanceId, Phase, Request, RequestId, Schedule, Step, TrialRecord};

/// The most orders that are tried of one finding; one that has more is told by its steps alone.
const ORDERS_MAX: usize = 10;
/// The most findings whose orders are looked for.
const ORDERED_MAX: usize = 8;

/// Two requests of different instances, the first of which was let go before the second.
type Edge = (RequestId, RequestId);

impl Campaign<'_, '_> {
    /// Looks for the orders that matter to the findings that were shrunk or kept.
    pub(super) fn order_all(&mut self) {
        if self.spec.shrink == Shrinking::Off {
            return;
        }
        for at in 0..self.findings.len().min(ORDERED_MAX) {
            if is_ordered(&self.findings[at]) && self.may_shrink() {
                self.order(at);
            }
        }
    }

    fn order(&mut self, at: usize) {
        let found = self.findings[at].clone();
        let mut edges = self.edges(&found.record);
        if edges.is_empty() || edges.len() > ORDERS_MAX {
            return;
        }
        if !self.shows(&found, &edges) {
            return;
        }
        let mut place = 0;
        while place < edges.len() {
            let mut fewer = edges.clone();
            fewer.remove(place);
            if self.shows(&found, &fewer) {
                edges = fewer;
            } else {
                place += 1;
            }
        }
        let orders = orders(&found.record, &edges);
        self.findings[at].orders = orders.unwrap_or_default();
        (self.control.observer)(&Progress::Shrunk(&self.findings[at]));
    }

    /// Returns whether these orders alone show the finding, without a divergence.
    fn shows(&mut self, found: &CampaignFinding, edges: &[Edge]) -> bool {
        let Some(orders) = orders(&found.record, edges) else {
            return false;
        };
        let case = Case {
            schedule: Schedule {
                seed: found.record.seed,
                orders,
                ..Schedule::default()
            },
            instances: found.record.instances,
        };
        let became = self.attempt(found, &case);
        // One that went another way became the schedule of what happened.
        became.is_some_and(|(became, _)| became == case)
    }

    /// Returns the orders of the trial between conflicting requests, but for those that follow from
    /// another one and the orders within instances.
    fn edges(&self, record: &TrialRecord) -> Vec<Edge> {
        let asked = asked(record, &self.spec.kinds);
        let mut edges: Vec<Edge> = Vec::new();
        for (at, (second, footprint)) in asked.iter().enumerate() {
            let mut before: BTreeMap<InstanceId, RequestId> = BTreeMap::new();
            for (first, other) in &asked[..at] {
                if first.instance != second.instance && footprint.conflicts(other) {
                    before.insert(first.instance, *first);
                }
            }
            edges.extend(before.into_values().map(|first| (first, *second)));
        }
        let follows = |(first, second): &Edge| {
            let mut others = edges.iter();
            others.any(|(other_first, other_second)| {
                let is_other = (other_first, other_second) != (first, second);
                let is_between = other_first.instance == first.instance
                    && other_second.instance == second.instance
                    && other_first.ordinal >= first.ordinal
                    && other_second.ordinal <= second.ordinal;
                is_other && is_between
            })
        };
        edges
            .iter()
            .filter(|edge| !follows(edge))
            .copied()
            .collect()
    }
}

/// Returns whether the finding rests on an order alone: several instances overlap, and nothing is
/// injected.
fn is_ordered(found: &CampaignFinding) -> bool {
    let mut body = found.schedule.body.iter();
    let is_fault = |line: &Directive| matches!(line, Directive::Fault(_) | Directive::Heal(_));
    is_steady(found) && !found.repetition && found.switches > 1 && !body.any(is_fault)
}

/// Returns the requests that were let go, in that order, with what they touch.
fn asked(
    record: &TrialRecord,
    kinds: &BTreeMap<twiceproof_model::ServiceName, String>,
) -> Vec<(RequestId, Footprint)> {
    let trace = main_part(&record.trace);
    let mut requests: BTreeMap<RequestId, &Request> = BTreeMap::new();
    let mut footprints: BTreeMap<RequestId, Footprint> = BTreeMap::new();
    for stamped in trace {
        match &stamped.event {
            Event::Held(request) => {
                requests.insert(request.id, request);
            }
            Event::Answered { request, reply } => {
                if let Some(asked) = requests.get(request) {
                    footprints.insert(*request, footprint::of(kinds, asked, reply));
                }
            }
            _ => {}
        }
    }
    let released = trace.iter().filter_map(|stamped| match &stamped.event {
        Event::Taken(Step::Release(id)) => Some(*id),
        _ => None,
    });
    // One without a reply may have touched anything.
    released
        .map(|id| (id, footprints.remove(&id).unwrap_or(Footprint::Unknown)))
        .collect()
}

/// Returns the edges as lines of a schedule, those that meet in one request joined; `None` where a
/// request has no name.
fn orders(record: &TrialRecord, edges: &[Edge]) -> Option<Vec<Vec<OrderedRequest>>> {
    let names = Names::of(main_part(&record.trace));
    let mut chains: Vec<Vec<RequestId>> = Vec::new();
    for (first, second) in edges {
        match chains.iter_mut().find(|chain| chain.last() == Some(first)) {
            Some(chain) => chain.push(*second),
            None => chains.push(vec![*first, *second]),
        }
    }
    let name = |id: &RequestId| {
        let request = names.moment(*id, Phase::Replied)?;
        Some(OrderedRequest {
            instance: id.instance,
            request,
        })
    };
    let chains = chains.iter();
    chains
        .map(|chain| chain.iter().map(name).collect())
        .collect()
}
