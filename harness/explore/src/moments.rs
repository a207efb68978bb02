//! Moments in a running trial: which of them are now, as far as the offers tell.

use crate::steps;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::moment::RequestMoment;
use twiceproof_model::{Enabled, InstanceId, Moment, Phase, RequestId, ServiceName, Step};

/// The requests seen so far. Few texts are distinct, so finding one costs little, however long the
/// trial is.
#[derive(Default)]
pub struct Seen {
    texts: BTreeMap<(InstanceId, ServiceName), BTreeMap<String, Vec<u32>>>,
    known: BTreeSet<RequestId>,
    /// The requests whose replies were let through, or thrown away.
    pub(crate) past: BTreeSet<RequestId>,
    /// The instances that were seen alive.
    started: BTreeSet<InstanceId>,
}

impl Seen {
    /// Notes what is on offer.
    pub fn look(&mut self, enabled: &[Enabled]) {
        for offer in enabled {
            if let Step::Kill(instance) = offer.step {
                self.started.insert(instance);
            }
            let Some(request) = &offer.request else {
                continue;
            };
            if !self.known.insert(request.id) {
                continue;
            }
            let key = (request.id.instance, request.signature.service.clone());
            let texts = self.texts.entry(key).or_default();
            let ordinals = texts.entry(request.signature.text.clone()).or_default();
            let at = ordinals.partition_point(|ordinal| *ordinal < request.id.ordinal);
            ordinals.insert(at, request.id.ordinal);
        }
    }

    /// Notes the step that is taken.
    pub fn take(&mut self, step: &Step) {
        if let Step::Release(request) | Step::Deliver(request) | Step::DropReply(request) = step {
            self.past.insert(*request);
        }
    }

    /// Returns the request that the moment means, if it has been seen.
    pub fn nth(&self, instance: InstanceId, moment: &RequestMoment) -> Option<RequestId> {
        let texts = self.texts.get(&(instance, moment.service.clone()))?;
        let matching = texts.iter().filter(|(text, _)| moment.matches(text));
        let lists: Vec<&Vec<u32>> = matching.map(|(_, ordinals)| ordinals).collect();
        let place = usize::try_from(moment.nth).ok()?.checked_sub(1)?;
        let ordinal = match lists.as_slice() {
            [] => None,
            [only] => only.get(place).copied(),
            several => {
                let mut all: Vec<u32> = several
                    .iter()
                    .flat_map(|list| list.iter().copied())
                    .collect();
                all.sort_unstable();
                all.get(place).copied()
            }
        }?;
        Some(RequestId { instance, ordinal })
    }

    /// Returns whether the moment has come, as far as these offers tell. The offers have been
    /// looked at.
    pub fn is_come(&self, moment: &Moment, enabled: &[Enabled]) -> bool {
        match moment {
            Moment::Start(who) => {
                let start = steps::place_of(enabled, &Step::Start(*who));
                start.is_some() || self.started.contains(who)
            }
            Moment::Exit(who) => self.started.contains(who) && !steps::is_alive(enabled, *who),
            Moment::Request(who, request) => {
                let Some(id) = self.nth(*who, request) else {
                    return false;
                };
                let is_offered = |step| steps::place_of(enabled, &step).is_some();
                match request.phase {
                    Phase::Held => is_offered(Step::Release(id)) || self.past.contains(&id),
                    Phase::Answered => is_offered(Step::Deliver(id)) || self.past.contains(&id),
                    // One that waits inside the service was let through and has no reply yet.
                    Phase::Replied => {
                        let goes_on = steps::own_step(enabled, *who).is_some();
                        self.past.contains(&id) && (goes_on || !steps::is_alive(enabled, *who))
                    }
                }
            }
        }
    }
}
