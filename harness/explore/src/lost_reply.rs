//! Stage `lost-reply`: at each write of the first instance, once the service acts and its reply is
//! lost, once the link is cut before the service hears of it. To the job both look alike.

use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::Contract;
use twiceproof_model::{Fault, InstanceId, Who};

/// The stage.
pub const LOST_REPLY: Stage = Stage {
    kind: Kind {
        name: "lost-reply",
        doc: "At each write the reply is lost, or the link is cut before it; then the job runs again.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(LostReply::new(plan)),
};

/// What happens to the write.
enum Loss {
    /// The service acts, and the reply is lost.
    Reply,
    /// The link is cut before the service hears of it.
    Cut(Fault),
}

struct LostReply {
    seed: u64,
    instances: u8,
    points: Vec<(InstanceId, u32, Loss)>,
    next: usize,
}

impl LostReply {
    fn new(plan: &Plan) -> Self {
        let mut points = Vec::new();
        // Instances are alike, so one of them is enough.
        for victim in InstanceId::first(1) {
            for write in plan.linked_writes() {
                let ordinal = write.request.id.ordinal;
                let mut cut = Fault::new("cut", Who::Instance(victim));
                cut.link = Some(write.request.signature.service.clone());
                points.push((victim, ordinal, Loss::Reply));
                points.push((victim, ordinal, Loss::Cut(cut)));
            }
        }
        Self {
            seed: plan.seed,
            // Of workers none does the whole work, so none is alone.
            instances: match plan.contract {
                Contract::Workers => plan.instances,
                _ => 1,
            },
            points,
            next: 0,
        }
    }
}

impl Strategy for LostReply {
    fn next(&mut self) -> Option<Work> {
        let (victim, write, loss) = self.points.get(self.next)?;
        self.next += 1;
        let (victim, write) = (*victim, *write);
        let mut acts = vec![Act::RunUntilHeld(victim, write)];
        let mut menu = Vec::new();
        let label = match loss {
            Loss::Reply => {
                acts.push(Act::Forward(victim, write));
                acts.push(Act::DropReply(victim, write));
                format!("lose the reply to request {write} of {victim}")
            }
            Loss::Cut(cut) => {
                menu.push(cut.clone());
                acts.push(Act::Inject(cut.clone()));
                format!("cut the link before request {write} of {victim}")
            }
        };
        Some(Work {
            label,
            instances: self.instances,
            drive: Drive::Steps,
            seed: self.seed,
            recovers: true,
            point: Point::LostReply,
            menu,
            scheduler: Box::new(Script::new(acts)),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX)
    }
}
