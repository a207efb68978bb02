//! Stage `serial`: the runs one after the other, without any concurrency. Its outcomes are what
//! later stages accept beside the clean run.

use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::InstanceId;
use twiceproof_model::kind::Kind;
use twiceproof_model::name::INSTANCES_MAX;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::Contract;

/// The stage.
pub const SERIAL: Stage = Stage {
    kind: Kind {
        name: "serial",
        doc: "Each run starts after the one before has ended.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(Serial::new(plan)),
};

struct Serial {
    seed: u64,
    orders: Vec<Vec<InstanceId>>,
    next: usize,
}

impl Serial {
    /// Two up to one more run than instances, since a calm run may follow; two of them in both
    /// orders. All workers, since none does the whole work; and no slots, whose orders are part of
    /// the baseline.
    fn new(plan: &Plan) -> Self {
        let most = plan.instances.saturating_add(1).clamp(2, INSTANCES_MAX);
        let counts: Vec<u8> = match plan.contract {
            Contract::Once | Contract::Exclusion => (2..=most).collect(),
            Contract::Workers => vec![plan.instances],
            Contract::EachSlot => Vec::new(),
        };
        let mut orders: Vec<Vec<InstanceId>> = counts
            .into_iter()
            .map(|count| InstanceId::first(count).collect())
            .collect();
        if let Some(first) = orders.first() {
            let reversed = first.iter().rev().copied().collect();
            orders.insert(1, reversed);
        }
        Self {
            seed: plan.seed,
            orders,
            next: 0,
        }
    }
}

impl Strategy for Serial {
    fn next(&mut self) -> Option<Work> {
        let order = self.orders.get(self.next)?;
        self.next += 1;
        let names: Vec<String> = order.iter().map(InstanceId::to_string).collect();
        Some(Work {
            label: names.join(", then "),
            instances: u8::try_from(order.len()).unwrap_or(INSTANCES_MAX),
            drive: Drive::Steps,
            seed: self.seed,
            recovers: false,
            point: Point::Other,
            menu: Vec::new(),
            scheduler: Box::new(Script::new(
                order.iter().copied().map(Act::RunOut).collect(),
            )),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.orders.len()).unwrap_or(u32::MAX)
    }
}
