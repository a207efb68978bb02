//! Stage `preempt`: one instance is held at a request until every other has ended, is blocked, or
//! polls; at every request of the clean run, for every instance.

use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use crate::trigger::Order;
use twiceproof_model::InstanceId;
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;

/// The stage.
pub const PREEMPT: Stage = Stage {
    kind: Kind {
        name: "preempt",
        doc: "One run is held at each of its requests in turn, until the others have ended, are blocked, or poll.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(Preempt::new(plan)),
};

struct Preempt {
    plan: Plan,
    points: Vec<(InstanceId, u32)>,
    next: usize,
}

impl Preempt {
    fn new(plan: &Plan) -> Self {
        let instances: Vec<InstanceId> = InstanceId::first(plan.instances).collect();
        // 0: the others run before this one starts. Where starts come in order, that is the serial
        // run.
        let first = (plan.order == Order::Free).then_some(0);
        let ordinals: Vec<u32> = first
            .into_iter()
            .chain(plan.ordinals_by_novelty())
            .collect();
        let points = match plan.instances {
            0 | 1 => Vec::new(),
            _ => ordinals
                .into_iter()
                .flat_map(|ordinal| instances.iter().map(move |who| (*who, ordinal)))
                .collect(),
        };
        Self {
            plan: plan.clone(),
            points,
            next: 0,
        }
    }
}

impl Strategy for Preempt {
    fn next(&mut self) -> Option<Work> {
        let (held, ordinal) = *self.points.get(self.next)?;
        self.next += 1;
        let mut acts = self.plan.acts_before(held);
        if ordinal > 0 {
            acts.push(Act::RunUntilHeld(held, ordinal));
        }
        acts.extend(self.plan.others(held).map(Act::RunOut));
        acts.push(Act::RunOut(held));
        let label = match ordinal {
            0 => format!("{held} starts last"),
            _ => format!("{held} held at its request {ordinal}"),
        };
        Some(Work {
            label,
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed: self.plan.seed,
            recovers: true,
            point: Point::Preemption,
            menu: Vec::new(),
            scheduler: Box::new(Script::new(acts)),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX)
    }
}
