//! From a strategy's work to a trial's assignment.

use super::run::Campaign;
use crate::faults::FAULTS;
use crate::lab::Assignment;
use crate::placed::{self, Placed};
use crate::serial::SERIAL;
use crate::strategy::Work;
use crate::trigger::Starts;
use std::sync::Arc;
use twiceproof_model::record::Drive;

impl Campaign<'_, '_> {
    pub(super) fn assignment(&self, stage: &'static str, work: Work) -> Assignment {
        let accepting = Arc::clone(&self.baseline);
        let work = match stage {
            // Serial outcomes are accepted later, so nothing may strike them; the other stage
            // places the faults itself.
            _ if stage == SERIAL.kind.name || stage == FAULTS.kind.name => work,
            _ => self.with_faults(work),
        };
        Assignment {
            trial: self.trials,
            stage,
            seed: work.seed,
            instances: work.instances,
            starts: self.starts(stage, work.instances),
            drive: work.drive,
            disguise: 0,
            menu: work.menu,
            clean_exit: work.recovers.then_some(self.baseline.exit),
            leases: self.baseline.lease_keys(),
            accepts: Arc::new(move |snapshot| accepting.accepts(snapshot, work.instances)),
            scheduler: work.scheduler,
        }
    }

    /// Returns the starts of a trial. Those of the serial stage are no trial of the trigger: they
    /// show what runs in any order leave.
    fn starts(&self, stage: &str, count: u8) -> Starts {
        let starts = self.spec.starts(count, self.baseline.exit);
        if stage == SERIAL.kind.name {
            starts.in_any_order()
        } else {
            starts
        }
    }

    /// Injects the scenario's faults into a trial that is about something else: where their moments
    /// do not come, it goes without them.
    fn with_faults(&self, mut work: Work) -> Work {
        let menu = placed::menu(&self.spec.faults);
        let any = self.spec.faults.iter().any(|spec| spec.at.is_some());
        if any && work.drive == Drive::Steps {
            work.menu.extend(menu);
            work.scheduler = Box::new(Placed::new(&self.spec.faults, work.scheduler, false));
        }
        work
    }
}
