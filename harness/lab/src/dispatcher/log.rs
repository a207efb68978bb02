//! The log of a trial: one writer, one order.

use std::sync::Arc;
use std::time::Instant;
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Fault, InstanceId, Stamped, Trace};

/// Most events that one trial may log; steps end there.
pub(crate) const EVENTS_MAX: usize = 200_000;

/// Is told each event as it is logged, before what it announces is done.
pub type Observer = Arc<dyn Fn(&Stamped) + Send + Sync>;

/// The events so far.
pub(crate) struct Log {
    begun: Instant,
    trace: Trace,
    observer: Option<Observer>,
    doubts: Vec<Doubt>,
}

impl Log {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self {
            begun: Instant::now(),
            trace: Vec::new(),
            observer,
            doubts: Vec::new(),
        }
    }

    /// Logs an event. What it announces is done after this call, never before.
    pub(crate) fn write(&mut self, event: Event) {
        match &event {
            Event::Opaque { link, reason } => {
                self.doubt(Doubt::OpaqueLink(format!("{}: {reason}", link.service)));
            }
            Event::BestEffort { instance, reason } => {
                self.doubt(Doubt::BestEffort(format!("{instance}: {reason}")));
            }
            Event::ServiceDied { service, exit } => {
                self.doubt(Doubt::ServiceDied(format!("{service}: {exit}")));
            }
            Event::Healed { fault, effect: 0 } => self.doubt_effect(fault),
            _ => {}
        }
        let at_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let stamped = Stamped { at_us, event };
        if let Some(observer) = &self.observer {
            observer(&stamped);
        }
        self.trace.push(stamped);
    }

    /// Notes a reason why the trial proves less than it claims, once.
    pub(crate) fn doubt(&mut self, doubt: Doubt) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }

    /// Notes that a fault struck nothing.
    pub(crate) fn doubt_effect(&mut self, fault: &Fault) {
        let text = format!("{fault}: it struck nothing");
        self.doubt(Doubt::FaultWithoutEffect(text));
    }

    /// Returns whether a step was taken between the instance's last pause and the one that ends it
    /// now.
    pub(crate) fn has_steps_since_pause(&self, id: InstanceId) -> bool {
        let later = self.trace.iter().rev().skip(1);
        let mut later = later.take_while(|stamped| stamped.event != Event::Paused(id));
        later.any(|stamped| matches!(stamped.event, Event::Taken(_)))
    }

    /// Returns how many events there are.
    pub(crate) fn len(&self) -> usize {
        self.trace.len()
    }

    /// Returns the events from this one on.
    pub(crate) fn since(&self, events: usize) -> &[Stamped] {
        self.trace.get(events..).unwrap_or_default()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.trace.len() >= EVENTS_MAX
    }

    pub(crate) fn into_parts(self) -> (Trace, Vec<Doubt>) {
        (self.trace, self.doubts)
    }
}
