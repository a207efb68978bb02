//! The steps on offer.

use crate::dispatcher::Dispatcher;
use crate::dispatcher::nemesis::stops;
use crate::dispatcher::world::{Activity, Flight, Instance, Life};
use twiceproof_model::{Enabled, Step};

impl Dispatcher<'_> {
    /// Returns the steps that can be taken now, in the order that [`Enabled`] promises. All
    /// instances are settled.
    pub(super) fn enabled(&self) -> Vec<Enabled> {
        let mut enabled = Vec::new();
        for instance in &self.instances {
            self.offer(instance, &mut enabled);
        }
        let plain = |step| Enabled {
            step,
            request: None,
        };
        for instance in &self.instances {
            match instance.life {
                Life::Running => {
                    enabled.push(plain(Step::Kill(instance.id)));
                    enabled.push(plain(Step::Pause(instance.id)));
                }
                Life::Paused => {
                    enabled.push(plain(Step::Kill(instance.id)));
                    enabled.push(plain(Step::Resume(instance.id)));
                }
                Life::Waiting | Life::Ended(_) | Life::Gone(_) => {}
            }
        }
        self.offer_faults(&mut enabled);
        enabled
    }

    /// Returns whether one of the steps lets an instance go on.
    pub(super) fn has_progress(enabled: &[Enabled]) -> bool {
        enabled
            .iter()
            .any(|offer| !offer.step.is_fault() || offer.step.heals())
    }

    fn offer(&self, instance: &Instance, enabled: &mut Vec<Enabled>) {
        let id = instance.id;
        match (instance.life, instance.activity) {
            (Life::Waiting, _) => {
                if self.may_start(id) {
                    enabled.push(Enabled {
                        step: Step::Start(id),
                        request: None,
                    });
                }
                return;
            }
            (Life::Running, Activity::Asleep) => {
                enabled.push(Enabled {
                    step: Step::Wake(id),
                    request: None,
                });
                return;
            }
            _ if instance.is_polling => return,
            _ => {}
        }
        // Who stands still makes no call, though a request of it may still travel.
        let is_paused = instance.life == Life::Paused;
        let links = || {
            let own = self.links.iter().filter(move |link| link.id.instance == id);
            own.filter(move |link| !(is_paused && link.is_file()))
        };
        let mut held: Vec<_> = links().filter_map(|link| link.held.as_ref()).collect();
        held.sort_by_key(|(request, _)| request.id);
        for (request, _) in held {
            for step in [Step::Release(request.id), Step::Forward(request.id)] {
                enabled.push(Enabled {
                    step,
                    request: Some(request.clone()),
                });
            }
        }
        let rules = self.rules.get();
        for link in links().filter(|link| !stops(&rules, link).1) {
            // What a fault kept back and is to be delivered at once is no choice.
            let is_file = link.is_file();
            let is_offered = |flight: &&Flight| flight.is_answered && (is_file || !flight.deliver);
            for flight in link.flights.iter().filter(is_offered) {
                let id = flight.request.id;
                let mut steps = vec![Step::Deliver(id)];
                if !link.is_file() {
                    // What a call came to is not lost on its way to who made it.
                    steps.push(Step::DropReply(id));
                }
                enabled.extend(steps.into_iter().map(|step| Enabled {
                    step,
                    request: Some(flight.request.clone()),
                }));
            }
        }
    }
}
