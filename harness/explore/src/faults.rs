//! Stage `faults`: the scenario's faults at their moments, while the runs go on one after the
//! other. A fault without a moment is placed at each request of the clean run in turn.

use crate::placed::{self, Placed};
use crate::registry::Stage;
use crate::script::Script;
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::kind::Kind;
use twiceproof_model::moment::RequestMoment;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::FaultSpec;
use twiceproof_model::{InstanceId, Moment, Phase, Who};

/// The stage.
pub const FAULTS: Stage = Stage {
    kind: Kind {
        name: "faults",
        doc: "The scenario's faults at their moments; those without one at each request in turn.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(Faults::new(plan)),
};

struct Faults {
    instances: u8,
    seed: u64,
    /// One list of faults for each trial, with what is tried.
    trials: Vec<(String, Vec<FaultSpec>)>,
    next: usize,
}

impl Faults {
    fn new(plan: &Plan) -> Self {
        let mut trials = Vec::new();
        let placed: Vec<FaultSpec> = (plan.faults.iter())
            .filter(|spec| spec.at.is_some())
            .cloned()
            .collect();
        if !placed.is_empty() {
            trials.push(("the faults at their moments".to_owned(), placed.clone()));
        }
        for spec in plan.faults.iter().filter(|spec| spec.at.is_none()) {
            // Any instance is as good as the first: they are alike.
            let who = match spec.fault.who {
                Who::Instance(instance) => Some(instance),
                Who::Any | Who::Service(_) => InstanceId::first(1).next(),
            };
            let Some(who) = who else { continue };
            for ordinal in plan.ordinals_by_novelty() {
                let mut requests = plan.requests.iter();
                let clean = requests.find(|clean| clean.request.id.ordinal == ordinal);
                let Some(clean) = clean else { continue };
                let signature = &clean.request.signature;
                // A fault of one link strikes at what goes over that link.
                let link = spec.fault.link.as_ref();
                if link.is_some_and(|link| *link != signature.service) {
                    continue;
                }
                let at = RequestMoment::exact(signature, Phase::Held);
                let mut faults = placed.clone();
                faults.push(FaultSpec {
                    at: Some(Moment::Request(who, at)),
                    ..spec.clone()
                });
                let label = format!("{} at request {ordinal} of {who}", spec.fault);
                trials.push((label, faults));
            }
        }
        Self {
            instances: plan.instances,
            seed: plan.seed,
            trials,
            next: 0,
        }
    }
}

impl Strategy for Faults {
    fn next(&mut self) -> Option<Work> {
        let (label, faults) = self.trials.get(self.next)?;
        self.next += 1;
        Some(Work {
            label: label.clone(),
            instances: self.instances,
            drive: Drive::Steps,
            seed: self.seed,
            recovers: true,
            point: Point::Fault,
            menu: placed::menu(faults),
            scheduler: Box::new(Placed::new(faults, Box::new(Script::in_order()), true)),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.trials.len()).unwrap_or(u32::MAX)
    }
}
