//! Calm runs after the main part, once its processes and their leases are gone.

use super::Dispatcher;
use super::world::Instance;
use crate::fail::service_failed;
use twiceproof_explore::{LabError, lease};
use twiceproof_model::event::Part;
use twiceproof_model::record::Drive;
use twiceproof_model::{Event, InstanceId, ServiceName};

impl Dispatcher<'_> {
    /// Runs the job calmly: once, or once more for each start that failed. Every process and link
    /// of the former part is gone.
    pub(crate) async fn recover(
        &mut self,
        leases: &[(ServiceName, String)],
    ) -> Result<(), LabError> {
        for id in self.setup.starts.calm(&self.exits) {
            self.run_calmly(id, leases).await?;
        }
        Ok(())
    }

    /// Ends the leases that are still there. Whoever had them is gone, so this is what time does.
    async fn end_leases(&mut self, leases: &[(ServiceName, String)]) -> Result<(), LabError> {
        for (name, key) in leases {
            let mut services = self.cell.services.iter_mut();
            let Some(service) = services.find(|service| service.name == *name) else {
                continue;
            };
            let ended = service.service.expire(key).await;
            if ended.map_err(service_failed)? {
                let fault = lease::end_of(name, key);
                self.log.write(Event::Injected(fault.clone()));
                self.log.write(Event::Healed { fault, effect: 1 });
            }
        }
        Ok(())
    }

    /// Makes one start more, alone.
    async fn run_calmly(
        &mut self,
        id: InstanceId,
        leases: &[(ServiceName, String)],
    ) -> Result<(), LabError> {
        let number = u8::try_from(self.recoveries.len() + 1).unwrap_or(u8::MAX);
        self.log.write(Event::Begun(Part::Recovery(number)));
        self.end_leases(leases).await?;
        self.cell.begin_epoch();
        self.setup.drive = if self.setup.drive == Drive::Pump {
            Drive::Pump
        } else {
            Drive::Free
        };
        self.links.clear();
        self.instances = InstanceId::first(self.setup.instances)
            .map(Instance::new)
            .collect();
        self.start(id).await?;
        self.await_ends().await?;
        let exit = self.close_part().await?;
        self.recoveries.extend(exit.into_values());
        Ok(())
    }
}
