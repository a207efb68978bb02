//! Stage `sample`: a uniform random walk. Each step's instance is drawn with the weight of what it
//! has left to do, so that orders of requests are about equally likely.

use crate::lab::Scheduler;
use crate::registry::Stage;
use crate::steps;
use crate::strategy::{Plan, Point, Strategy, Work};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
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
    make: |plan| Box::new(Sample::new(plan)),
};

struct Sample {
    plan: Plan,
    next: u32,
}

impl Sample {
    fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            next: 0,
        }
    }
}

impl Strategy for Sample {
    fn next(&mut self) -> Option<Work> {
        if self.next >= self.planned() {
            return None;
        }
        self.next += 1;
        let seed = trial_seed(self.plan.seed, self.next);
        let events = u64::try_from(self.plan.requests.len()).unwrap_or(u64::MAX);
        Some(Work {
            label: format!("sample {}", self.next),
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed,
            recovers: true,
            point: Point::Sample,
            menu: Vec::new(),
            scheduler: Box::new(Walk::new(seed, events)),
        })
    }

    fn planned(&self) -> u32 {
        if self.plan.instances < 2 {
            return 0;
        }
        self.plan.samples
    }
}

/// Returns the seed of the nth sample. Schedule files hold it, so the rule is part of their format.
fn trial_seed(campaign: u64, nth: u32) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(campaign);
    rng.set_stream(u64::from(nth));
    rng.next_u64()
}

/// The uniform random walk of one trial.
pub struct Walk {
    rng: ChaCha8Rng,
    events: u64,
    done: BTreeMap<InstanceId, u64>,
}

impl Walk {
    /// Returns the walk of this seed over instances of about `events` requests each.
    pub fn new(seed: u64, events: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            events,
            done: BTreeMap::new(),
        }
    }

    /// Draws a number below the bound; multiplying keeps it the same in every version of any
    /// library.
    fn draw(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.rng.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the upper half of 128 bits has 64")
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
        let mut drawn = self.draw(total);
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
