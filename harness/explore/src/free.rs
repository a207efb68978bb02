//! Stage `free`: nothing is held; the instances run as the machine lets them.

use crate::registry::Stage;
use crate::script::Script;
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;

/// The stage.
pub const FREE: Stage = Stage {
    kind: Kind {
        name: "free",
        doc: "All runs start at once and nothing is held: what happens without Twiceproof's help.",
        keys: &[],
        port: None,
    },
    owed: false,
    share: 1,
    make: |plan| Box::new(Free::new(plan)),
};

/// Trials of this stage.
const TRIALS: u32 = 5;

struct Free {
    instances: u8,
    seed: u64,
    next: u32,
}

impl Free {
    fn new(plan: &Plan) -> Self {
        Self {
            instances: plan.instances,
            seed: plan.seed,
            next: 0,
        }
    }
}

impl Strategy for Free {
    fn next(&mut self) -> Option<Work> {
        if self.next >= self.planned() {
            return None;
        }
        self.next += 1;
        Some(Work {
            label: format!("free run {}", self.next),
            instances: self.instances,
            drive: Drive::Free,
            seed: self.seed,
            recovers: true,
            point: Point::Other,
            menu: Vec::new(),
            scheduler: Box::new(Script::in_order()),
        })
    }

    fn planned(&self) -> u32 {
        if self.instances > 1 { TRIALS } else { 0 }
    }
}
