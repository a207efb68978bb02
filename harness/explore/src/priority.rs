//! Samplers by priority: of the instances that can go on, the one with the highest goes.

use crate::footprint::{self, Footprint};
use crate::lab::Scheduler;
use crate::sample::Draws;
use crate::steps;
use crate::strategy::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::{Enabled, InstanceId, RequestId, ServiceName};

/// What the requests of the clean run touch, by service and text.
pub(crate) type Footprints = BTreeMap<(ServiceName, String), Footprint>;

/// Returns what the requests of the clean run touch. One text may be answered in several ways: then
/// it touches what nobody can tell.
pub(crate) fn footprints(plan: &Plan) -> Footprints {
    let mut known = Footprints::new();
    for clean in &plan.requests {
        let signature = &clean.request.signature;
        let found = footprint::of(&plan.kinds, &clean.request, &clean.reply);
        let key = (signature.service.clone(), signature.text.clone());
        let entry = known.entry(key).or_insert_with(|| found.clone());
        if *entry != found {
            *entry = Footprint::Unknown;
        }
    }
    known
}

/// Partial order sampling: each event draws a priority, the highest goes, and those that conflict
/// with it draw again.
pub(crate) struct PartialOrder {
    draws: Draws,
    footprints: Arc<Footprints>,
    /// The priority of each instance's next event.
    priorities: BTreeMap<(InstanceId, Option<RequestId>), u64>,
}

impl PartialOrder {
    pub(crate) fn new(seed: u64, footprints: Arc<Footprints>) -> Self {
        Self {
            draws: Draws::new(seed),
            footprints,
            priorities: BTreeMap::new(),
        }
    }

    fn conflicts(&self, one: &Enabled, other: &Enabled) -> bool {
        let of = |offer: &Enabled| {
            let signature = &offer.request.as_ref()?.signature;
            let key = (signature.service.clone(), signature.text.clone());
            self.footprints.get(&key)
        };
        match (of(one), of(other)) {
            (Some(one), Some(other)) => one.conflicts(other),
            _ => true,
        }
    }
}

impl Scheduler for PartialOrder {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let next = steps::own_steps(enabled);
        let key = |(instance, place): &(InstanceId, usize)| {
            let request = enabled[*place].request.as_ref();
            (*instance, request.map(|request| request.id))
        };
        for event in next.iter().map(key) {
            let drawn = self.draws.below(u64::MAX);
            self.priorities.entry(event).or_insert(drawn);
        }
        let highest = next.iter().max_by_key(|event| self.priorities[&key(event)]);
        let Some(taken) = highest else {
            return steps::run_out(enabled);
        };
        for event in &next {
            if self.conflicts(&enabled[taken.1], &enabled[event.1]) {
                self.priorities.remove(&key(event));
            }
        }
        self.priorities.remove(&key(taken));
        Some(taken.1)
    }
}

/// Probabilistic concurrency testing: instances have priorities, and at a few random steps the one
/// that goes falls below all others.
pub(crate) struct ChangePoints {
    draws: Draws,
    /// The steps before which the runner falls.
    falls: BTreeSet<u64>,
    steps: u64,
    priorities: BTreeMap<InstanceId, i64>,
    lowest: i64,
}

impl ChangePoints {
    /// Returns the sampler of this seed over about `events` steps in all, with so many falls.
    pub(crate) fn new(seed: u64, events: u64, falls: u32) -> Self {
        let mut draws = Draws::new(seed);
        let bound = events.saturating_sub(1).max(1);
        let falls = (0..falls).map(|_| 1 + draws.below(bound)).collect();
        Self {
            draws,
            falls,
            steps: 0,
            priorities: BTreeMap::new(),
            lowest: 0,
        }
    }
}

impl Scheduler for ChangePoints {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let next = steps::own_steps(enabled);
        for (instance, _) in &next {
            // One that falls stands below all that were drawn.
            let drawn = self.draws.below(1 << 62);
            let drawn = 1 + i64::try_from(drawn).expect("62 bits fit");
            self.priorities.entry(*instance).or_insert(drawn);
        }
        let highest = |priorities: &BTreeMap<InstanceId, i64>| {
            let next = next.iter().copied();
            next.max_by_key(|(who, _)| priorities[who])
        };
        let Some((runner, _)) = highest(&self.priorities) else {
            return steps::run_out(enabled);
        };
        if self.falls.contains(&self.steps) {
            self.lowest -= 1;
            self.priorities.insert(runner, self.lowest);
        }
        self.steps += 1;
        highest(&self.priorities).map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::footprint::Access;
    use twiceproof_model::{LinkId, Request, Signature, Step};

    fn offer(number: u8, text: &str) -> Enabled {
        let instance = InstanceId::new(number).expect("numbers in tests are in bounds");
        let id = RequestId {
            instance,
            ordinal: 1,
        };
        Enabled {
            step: Step::Release(id),
            request: Some(Request {
                id,
                link: LinkId {
                    instance,
                    service: "pg".into(),
                    ordinal: 1,
                },
                signature: Signature {
                    service: "pg".into(),
                    text: text.to_owned(),
                    nth: 1,
                },
            }),
        }
    }

    /// Returns how many priorities are kept once one of two events was taken.
    fn kept(texts: [&str; 2]) -> usize {
        let footprints = ["a", "b"].map(|text| {
            let touched = [("pg".into(), text.to_owned(), Access::Write)].into();
            (("pg".into(), text.to_owned()), Footprint::Known(touched))
        });
        let mut sampler = PartialOrder::new(1, Arc::new(footprints.into()));
        let taken = sampler.choose(&[offer(1, texts[0]), offer(2, texts[1])]);
        assert!(taken.is_some());
        sampler.priorities.len()
    }

    #[test]
    fn only_events_in_conflict_draw_again() {
        assert_eq!(kept(["a", "b"]), 1);
        assert_eq!(kept(["a", "a"]), 0);
        // What the clean run did not send may touch anything.
        assert_eq!(kept(["a", "c"]), 0);
    }

    #[test]
    fn the_runner_changes_where_it_falls_and_nowhere_else() {
        let offers = [offer(1, "a"), offer(2, "a")];
        for seed in 0..20 {
            let mut sampler = ChangePoints::new(seed, 10, 1);
            let fall = *sampler.falls.first().expect("one fall was asked for");
            let chosen: Vec<_> = (0..10).map(|_| sampler.choose(&offers)).collect();
            let changes = chosen.windows(2).filter(|pair| pair[0] != pair[1]);
            assert_eq!(changes.count(), 1, "seed {seed}: {chosen:?}");
            let fall = usize::try_from(fall).expect("it is below 10");
            assert_ne!(chosen[fall - 1], chosen[fall], "seed {seed}");
        }
    }
}
