//! The nemesis: injects faults, counts what they strike, and heals them.

mod links;
mod services;
mod silence;

use crate::dispatcher::Dispatcher;
use crate::dispatcher::world::{Flight, Life, Link};
use crate::fail::{harness, sandbox_failed, service_failed};
use crate::fault::{self, FaultKind, Strikes};
use crate::sandbox::Scope;
use crate::tap::rules::{Effect, Rules};
use std::time::{Duration, Instant};
use twiceproof_explore::LabError;
use twiceproof_model::fault::Who;
use twiceproof_model::{Enabled, Event, Exit, Fault, InstanceId, Step};
use twiceproof_shim::FileCall;
use twiceproof_wire::Side;

/// Longest time for which the end of a lease is awaited.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(60);

/// A fault in force.
pub(super) struct Active {
    fault: Fault,
    kind: &'static dyn FaultKind,
    since: Instant,
    /// What its rules struck.
    effect: Effect,
    /// How many events had been logged when it was injected.
    events: usize,
}

/// What kinds of faults may do to a trial.
pub struct Nemesis<'d, 'c> {
    dispatcher: &'d mut Dispatcher<'c>,
}

impl Dispatcher<'_> {
    /// Offers the faults of the menu: each that can be injected now, and the heal of each that is
    /// active.
    pub(super) fn offer_faults(&self, enabled: &mut Vec<Enabled>) {
        for fault in &self.setup.menu {
            let is_active = self.active.iter().any(|active| active.fault == *fault);
            let ends_itself = fault::find(&fault.kind).is_some_and(|kind| !kind.stays(fault));
            let step = match is_active && !ends_itself {
                true => Step::Heal(fault.clone()),
                false if self.is_injectable(fault) => Step::Inject(fault.clone()),
                false => continue,
            };
            enabled.push(Enabled {
                step,
                request: None,
            });
        }
    }

    fn is_injectable(&self, fault: &Fault) -> bool {
        let Some(kind) = fault::find(&fault.kind) else {
            return false;
        };
        let place = fault.instance().map(InstanceId::index);
        let instance = place.and_then(|place| self.instances.get(place));
        match kind.strikes(fault) {
            Strikes::Process | Strikes::Files => {
                instance.is_some_and(|one| one.life == Life::Running)
            }
            Strikes::Lease => self.service_of(fault).is_some(),
            Strikes::Service => {
                let place = self.service_of(fault);
                place.is_some_and(|place| !self.cell.services[place].is_down)
            }
            Strikes::Request => self.struck_link(fault).is_some(),
            Strikes::Links => match fault.instance() {
                None => true,
                Some(_) => instance.is_some_and(|one| !matches!(one.life, Life::Gone(_))),
            },
        }
    }

    /// Returns the error with which a fault in force has an instance's call on a shared file fail.
    pub(super) fn refusal(&mut self, id: InstanceId, call: &FileCall) -> Option<i32> {
        let mut active = self.active.iter_mut();
        active.find_map(|active| {
            let is_meant = active.fault.instance() == Some(id);
            let errno = active
                .kind
                .refuses(&active.fault, call)
                .filter(|_| is_meant)?;
            active.effect.add(1);
            Some(errno)
        })
    }

    /// Returns the place of the service that the fault strikes.
    fn service_of(&self, fault: &Fault) -> Option<usize> {
        let Who::Service(name) = &fault.who else {
            return None;
        };
        let mut services = self.cell.services.iter();
        services.position(|service| service.name == *name)
    }

    /// Injects a fault.
    pub(super) async fn inject(&mut self, fault: &Fault) -> Result<(), LabError> {
        let kind = fault::find(&fault.kind)
            .ok_or_else(|| harness(format!("no fault of kind {}", fault.kind)))?;
        // One that was spent, and strikes again, is counted anew.
        let former = self.active.iter().position(|active| active.fault == *fault);
        if let Some(place) = former {
            self.end_fault(place).await?;
        }
        self.active.push(Active {
            fault: fault.clone(),
            kind,
            since: Instant::now(),
            effect: Effect::default(),
            events: self.log.len(),
        });
        kind.inject(fault, &mut Nemesis { dispatcher: self })
            .await?;
        self.log.write(Event::Injected(fault.clone()));
        // Its time runs from here: a slow machine takes a while to have it in force.
        let mut own = self.active.iter_mut().rev();
        if let Some(active) = own.find(|active| active.fault == *fault) {
            active.since = Instant::now();
        }
        Ok(())
    }

    /// Returns the place of the link whose request the fault strikes: the oldest one held.
    fn struck_link(&self, fault: &Fault) -> Option<usize> {
        let links = self.links.iter().enumerate();
        let held = links.filter_map(|(place, link)| {
            let (request, _) = link.held.as_ref()?;
            let is_it = !link.is_file()
                && fault.instance() == Some(link.id.instance)
                && fault.is_between(link.id.instance, &link.id.service);
            is_it.then_some((request.id, place))
        });
        held.min().map(|(_, place)| place)
    }

    /// Lets go on what a healed fault kept from services and instances.
    ///
    /// A reply that was kept from its instance counts, as whole replies wait here, not in a pump.
    async fn let_go(&mut self, effect: &Effect) -> Result<(), LabError> {
        let rules = self.rules.get();
        for place in 0..self.links.len() {
            let link = &mut self.links[place];
            if link.is_file() {
                continue;
            }
            let (to, from) = stops(&rules, link);
            if !to {
                link.flights
                    .iter_mut()
                    .for_each(|one| one.is_stopped = false);
            }
            let ready = |one: &Flight| one.is_answered && one.deliver;
            let ready = link.flights.iter().find(|one| ready(one) && !from);
            let ready = ready.map(|one| one.request.id);
            self.instances[link.id.instance.index()].stir();
            if let Some(request) = ready {
                effect.add(1);
                self.deliver(request).await?;
            }
        }
        Ok(())
    }

    /// Heals a fault once it has lasted as long as it names.
    pub(super) async fn heal(&mut self, fault: &Fault) -> Result<(), LabError> {
        let found = self.active.iter().position(|active| active.fault == *fault);
        let Some(place) = found else { return Ok(()) };
        if let Some(lasts) = self.active[place].kind.lasts(fault) {
            let due = self.active[place].since + lasts;
            tokio::time::sleep_until(due.into()).await;
        }
        self.end_fault(place).await
    }

    /// Heals every fault in force, the last one first; none is given the time it asks for.
    pub(super) async fn heal_all(&mut self) -> Result<(), LabError> {
        while let Some(last) = self.active.len().checked_sub(1) {
            self.end_fault(last).await?;
        }
        Ok(())
    }

    /// Takes a fault back and logs what it struck.
    async fn end_fault(&mut self, place: usize) -> Result<(), LabError> {
        let (kind, fault) = (self.active[place].kind, self.active[place].fault.clone());
        let healed = kind.heal(&fault, &mut Nemesis { dispatcher: self }).await;
        self.active.remove(place);
        let effect = healed?;
        self.log.write(Event::Healed { fault, effect });
        Ok(())
    }

    /// Returns whether nothing that was injected is in force.
    pub(crate) fn is_healed(&self) -> bool {
        let is_paused = |life| matches!(life, Life::Paused);
        let is_up = !self.cell.services.iter().any(|running| running.is_down);
        let is_free = self.active.is_empty() && self.rules.get().is_empty() && self.cell.is_open();
        let is_free = is_free && is_up;
        is_free && !self.instances.iter().any(|one| is_paused(one.life))
    }
}

impl Nemesis<'_, '_> {
    /// Returns the instance that the fault names.
    fn instance(fault: &Fault) -> Result<InstanceId, LabError> {
        let named = fault.instance();
        named.ok_or_else(|| harness(format!("fault {fault} names no instance")))
    }

    fn active(&self, fault: &Fault) -> Option<&Active> {
        let mut active = self.dispatcher.active.iter();
        active.find(|active| active.fault == *fault)
    }

    /// Sends a signal to the fault's instance.
    pub(crate) async fn signal(
        &mut self,
        fault: &Fault,
        scope: Scope,
        signal: i32,
    ) -> Result<(), LabError> {
        let id = Self::instance(fault)?;
        if scope == Scope::Tree && signal == super::SIGKILL {
            return self.dispatcher.kill(id).await;
        }
        let start = self.dispatcher.instances[id.index()].start;
        let disguise = self.dispatcher.setup.disguise;
        let seat = self.dispatcher.cell.seat(id, disguise).await?;
        if let Some(start) = start {
            let sent = seat.sandbox.signal(start, scope, signal).await;
            sent.map_err(|error| sandbox_failed(&format!("send signal {signal} to {id}"), error))?;
        }
        self.dispatcher.instances[id.index()].rouse();
        Ok(())
    }

    /// Returns whether the fault's instance ended since by this signal, or with the exit code that
    /// stands for it.
    pub(crate) fn ended_by(&self, fault: &Fault, signal: i32) -> bool {
        let since = self.active(fault).map_or(0, |active| active.events);
        let ends = [Exit::Signal(signal), Exit::Code(128 + signal)];
        let mut later = self.dispatcher.log.since(since).iter();
        later.any(|stamped| {
            matches!(&stamped.event, Event::Exited { instance, exit }
                if Some(*instance) == fault.instance() && ends.contains(exit))
        })
    }

    /// Stops the fault's instance.
    pub(crate) async fn pause(&mut self, fault: &Fault) -> Result<(), LabError> {
        self.dispatcher.pause(Self::instance(fault)?).await
    }

    /// Lets the fault's instance go on, if it still stands.
    pub(crate) async fn resume(&mut self, fault: &Fault) -> Result<(), LabError> {
        let id = Self::instance(fault)?;
        if self.dispatcher.instances[id.index()].life == Life::Paused {
            self.dispatcher.resume(id).await?;
        }
        Ok(())
    }

    /// Ends a lease in the fault's service. Who polls for it is let go on.
    pub(crate) async fn expire(
        &mut self,
        fault: &Fault,
        lease: &str,
        waits: bool,
    ) -> Result<(), LabError> {
        let place = self.dispatcher.service_of(fault);
        let place = place.ok_or_else(|| harness(format!("fault {fault} names no service")))?;
        let running = &mut self.dispatcher.cell.services[place];
        if running.is_down {
            return Ok(());
        }
        let service = &mut running.service;
        let effect = if waits {
            let lasted = service.outlive(lease, LEASE_WAIT_MAX).await;
            let lasted = lasted.map_err(service_failed)?;
            lasted.map_or(0, |lasted| {
                u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX)
            })
        } else {
            u64::from(service.expire(lease).await.map_err(service_failed)?)
        };
        if let Some(active) = self.active(fault) {
            active.effect.add(effect);
        }
        self.dispatcher.wake_pollers(None);
        self.dispatcher.free();
        Ok(())
    }

    /// Returns since when the fault is in force.
    fn since(&self, fault: &Fault) -> Instant {
        self.active(fault)
            .map_or_else(Instant::now, |active| active.since)
    }

    /// Returns what the fault struck at once.
    pub(crate) fn struck(&self, fault: &Fault) -> u64 {
        self.active(fault).map_or(0, |active| active.effect.get())
    }

    /// Returns how many steps were taken since the fault was injected, its own not counted.
    pub(crate) fn steps_since(&self, fault: &Fault) -> u64 {
        let taken = self.active(fault).map_or(0, |active| active.events);
        let later = self.dispatcher.log.since(taken).iter();
        let steps = later.filter(|stamped| match &stamped.event {
            Event::Taken(Step::Heal(healed)) => healed != fault,
            Event::Taken(_) => true,
            _ => false,
        });
        steps.count() as u64
    }
}

/// Returns whether faults stop what the instance sends on the link, and what it is sent.
pub(super) fn stops(rules: &Rules, link: &Link) -> (bool, bool) {
    // Calls on files go through no pump.
    if link.is_file() {
        return (false, false);
    }
    let stops = |side| {
        let mut rules = rules.iter();
        rules.any(|rule| rule.stops_from(side) && rule.is_about(&link.id))
    };
    (stops(Side::Instance), stops(Side::Service))
}
