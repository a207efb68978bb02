//! Scripts: schedulers whose acts are known before the trial begins.

use crate::lab::Scheduler;
use crate::steps;
use twiceproof_model::{Divergence, Enabled, Fault, InstanceId, RequestId, Step};

/// One act of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Runs the instance until its request with this ordinal is held. Ends too where the instance
    /// has no step of its own.
    RunUntilHeld(InstanceId, u32),
    /// Runs the instance until the reply to its request with this ordinal was delivered.
    RunPast(InstanceId, u32),
    /// Runs the instance until it has no step of its own: it ended, is blocked, or polls.
    RunOut(InstanceId),
    /// Starts the instance, where its start is on offer.
    Start(InstanceId),
    /// Forwards the request with this ordinal and holds its reply. Must be on offer.
    Forward(InstanceId, u32),
    /// Throws the held reply to the request with this ordinal away. Must be on offer.
    DropReply(InstanceId, u32),
    /// Kills the instance. Must be on offer.
    Kill(InstanceId),
    /// Injects the fault. Must be on offer.
    Inject(Fault),
    /// Heals the fault. Must be on offer.
    Heal(Fault),
}

/// Acts one after the other; then all instances run to their ends, lowest first.
pub struct Script {
    acts: Vec<Act>,
    at: usize,
    divergence: Option<Divergence>,
}

impl Script {
    /// Returns the scheduler of these acts.
    pub fn new(acts: Vec<Act>) -> Self {
        Self {
            acts,
            at: 0,
            divergence: None,
        }
    }

    /// Returns the scheduler under which all run one after the other, lowest first.
    pub fn in_order() -> Self {
        Self::new(Vec::new())
    }

    /// Takes a step that the act needs; where it is not on offer, the trial proves nothing about
    /// the act.
    fn need(&mut self, enabled: &[Enabled], step: &Step) -> Option<usize> {
        self.at += 1;
        let place = steps::place_of(enabled, step);
        if place.is_none() && self.divergence.is_none() {
            self.divergence = Some(Divergence {
                line: u32::try_from(self.at).unwrap_or(u32::MAX),
                wanted: step.to_string(),
                offered: enabled.iter().map(steps::describe).collect(),
            });
        }
        place
    }

    fn run_while(
        &mut self,
        enabled: &[Enabled],
        instance: InstanceId,
        goes_on: impl FnOnce(&Enabled) -> bool,
    ) -> Option<usize> {
        let own = steps::own_step(enabled, instance);
        let own = own.filter(|index| goes_on(&enabled[*index]));
        if own.is_none() {
            self.at += 1;
        }
        own
    }
}

impl Scheduler for Script {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        while let Some(act) = self.acts.get(self.at).cloned() {
            let ordinal = |enabled: &Enabled| enabled.request.as_ref().map_or(0, |r| r.id.ordinal);
            let place = match act {
                Act::RunUntilHeld(instance, bound) => {
                    self.run_while(enabled, instance, |own| ordinal(own) < bound)
                }
                Act::RunPast(instance, bound) => {
                    self.run_while(enabled, instance, |own| ordinal(own) <= bound)
                }
                Act::RunOut(instance) => self.run_while(enabled, instance, |_| true),
                Act::Start(instance) => {
                    self.at += 1;
                    steps::place_of(enabled, &Step::Start(instance))
                }
                Act::Forward(instance, ordinal) => {
                    self.need(enabled, &Step::Forward(RequestId { instance, ordinal }))
                }
                Act::DropReply(instance, ordinal) => {
                    self.need(enabled, &Step::DropReply(RequestId { instance, ordinal }))
                }
                Act::Kill(instance) => self.need(enabled, &Step::Kill(instance)),
                Act::Inject(fault) => self.need(enabled, &fault.inject()),
                Act::Heal(fault) => self.need(enabled, &fault.heal()),
            };
            if place.is_some() {
                return place;
            }
        }
        steps::run_out(enabled)
    }

    fn divergence(&self) -> Option<Divergence> {
        self.divergence.clone()
    }
}
