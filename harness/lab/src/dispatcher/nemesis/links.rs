//! What the nemesis does to links.

use super::{Active, Nemesis};
use crate::fail::harness;
use crate::fault::direction_of;
use crate::tap::rules::{Effect, Rule};
use std::sync::Arc;
use std::time::Instant;
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

    fn effect(&self, fault: &Fault) -> Effect {
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
        let count = self.dispatcher.setup.instances;
        for id in InstanceId::first(count) {
            let services: Vec<usize> = (self.dispatcher.cell.services.iter().enumerate())
                .filter(|(_, running)| fault.is_between(id, &running.name))
                .map(|(place, _)| place)
                .collect();
            let disguise = self.dispatcher.setup.disguise;
            let seat = self.dispatcher.cell.seat(id, disguise).await?;
            seat.refuse(&services, refuses)
                .map_err(|error| harness(format!("cannot refuse connections of {id}: {error}")))?;
        }
        Ok(())
    }
}

/// Lets every pump turn.
async fn turn() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Turns of the runtime after which every pump has read the table of rules.
const TURNS: u32 = 3;
