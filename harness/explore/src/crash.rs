//! Stage `crash`: the first instance is killed before its first request and after each write, alone
//! and with the next instance started after the kill; calm runs follow.
//!
//! After a write means: when the instance stands at its next request. After the last request, and
//! after every write where some state is changed between requests, or that opened a file to write
//! to, also: while the reply is held, before the instance knows.

use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::InstanceId;
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::Contract;

/// The stage.
pub const CRASH: Stage = Stage {
    kind: Kind {
        name: "crash",
        doc: "The first run is killed after each of its writes; then the job runs again.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(Crash::new(plan)),
};

/// Where the kill strikes.
#[derive(Clone, Copy)]
enum Moment {
    /// While the first request is held.
    First(u32),
    /// While the request behind the write is held.
    Before { write: u32, next: u32 },
    /// While the reply to the write is held.
    Answered(u32),
}

struct Crash {
    plan: Plan,
    points: Vec<(Moment, u8)>,
    next: usize,
}

impl Crash {
    fn new(plan: &Plan) -> Self {
        let ordinals: Vec<u32> = (plan.requests.iter())
            .map(|clean| clean.request.id.ordinal)
            .collect();
        let mut moments: Vec<Moment> = ordinals
            .first()
            .copied()
            .map(Moment::First)
            .into_iter()
            .collect();
        for ordinal in plan.ordinals_by_novelty() {
            let place = ordinals.iter().position(|other| *other == ordinal);
            let Some(place) = place.filter(|place| plan.requests[*place].reply.writes) else {
                continue;
            };
            let next = ordinals.get(place + 1).copied();
            if let Some(next) = next {
                moments.push(Moment::Before {
                    write: ordinal,
                    next,
                });
            }
            let signature = &plan.requests[place].request.signature;
            if next.is_none() || plan.unseen_state || signature.is_before_data() {
                moments.push(Moment::Answered(ordinal));
            }
        }
        // Of workers none does the whole work, so none is alone.
        let alone_and_not: &[u8] = match (plan.contract, plan.instances) {
            (Contract::Workers, all) => &[all],
            (_, 0 | 1) => &[1],
            _ => &[1, 2],
        };
        let points = moments.into_iter().flat_map(|moment| {
            let variants = alone_and_not.iter();
            variants.map(move |instances| (moment, *instances))
        });
        Self {
            plan: plan.clone(),
            points: points.collect(),
            next: 0,
        }
    }
}

impl Strategy for Crash {
    fn next(&mut self) -> Option<Work> {
        let (moment, instances) = *self.points.get(self.next)?;
        self.next += 1;
        let victim = InstanceId::first(1).next()?;
        let (mut acts, mut label) = match moment {
            Moment::First(first) => (
                vec![Act::RunUntilHeld(victim, first)],
                format!("kill {victim} before its first request"),
            ),
            Moment::Before { write, next } => (
                vec![Act::RunUntilHeld(victim, next)],
                format!("kill {victim} after its request {write}"),
            ),
            Moment::Answered(write) => (
                vec![
                    Act::RunUntilHeld(victim, write),
                    Act::Forward(victim, write),
                ],
                format!("kill {victim} before the reply to its request {write}"),
            ),
        };
        acts.push(Act::Kill(victim));
        if instances > 1 {
            label.push_str(", then start another");
        }
        Some(Work {
            label,
            instances,
            drive: Drive::Steps,
            seed: self.plan.seed,
            recovers: true,
            point: Point::Crash,
            menu: Vec::new(),
            scheduler: Box::new(Script::new(acts)),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX)
    }
}
