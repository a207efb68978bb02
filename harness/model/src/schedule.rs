//! Schedules: what makes a trial repeatable, as a readable file of under a kilobyte.
//!
//! Grammar: `docs/reference/schedule.md`. Segments are named by instance and request signature, not
//! by index or connection, so that a schedule survives unrelated edits of the job.

mod parse;
mod print;

pub use parse::{SCHEDULE_BYTES_MAX, SCHEDULE_LINES_MAX};

use crate::fault::Fault;
use crate::moment::RequestMoment;
use crate::name::InstanceId;
use crate::step::Step;

/// One line of a schedule's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// Starts an instance; the first `Run` of an instance implies it.
    Start(InstanceId),
    /// Releases the instance's oldest held request, and wakes it, until the stop.
    Run(InstanceId, Until),
    /// Injects a fault, or with kind `resume` ends a plain pause.
    Fault(Fault),
    /// Ends a fault.
    Heal(Fault),
}

/// Where a `Run` stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// At this request.
    Request(RequestMoment),
    /// When the instance is gone.
    Exit,
    /// When the instance is blocked in a service.
    Blocked,
}

/// A request of an instance that stands in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedRequest {
    /// The instance.
    pub instance: InstanceId,
    /// The request; its phase is always `replied`, which the line does not say.
    pub request: RequestMoment,
}

/// A schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Seed of every choice that no line names.
    pub seed: u64,
    /// The target's name and the first 8 hex digits of its hash, where known.
    pub target: Option<(String, String)>,
    /// Name, kind and version of each service, where known.
    pub services: Vec<(String, String, String)>,
    /// The lines, in order. After the last one all instances run to their ends, lowest first.
    pub body: Vec<Directive>,
    /// Requests that go one after the other: each waits until those before it were let go.
    pub orders: Vec<Vec<OrderedRequest>>,
}

impl Schedule {
    /// Returns the faults that its lines inject or heal as steps of their own, each once, in order:
    /// the menu of a trial that follows it.
    pub fn menu(&self) -> Vec<Fault> {
        let mut menu: Vec<Fault> = Vec::new();
        for directive in &self.body {
            let (Directive::Fault(fault) | Directive::Heal(fault)) = directive else {
                continue;
            };
            let is_step = matches!(fault.inject(), Step::Inject(_));
            let is_own = is_step && !fault.is_reserved();
            if is_own && !menu.contains(fault) {
                menu.push(fault.clone());
            }
        }
        menu
    }
}
