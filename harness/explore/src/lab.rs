//! The seam between the search and what runs trials.

use crate::trigger::Starts;
use std::sync::Arc;
use twiceproof_model::record::Drive;
use twiceproof_model::{Divergence, Enabled, Exit, Fault, ServiceName, Snapshot, TrialRecord};

/// Picks the steps of one trial.
pub trait Scheduler: Send {
    /// Returns the place of one of the enabled steps, or `None` to end the steps here.
    ///
    /// `enabled` is never empty and stands in the order that [`Enabled`] describes.
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize>;

    /// Returns where the trial left the schedule that this follows, once the trial is over.
    fn divergence(&self) -> Option<Divergence> {
        None
    }

    /// Returns the faults that this was to inject and did not, as texts, once the trial is over:
    /// each of them is a doubt.
    fn missed(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Decides whether a state needs no further calm run.
pub type Accepts = Arc<dyn Fn(&Snapshot) -> bool + Send + Sync>;

/// One trial to run.
pub struct Assignment {
    /// Its number, from 1.
    pub trial: u32,
    /// The stage that asks for it.
    pub stage: &'static str,
    /// Seed of its choices, for the record.
    pub seed: u64,
    /// How many instances take part, at most: see `starts`.
    pub instances: u8,
    /// Which starts may come when, and what each is told.
    pub starts: Starts,
    /// Whether its steps are held, traced or merely pumped.
    pub drive: Drive,
    /// Other process ids and another host name than usual: 0 is usual. Clean runs differ in it to
    /// learn what is volatile.
    pub disguise: u8,
    /// Faults that the scheduler may inject, beside those that every trial offers.
    pub menu: Vec<Fault>,
    /// How a clean run ends; a calm run follows if any instance ends otherwise. `None`: no calm run
    /// follows.
    pub clean_exit: Option<Exit>,
    /// Leases that end before a calm run, where they are still there: whoever had them is gone.
    pub leases: Vec<(ServiceName, String)>,
    /// Whether the state after the first calm run needs no second one.
    pub accepts: Accepts,
    /// Picks its steps; unused unless driven by steps.
    pub scheduler: Box<dyn Scheduler>,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The machine: a service, an image, the backend, the disk.
    Environment,
    /// What the user wrote: a command that is not found, seed SQL that fails.
    Input,
    /// A signal ended the work.
    Interrupted,
    /// Twiceproof itself.
    Harness,
}

/// Why a trial could not be run at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LabError {
    /// Whose fault it is.
    pub blame: Blame,
    /// A lowercase fragment: what was tried and what came of it.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
}

/// Runs trials. The real lab and the toy lab of the test kit implement it.
pub trait Lab {
    /// Runs the trials, side by side where it can, and returns their records in the order given.
    ///
    /// Each trial begins with a fresh state, and ends healed, recovered, captured and stored. After
    /// an error the trials behind it may not have run; they return errors too.
    fn run_batch(&mut self, batch: Vec<Assignment>) -> Vec<Result<TrialRecord, LabError>>;

    /// Captures the state that every trial begins with.
    fn seed_state(&mut self) -> Result<Snapshot, LabError>;
}
