//! Stage `sample`: seeded random orders. Most are uniform random walks: the instance of each step
//! is drawn with the weight of what it has left to do, so that orders of requests are about equally
//! likely. The others find what an even draw is slow to find.

use crate::lab::Scheduler;
use crate::priority::{ChangePoints, Footprints, PartialOrder, footprints};
use crate::registry::Stage;
use crate::steps;
use crate::strategy::{Plan, Point, Strategy, Work};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::{Enabled, InstanceId};

/// The stage.
pub const SAMPLE: Stage = Stage {
    kind: Kind {
        name: "sample",
        doc: "Seeded random orders of requests, about equally likely.",
        keys: &[],
        port: None,
    },
    owed: false,
    share: 2,
    make: |plan| Box::new(Sample::new(plan)),
};

struct Sample {
    plan: Plan,
    footprints: Arc<Footprints>,
    next: u32,
}

impl Sample {
    fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            footprints: Arc::new(footprints(plan)),
            next: 0,
        }
    }

    /// Returns the sampler of the trial that comes next. Of 20, 14 are walks, 3 sample partial
    /// orders and 3 fall.
    fn sampler(&self, seed: u64) -> (&'static str, Box<dyn Scheduler>) {
        let events = u64::try_from(self.plan.requests.len()).unwrap_or(u64::MAX);
        let steps = events.saturating_add(1);
        let steps = steps.saturating_mul(u64::from(self.plan.instances));
        match self.next % 20 {
            4 | 11 | 18 => {
                let footprints = Arc::clone(&self.footprints);
                (
                    "partial order",
                    Box::new(PartialOrder::new(seed, footprints)),
                )
            }
            7 | 0 => ("2 falls", Box::new(ChangePoints::new(seed, steps, 2))),
            14 => ("3 falls", Box::new(ChangePoints::new(seed, steps, 3))),
            _ => ("walk", Box::new(Walk::new(seed, events))),
        }
    }
}

impl Strategy for Sample {
    fn next(&mut self) -> Option<Work> {
        if self.next >= self.planned() {
            return None;
        }
        self.next += 1;
        let seed = draw_seed(self.plan.seed, u64::from(self.next));
        let (name, scheduler) = self.sampler(seed);
        Some(Work {
            label: format!("sample {}, {name}", self.next),
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed,
            recovers: true,
            point: Point::Sample,
            menu: Vec::new(),
            scheduler,
        })
    }

    fn planned(&self) -> u32 {
        if self.plan.instances < 2 {
            return 0;
        }
        self.plan.samples
    }
}

/// Returns the seed of the nth random order of a campaign. Schedule files hold it, so the rule is
/// part of their format.
pub(crate) fn draw_seed(campaign: u64, nth: u64) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(campaign);
    rng.set_stream(nth);
    rng.next_u64()
}

/// Random numbers that are the same in every version of any library.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Draws a number below the bound, by multiplying.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the upper half of 128 bits has 64")
    }
}

/// The uniform random walk of one trial.
pub struct Walk {
    draws: Draws,
    events: u64,
    done: BTreeMap<InstanceId, u64>,
}

impl Walk {
    /// Returns the walk of this seed over instances of about `events` requests each.
    pub fn new(seed: u64, events: u64) -> Self {
        Self {
            draws: Draws::new(seed),
            events,
            done: BTreeMap::new(),
        }
    }
}

impl Scheduler for Walk {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let mut weights: BTreeMap<InstanceId, u64> = BTreeMap::new();
        for step in enabled
            .iter()
            .filter(|enabled| steps::is_ordinary(&enabled.step))
        {
            let Some(instance) = step.step.instance() else {
                continue;
            };
            let done = self.done.get(&instance).copied().unwrap_or(0);
            // One more than the requests, for the start.
            let left = self.events.saturating_add(1).saturating_sub(done).max(1);
            weights.insert(instance, left);
        }
        let total: u64 = weights.values().sum();
        if total == 0 {
            return steps::run_out(enabled);
        }
        let mut drawn = self.draws.below(total);
        for (instance, weight) in weights {
            if drawn < weight {
                *self.done.entry(instance).or_default() += 1;
                return steps::own_step(enabled, instance);
            }
            drawn -= weight;
        }
        None
    }
}
