//! Links on which no packet gets through.

use super::Nemesis;
use super::links::turn;
use crate::dispatcher::world::Link;
use crate::sockdiag::{self, Queues};
use crate::tap::tcp::Permit;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use twiceproof_explore::LabError;
use twiceproof_model::Fault;

/// Longest wait, beyond the length of the silence, until an instance's kernel has sent again what
/// was lost: it doubles its pauses.
const AGAIN_MAX: Duration = Duration::from_secs(2);
/// How long the dispatcher waits for a sign of that before it looks again.
const TICK: Duration = Duration::from_millis(5);

impl Nemesis<'_, '_> {
    /// Drops the packets of the fault's instances to its services, on links that there are and at
    /// the doors.
    pub(crate) async fn silence(&mut self, fault: &Fault) -> Result<(), LabError> {
        for link in self.struck_links(fault) {
            link.permit(Permit::Deafen(true));
        }
        let tried = "leave unanswered the connects";
        self.at_doors(fault, tried, |seat, services| seat.deafen(services, true))
            .await
    }

    /// Lets packets through, and waits until what was lost has come again. What an instance had
    /// sent in vain counts, and each link that it gave up meanwhile.
    pub(crate) async fn hear_again(&mut self, fault: &Fault) -> Result<(), LabError> {
        let effect = self.effect(fault);
        for queues in self.sent_in_vain(fault) {
            effect.add(queues.map_or(1, |queues| u64::from(queues.unsent)));
        }
        for link in self.struck_links(fault) {
            link.permit(Permit::Deafen(false));
        }
        turn().await;
        let tried = "answer the connects";
        self.at_doors(fault, tried, |seat, services| seat.deafen(services, false))
            .await?;
        let bound = self.since(fault).elapsed() + AGAIN_MAX;
        let healed = Instant::now();
        let waits = |queues: &Option<Queues>| queues.is_some_and(|queues| queues.unsent > 0);
        while self.sent_in_vain(fault).iter().any(waits) && healed.elapsed() < bound {
            self.dispatcher.hear(TICK).await?;
        }
        Ok(())
    }

    /// Returns the queues of the instances' ends of the fault's links; none of one that is gone.
    fn sent_in_vain(&mut self, fault: &Fault) -> Vec<Option<Queues>> {
        let disguise = self.dispatcher.setup.disguise;
        let links = self.dispatcher.links.iter();
        let struck = links.filter(|link| is_struck(fault, link));
        let ends = struck.filter_map(|link| Some((link.id.instance, link.addresses?)));
        let ends: Vec<_> = ends.collect();
        let cell = &self.dispatcher.cell;
        let queues = ends.into_iter().filter_map(|(instance, (own, peer))| {
            let diag = cell.diag(instance, disguise)?;
            match sockdiag::queues(diag, own, peer) {
                Ok(queues) => Some(Some(queues)),
                Err(error) if error.kind() == ErrorKind::NotFound => Some(None),
                Err(_) => None,
            }
        });
        queues.collect()
    }

    fn struck_links(&mut self, fault: &Fault) -> impl Iterator<Item = &mut Link> {
        let links = self.dispatcher.links.iter_mut();
        links.filter(|link| is_struck(fault, link))
    }
}

fn is_struck(fault: &Fault, link: &Link) -> bool {
    let is_between = fault.is_between(link.id.instance, &link.id.service);
    is_between && !link.is_gone && !link.is_file()
}
