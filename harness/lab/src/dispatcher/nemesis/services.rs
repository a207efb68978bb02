//! What the nemesis does to services as a whole.

use super::Nemesis;
use crate::fail::{harness, service_failed};
use crate::service::Halt;
use crate::tap::tcp::Permit;
use std::time::Instant;
use twiceproof_explore::LabError;
use twiceproof_model::Fault;

impl Nemesis<'_, '_> {
    /// Stops the fault's service and refuses connections to it. Each of its links ends, and counts.
    pub(crate) async fn halt(&mut self, fault: &Fault, halt: Halt) -> Result<(), LabError> {
        let place = self.place(fault)?;
        self.refuse(fault, true).await?;
        let effect = self.effect(fault);
        let running = &mut self.dispatcher.cell.services[place];
        let is_halted = running.service.halt(halt).await.map_err(service_failed)?;
        running.is_down = is_halted;
        if !is_halted {
            return self.refuse(fault, false).await;
        }
        let links = self.dispatcher.links.iter();
        let cut = links.filter(|link| link.service == place && !link.is_left());
        effect.add(cut.count() as u64);
        self.await_deserted(|link| link.service == place).await?;
        // Whoever waited for the server has seen the end of the link.
        for link in &mut self.dispatcher.links {
            if link.service == place && link.held.take().is_some() {
                link.permit(Permit::Desert);
                link.closing_since.get_or_insert_with(Instant::now);
                self.dispatcher.instances[link.id.instance.index()].stir();
            }
        }
        self.dispatcher.free();
        Ok(())
    }

    /// Starts the fault's service again, and lets connections through once it is usable. Returns
    /// how many links ended.
    pub(crate) async fn start_again(&mut self, fault: &Fault) -> Result<u64, LabError> {
        let place = self.place(fault)?;
        let running = &mut self.dispatcher.cell.services[place];
        if running.is_down {
            running
                .service
                .start_again()
                .await
                .map_err(service_failed)?;
            running.is_down = false;
            self.refuse(fault, false).await?;
            self.dispatcher.wake_pollers(None);
            self.dispatcher.free();
        }
        Ok(self.struck(fault))
    }

    fn place(&self, fault: &Fault) -> Result<usize, LabError> {
        let place = self.dispatcher.service_of(fault);
        place.ok_or_else(|| harness(format!("fault {fault} names no service")))
    }
}
