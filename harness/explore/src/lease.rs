//! Stage `lease`: at each write that a run makes while it has a lease, the lease ends, the others
//! run to their ends, and the run goes on as if it still had it.
//!
//! The end of a lease takes no time here, so a run that watches its own clock saw none pass:
//! [`crate::campaign`] repeats what this finds with a pause that is as long as the lease.

use crate::registry::Stage;
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::{Fault, InstanceId, ServiceName, Who};

pub use twiceproof_oracle::lease::ADVISORY;

/// The stage.
pub const LEASE: Stage = Stage {
    kind: Kind {
        name: "lease",
        doc: "At each write under a lease the lease ends; the others run, then its holder goes on.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 2,
    make: |plan| Box::new(Leases::new(plan)),
};

/// The kind of the fault that ends a lease.
pub const EXPIRE: &str = "expire";
/// Its key that names the lease.
const KEY: &str = "lease";

/// Returns the fault that ends the lease now.
pub fn end_of(service: &ServiceName, key: &str) -> Fault {
    let mut fault = Fault::new(EXPIRE, Who::Service(service.clone()));
    fault.keys.insert(KEY.to_owned(), key.to_owned());
    fault
}

/// Returns the service and the key of the lease that the fault ends, where it ends one.
pub fn ended_by(fault: &Fault) -> Option<(&ServiceName, &str)> {
    match &fault.who {
        Who::Service(service) if fault.kind == EXPIRE => Some((service, fault.key(KEY)?)),
        _ => None,
    }
}

/// A write under a lease.
struct Under {
    write: u32,
    fault: Fault,
    /// Whether it is the request that gives the lease back.
    frees: bool,
}

struct Leases {
    plan: Plan,
    points: Vec<Under>,
    next: usize,
}

impl Leases {
    fn new(plan: &Plan) -> Self {
        let mut points = Vec::new();
        let writes = match plan.instances {
            0 | 1 => Vec::new(),
            _ => plan.linked_writes(),
        };
        for write in writes {
            let ordinal = write.request.id.ordinal;
            let leases = plan.leases.iter();
            for lease in leases.filter(|lease| lease.covers(&write.request)) {
                points.push(Under {
                    write: ordinal,
                    fault: end_of(&lease.service, &lease.key),
                    frees: lease.freed == Some(ordinal),
                });
            }
        }
        Self {
            plan: plan.clone(),
            points,
            next: 0,
        }
    }
}

impl Strategy for Leases {
    fn next(&mut self) -> Option<Work> {
        let under = self.points.get(self.next)?;
        self.next += 1;
        // Instances are alike, so it is enough that one loses its lease.
        let mut instances = InstanceId::first(self.plan.instances);
        let (holder, other) = (instances.next()?, instances.next()?);
        let mut acts = vec![
            Act::RunUntilHeld(holder, under.write),
            Act::Inject(under.fault.clone()),
        ];
        if under.frees {
            // What it gives back is another one's by now, so that a third can take it.
            acts.extend([Act::RunUntilHeld(other, under.write), Act::RunOut(holder)]);
            acts.extend(instances.map(Act::RunOut));
        } else {
            acts.extend(self.plan.others(holder).map(Act::RunOut));
        }
        Some(Work {
            label: format!(
                "the lease of {holder} ends before its request {}",
                under.write
            ),
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed: self.plan.seed,
            recovers: true,
            point: Point::Lease,
            menu: vec![under.fault.clone()],
            scheduler: Box::new(Script::new(acts)),
        })
    }

    fn planned(&self) -> u32 {
        u32::try_from(self.points.len()).unwrap_or(u32::MAX)
    }
}
