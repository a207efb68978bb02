//! Cycles of waits inside services.

use crate::dispatcher::Dispatcher;
use twiceproof_model::{Event, InstanceId};

impl Dispatcher<'_> {
    /// Logs a cycle of waits, once a step.
    pub(super) fn tell_cycle(&mut self) {
        if !self.told_cycle
            && let Some(cycle) = self.find_cycle()
        {
            self.told_cycle = true;
            self.log.write(Event::WaitCycle(cycle));
        }
    }

    /// Looks for instances that wait for each other in a service.
    pub(super) fn find_cycle(&self) -> Option<Vec<InstanceId>> {
        let waits = |id: InstanceId| {
            let links = self.links.iter().filter(move |link| link.id.instance == id);
            links
                .flat_map(|link| &link.flights)
                .find_map(|flight| flight.blocked_by.clone())
        };
        for instance in &self.instances {
            let Some(mut next) = waits(instance.id) else {
                continue;
            };
            let mut path = vec![instance.id];
            while let Some(by) = next.pop() {
                if by == instance.id {
                    return Some(path);
                }
                if path.contains(&by) {
                    continue;
                }
                path.push(by);
                next.extend(waits(by).unwrap_or_default());
            }
        }
        None
    }
}
