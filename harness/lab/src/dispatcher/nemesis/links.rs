//! What the nemesis does to links.

use super::{Active, Nemesis};
use crate::cell::Seat;
use crate::dispatcher::Dispatcher;
use crate::dispatcher::world::{Flight, Link};
use crate::fail::{harness, service_failed};
use crate::fault::direction_of;
use crate::tap::rules::{Effect, Rule};
use crate::tap::tcp::{Duplicate, ForgedError, Permit};
use std::sync::Arc;
use std::time::{Duration, Instant};
use twiceproof_explore::LabError;
use twiceproof_model::{Fault, InstanceId, LinkId};

impl Nemesis<'_, '_> {
    /// Shapes the links of the fault, those that come later too. `stops`: nothing passes before it
    /// is healed.
    pub(crate) fn shape(&mut self, fault: &Fault, stops: bool) {
        self.rule(fault, Vec::new(), stops);
    }

    /// Shapes the link of the request at which the fault's instance stands. `at_once`: that ends
    /// the link.
    pub(crate) fn strike_request(&mut self, fault: &Fault, at_once: bool) {
        if let Some(place) = self.dispatcher.struck_link(fault) {
            let link = &mut self.dispatcher.links[place];
            let id = link.id.clone();
            if at_once {
                link.held = None;
                link.closing_since.get_or_insert_with(Instant::now);
                self.dispatcher.instances[id.instance.index()].stir();
            }
            self.rule(fault, vec![id], false);
        }
    }

    /// Has the tap answer the request at which the fault's instance stands with an error. It counts
    /// as it is delivered.
    pub(crate) fn forge(&mut self, fault: &Fault, error: &str) {
        let effect = self.effect(fault);
        let Some(place) = self.dispatcher.struck_link(fault) else {
            return;
        };
        let error = error.into();
        self.send_held(place, Permit::Forge(ForgedError { error, effect }));
    }

    /// Has the tap give the request at which the fault's instance stands to its service twice. It
    /// counts as the second reply is read.
    pub(crate) async fn duplicate(&mut self, fault: &Fault) -> Result<(), LabError> {
        let effect = self.effect(fault);
        let Some(place) = self.dispatcher.struck_link(fault) else {
            return Ok(());
        };
        let service = self.dispatcher.links[place].service;
        let dialed = self.dispatcher.cell.services[service].service.dial().await;
        let service = dialed.map_err(service_failed)?;
        self.send_held(place, Permit::Duplicate(Duplicate { service, effect }));
        Ok(())
    }

    /// Lets the tap of this link do something else with the held request than forward it.
    fn send_held(&mut self, place: usize, permit: Permit) {
        let link = &mut self.dispatcher.links[place];
        let Some((request, bytes_hash)) = link.held.take() else {
            return;
        };
        link.permit(permit);
        let instance = request.id.instance;
        link.flights.push(Flight::new(request, bytes_hash, true));
        self.dispatcher.instances[instance.index()].stir();
    }

    /// Kills the fault's instance, of which its services do not hear. Each link on which they wait
    /// for it from now on counts.
    pub(crate) async fn crash(&mut self, fault: &Fault) -> Result<(), LabError> {
        let id = Self::instance(fault)?;
        let effect = self.effect(fault);
        for link in self.dispatcher.links_open(id) {
            link.held = None;
            link.permit(Permit::Strand);
            effect.add(1);
        }
        // The taps are deaf before the ends of the connections come.
        turn().await;
        self.dispatcher.kill_tree(id).await
    }

    /// Lets the services of the fault's instance hear that it is gone.
    pub(crate) fn notice(&mut self, fault: &Fault) -> Result<(), LabError> {
        let id = Self::instance(fault)?;
        for link in self.dispatcher.links_open(id) {
            link.abandon();
        }
        self.dispatcher.instances[id.index()].stir();
        Ok(())
    }

    /// Ends the services' sides of the fault's links, of which the instances hear nothing. Each
    /// counts.
    pub(crate) async fn half_open(&mut self, fault: &Fault) -> Result<(), LabError> {
        let effect = self.effect(fault);
        for place in 0..self.dispatcher.links.len() {
            let link = &mut self.dispatcher.links[place];
            let is_struck = fault.is_between(link.id.instance, &link.id.service);
            if !is_struck || link.is_left() {
                continue;
            }
            effect.add(1);
            link.held = None;
            link.asked_since = None;
            link.is_half_open = true;
            link.permit(Permit::Detach);
            let instance = link.id.instance;
            self.dispatcher.answer_unknown(place);
            self.dispatcher.instances[instance.index()].stir();
        }
        self.await_deserted(|link| link.is_half_open).await?;
        self.dispatcher.free();
        Ok(())
    }

    /// Lets the instances of links that are half open hear of it: they are reset.
    pub(crate) fn close_half_open(&mut self, fault: &Fault) {
        for link in &mut self.dispatcher.links {
            let is_struck = fault.is_between(link.id.instance, &link.id.service);
            if is_struck && std::mem::take(&mut link.is_half_open) && !link.is_gone {
                link.closing_since.get_or_insert_with(Instant::now);
                link.permit(Permit::Drop);
                self.dispatcher.instances[link.id.instance.index()].stir();
            }
        }
    }

    /// Waits until the services of these links have left them, for a while at most.
    pub(super) async fn await_deserted(
        &mut self,
        is_meant: impl Fn(&Link) -> bool,
    ) -> Result<(), LabError> {
        let since = Instant::now();
        let stands = |link: &Link| is_meant(link) && !link.is_left();
        while self.dispatcher.links.iter().any(stands) && since.elapsed() < DESERTED_MAX {
            self.dispatcher.hear(TICK).await?;
        }
        Ok(())
    }

    /// Forgets the requests that are held on the links of the fault, as these end now.
    pub(crate) fn forget_held(&mut self, fault: &Fault) {
        for link in &mut self.dispatcher.links {
            if link.is_gone
                || link.is_file()
                || !fault.is_between(link.id.instance, &link.id.service)
            {
                continue;
            }
            link.held = None;
            link.closing_since.get_or_insert_with(Instant::now);
            self.dispatcher.instances[link.id.instance.index()].stir();
        }
    }

    fn rule(&mut self, fault: &Fault, only: Vec<LinkId>, stops: bool) {
        let effect = self.effect(fault);
        let shaped = fault.clone();
        self.dispatcher.rules.add(Arc::new(Rule {
            fault: fault.clone(),
            only,
            from: direction_of(fault),
            stops,
            seed: self.dispatcher.setup.seed,
            make: Box::new(move |lane| {
                let kind = crate::fault::find(&shaped.kind)?;
                kind.shape(&shaped, effect.clone(), lane)
            }),
        }));
    }

    pub(super) fn effect(&self, fault: &Fault) -> Effect {
        let active: Option<&Active> = self.active(fault);
        active
            .map(|active| active.effect.clone())
            .unwrap_or_default()
    }

    /// Takes the rules of the fault back, and returns what they struck.
    pub(crate) async fn lift(&mut self, fault: &Fault) -> Result<u64, LabError> {
        // What was permitted before reaches the pumps while the rule is in force, and they count
        // and write as they next turn: before the next step.
        turn().await;
        self.dispatcher.rules.remove(fault);
        turn().await;
        let effect = self.effect(fault);
        self.dispatcher.let_go(&effect).await?;
        Ok(effect.get())
    }

    /// Refuses connections of the fault's instances to its services, from now on.
    pub(crate) async fn refuse(&mut self, fault: &Fault, refuses: bool) -> Result<(), LabError> {
        let tried = "refuse connections";
        self.at_doors(fault, tried, |seat, services| {
            seat.refuse(services, refuses)
        })
        .await
    }

    /// Does something at the doors between the fault's instances and services.
    pub(super) async fn at_doors(
        &mut self,
        fault: &Fault,
        tried: &str,
        act: impl Fn(&Seat, &[usize]) -> std::io::Result<()>,
    ) -> Result<(), LabError> {
        let count = self.dispatcher.setup.instances;
        for id in InstanceId::first(count) {
            let services: Vec<usize> = (self.dispatcher.cell.services.iter().enumerate())
                .filter(|(_, running)| fault.is_between(id, &running.name))
                .map(|(place, _)| place)
                .collect();
            let disguise = self.dispatcher.setup.disguise;
            let seat = self.dispatcher.cell.seat(id, disguise).await?;
            let done = act(seat, &services);
            done.map_err(|error| harness(format!("cannot {tried} of {id}: {error}")))?;
        }
        Ok(())
    }
}

impl Dispatcher<'_> {
    /// Returns the connections of an instance that stand.
    fn links_open(&mut self, id: InstanceId) -> impl Iterator<Item = &mut Link> {
        let links = self.links.iter_mut();
        links.filter(move |link| link.id.instance == id && !link.is_gone && !link.is_file())
    }
}

/// Lets every pump turn.
pub(super) async fn turn() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Longest wait until services have left links.
const DESERTED_MAX: Duration = Duration::from_secs(2);
/// How long the dispatcher waits for a sign of that before it looks again.
const TICK: Duration = Duration::from_millis(1);

/// Turns of the runtime after which every pump has read the table of rules.
const TURNS: u32 = 3;
