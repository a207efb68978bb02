//! Stage `partition`: each write of each instance reaches its service, and the reply does not come
//! back before every other instance has ended, is blocked, or polls.

use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::{Fault, InstanceId, ServiceName, Who};

/// The stage.
pub const PARTITION: Stage = Stage {
    kind: Kind {
        name: "partition",
        doc: "After each write the service's replies are held back, until the others have ended or wait.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(Partition::new(plan)),
};

struct Partition {
    plan: Plan,
    points: Vec<(InstanceId, u32, ServiceName)>,
    next: usize,
}

impl Partition {
    fn new(plan: &Plan) -> Self {
        let mut points = Vec::new();
        // Instances are alike, so it is enough that one is cut off.
        let victims = InstanceId::first(u8::from(plan.instances > 1));
        for victim in victims {
            for write in plan.linked_writes() {
                let service = write.request.signature.service.clone();
                points.push((victim, write.request.id.ordinal, service));
            }
        }
        Self {
            plan: plan.clone(),
            points,
            next: 0,
        }
    }
}

impl Strategy for Partition {
    fn next(&mut self) -> Option<Work> {
        let (victim, write, service) = self.points.get(self.next)?;
        self.next += 1;
        let mut fault = Fault::new("partition", Who::Instance(*victim));
        fault.link = Some(service.clone());
        fault.keys = [("direction", "from"), ("mode", "hold")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let mut acts = vec![
            Act::RunUntilHeld(*victim, *write),
            Act::Inject(fault.clone()),
            Act::RunPast(*victim, *write),
        ];
        acts.extend(self.plan.others(*victim).map(Act::RunOut));
        acts.push(Act::Heal(fault.clone()));
        Some(Work {
            label: format!("{victim} cut off from the reply to its request {write}"),
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed: self.plan.seed,
            recovers: true,
            point: Point::Partition,
            menu: vec![fault],
            scheduler: Box::new(Script::new(acts)),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX)
    }
}
