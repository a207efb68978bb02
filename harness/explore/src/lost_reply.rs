//! Stage `lost-reply`: at each write of the first instance, once the service acts and its reply is
//! lost, once the link is cut before the service hears of it. To the job both look alike. Then once
//! for each class of errors that the service could answer there instead of doing it, and for mails
//! and web requests once the service gets it twice.

use crate::errors;
use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::fault::{DUPLICATE, ERROR_REPLY};
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::Contract;
use twiceproof_model::{Fault, InstanceId, Who};
use twiceproof_oracle::CleanRequest;

/// The stage.
pub const LOST_REPLY: Stage = Stage {
    kind: Kind {
        name: "lost-reply",
        doc: "At each write the reply is lost, the link is cut before it, or it fails; then the job runs again.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(LostReply::new(plan)),
};

/// Kinds of services whose requests may come twice on their way.
const REPEATED: &[&str] = &["http", "smtp"];

/// What happens to the write.
enum Loss {
    /// The service acts, and the reply is lost.
    Reply,
    /// The link is cut before the service hears of it.
    Cut(Fault),
    /// It fails with this error.
    Error(Fault, &'static str),
    /// The service gets it twice.
    Twice(Fault),
}

struct LostReply {
    seed: u64,
    instances: u8,
    points: Vec<(InstanceId, u32, Loss)>,
    next: usize,
}

/// Returns the fault of this kind at this write's link.
fn fault(kind: &str, victim: InstanceId, write: &CleanRequest) -> Fault {
    let mut fault = Fault::new(kind, Who::Instance(victim));
    fault.link = Some(write.request.signature.service.clone());
    fault
}

fn lost(_plan: &Plan, victim: InstanceId, write: &CleanRequest) -> Vec<Loss> {
    vec![Loss::Reply, Loss::Cut(fault("cut", victim, write))]
}

fn failed(plan: &Plan, victim: InstanceId, write: &CleanRequest) -> Vec<Loss> {
    let errors = errors::at(plan, write).into_iter();
    let forged = errors.map(|error| {
        let mut forged = fault(ERROR_REPLY, victim, write);
        forged.keys = [("reply".to_owned(), error.to_owned())].into();
        Loss::Error(forged, error)
    });
    forged.collect()
}

fn repeated(plan: &Plan, victim: InstanceId, write: &CleanRequest) -> Vec<Loss> {
    let kind = plan.kinds.get(&write.request.signature.service);
    let repeats = kind.is_some_and(|kind| REPEATED.contains(&kind.as_str()));
    let fault = repeats.then(|| Loss::Twice(fault(DUPLICATE, victim, write)));
    fault.into_iter().collect()
}

impl LostReply {
    fn new(plan: &Plan) -> Self {
        let each = |losses: fn(&Plan, InstanceId, &CleanRequest) -> Vec<Loss>| {
            let mut points = Vec::new();
            // Instances are alike, so one of them is enough.
            for victim in InstanceId::first(1) {
                for write in plan.linked_writes() {
                    let losses = losses(plan, victim, write).into_iter();
                    points.extend(losses.map(|loss| (victim, write.request.id.ordinal, loss)));
                }
            }
            points
        };
        // What is never known to have come is found out first.
        let mut points = each(lost);
        points.extend(each(failed));
        points.extend(each(repeated));
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
            Loss::Error(fault, error) => {
                menu.push(fault.clone());
                acts.push(Act::Inject(fault.clone()));
                format!("answer request {write} of {victim} with {error}")
            }
            Loss::Twice(fault) => {
                menu.push(fault.clone());
                acts.push(Act::Inject(fault.clone()));
                format!("deliver request {write} of {victim} twice")
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
