//! Faults of toy trials: a cut or an error ends its job, a partition holds what goes its way.

use super::{At, Trial};
use twiceproof_explore::lease::ended_by;
use twiceproof_model::{Event, Exit, Fault};

/// The time of a lease, in milliseconds.
const LEASE_MS: u64 = 3_000;

impl Trial {
    /// Returns the faults that struck nothing.
    pub(in super::super) fn struck_nothing(&self) -> impl Iterator<Item = &Fault> {
        self.trace
            .iter()
            .filter_map(|stamped| match &stamped.event {
                Event::Healed { fault, effect: 0 } => Some(fault),
                _ => None,
            })
    }

    pub(super) fn can_inject(&self, fault: &Fault) -> bool {
        if ended_by(fault).is_some() {
            return true;
        }
        let job = fault.instance().and_then(|who| self.jobs.get(&who));
        let Some(job) = job else { return false };
        match fault.kind.as_str() {
            "cut" | "error-reply" => matches!(job.at, At::Held(_)),
            "partition" => !matches!(job.at, At::Gone(_)),
            _ => false,
        }
    }

    /// A cut ends the job, as a reset link does, and so does an error; a partition holds what goes
    /// its way.
    pub(super) fn inject(&mut self, fault: &Fault) {
        if ended_by(fault).is_some() {
            return self.end_lease(fault);
        }
        let Some(who) = fault.instance() else { return };
        self.log(Event::Injected(fault.clone()));
        if fault.kind != "partition" {
            self.exit(who, Exit::Code(1));
            let fault = fault.clone();
            return self.log(Event::Healed { fault, effect: 1 });
        }
        let direction = fault.key("direction").unwrap_or("both").to_owned();
        let job = self.job(who);
        job.held_to = direction != "from";
        job.held_from = direction != "to";
        self.active.push(fault.clone());
    }

    /// Ends the lease, at once or as its time passes, which all but those in a pause might see;
    /// they see it when they go on.
    pub(super) fn end_lease(&mut self, fault: &Fault) {
        let waits = fault.key("mode") == Some("wait");
        let was_there = self.store.end_lease(waits).is_some();
        self.log(Event::Injected(fault.clone()));
        let effect = match (was_there, waits) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => LEASE_MS,
        };
        let fault = fault.clone();
        self.log(Event::Healed { fault, effect });
    }

    pub(super) fn heal(&mut self, fault: &Fault) {
        let Some(who) = fault.instance() else { return };
        self.active.retain(|active| active != fault);
        let job = self.job(who);
        (job.held_to, job.held_from) = (false, false);
        let effect = u64::from(matches!(job.at, At::Sent(_) | At::Returned(..)));
        match job.at.clone() {
            At::Sent(request) => {
                job.at = At::Held(request);
                self.forward(who);
                if matches!(self.job(who).at, At::Answered(..)) {
                    self.deliver(who);
                }
            }
            At::Returned(request, answer) => {
                job.at = At::Answered(request, answer);
                self.deliver(who);
            }
            _ => {}
        }
        let fault = fault.clone();
        self.log(Event::Healed { fault, effect });
        self.wake_waiters();
    }
}
