//! The `order` lines of a schedule: a request waits until those before it were let go.

use crate::moments::Seen;
use crate::steps;
use std::collections::BTreeSet;
use twiceproof_model::schedule::OrderedRequest;
use twiceproof_model::{Enabled, InstanceId, Step};

/// The orders of one trial.
pub(crate) struct Orders(Vec<Vec<OrderedRequest>>);

impl Orders {
    /// Returns these orders.
    pub(crate) fn new(orders: Vec<Vec<OrderedRequest>>) -> Self {
        Self(orders)
    }

    /// Returns the instances whose next step is a request that has to wait.
    pub(crate) fn waiting(&self, enabled: &[Enabled], seen: &Seen) -> BTreeSet<InstanceId> {
        let later = self.0.iter().flat_map(|order| {
            let open = order.iter().position(|request| !is_past(request, seen));
            // The first that is not past may go; those behind it may not.
            order.iter().skip(open.map_or(order.len(), |open| open + 1))
        });
        let is_next = |request: &&OrderedRequest| {
            let own = steps::own_step(enabled, request.instance).map(|own| &enabled[own].step);
            let id = seen.nth(request.instance, &request.request);
            id.is_some_and(|id| own == Some(&Step::Release(id)))
        };
        later
            .filter(is_next)
            .map(|request| request.instance)
            .collect()
    }

    /// Returns the first request that was never let go, with the number of its order, from 0.
    pub(crate) fn unmet(&self, seen: &Seen) -> Option<(usize, &OrderedRequest)> {
        let all = self.0.iter().enumerate();
        let mut all = all.flat_map(|(at, order)| order.iter().map(move |request| (at, request)));
        all.find(|(_, request)| !is_past(request, seen))
    }

    /// Lets all go as they like from here.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

fn is_past(request: &OrderedRequest, seen: &Seen) -> bool {
    let id = seen.nth(request.instance, &request.request);
    id.is_some_and(|id| seen.past.contains(&id))
}
