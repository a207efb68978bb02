//! The toy lab: runs toy jobs over a toy store, in memory, offering the same steps as the real one.

mod program;
mod store;
mod trial;

pub use program::Op;

use std::collections::BTreeSet;
use store::Store;
use trial::Trial;
use twiceproof_explore::lab::{Assignment, Lab, LabError};
use twiceproof_explore::{Blame, schedule_of};
use twiceproof_model::event::fingerprint;
use twiceproof_model::record::{Output, Timings};
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Answer, Doubt, Event, Exit, Snapshot, Stamped, TrialRecord};

/// Calm runs after a trial, at most.
const CALM_RUNS_MAX: u8 = 2;

/// A lab in memory.
pub struct ToyLab {
    program: &'static [Op],
    /// Objects whose rows were handed out, by hash: a lab hands out rows once.
    known: BTreeSet<(ObjectName, String)>,
    /// Trials after which it reports that somebody interrupted it.
    interrupt_after: Option<u32>,
    ran: u32,
    backwards: bool,
    questions: Vec<(&'static str, Question)>,
}

/// What answers a query of a check.
pub type Question = fn(&Snapshot) -> Answer;

impl ToyLab {
    /// Returns a lab that runs this job.
    pub fn new(program: &'static [Op]) -> Self {
        Self {
            program,
            known: BTreeSet::new(),
            interrupt_after: None,
            ran: 0,
            backwards: false,
            questions: Vec::new(),
        }
    }

    /// Makes it answer the query of the check of this name.
    pub fn answering(mut self, check: &'static str, answer: Question) -> Self {
        self.questions.push((check, answer));
        self
    }

    /// Makes it report an interrupt after so many trials.
    pub fn interrupted_after(mut self, trials: u32) -> Self {
        self.interrupt_after = Some(trials);
        self
    }

    /// Makes it run the last trial of each batch first, as cells side by side may.
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// Runs one trial.
    pub fn run_one(&mut self, assignment: Assignment) -> TrialRecord {
        let mut trial = Trial::new(self.program, &assignment);
        let mut scheduler = assignment.scheduler;
        trial.main_part(scheduler.as_mut());
        let mut doubts: Vec<Doubt> = (trial.struck_nothing())
            .map(|fault| Doubt::FaultWithoutEffect(fault.to_string()))
            .collect();
        doubts.extend(
            scheduler
                .missed()
                .into_iter()
                .map(Doubt::FaultWithoutEffect),
        );
        let exits = trial.exits();
        let mut recoveries = Vec::new();
        let mut before_recovery = None;
        let mut after_first_recovery = None;
        let owes_calm = |clean: Exit| exits.values().any(|exit| *exit != clean);
        if assignment.clean_exit.is_some_and(owes_calm) {
            before_recovery = Some(trial.store.capture());
            for number in 1..=CALM_RUNS_MAX {
                let exits = trial.calm_pass(recoveries.len());
                recoveries.extend(exits);
                let state = trial.store.capture();
                if (assignment.accepts)(&state) {
                    break;
                }
                if number < CALM_RUNS_MAX {
                    after_first_recovery = Some(state);
                }
            }
        }
        let state = trial.store.capture();
        let questions = self.questions.iter();
        let answers = questions.map(|(check, answer)| ((*check).to_owned(), answer(&state)));
        let answers = answers.collect();
        let outputs = exits.keys().map(|instance| (*instance, Output::default()));
        let fingerprint = fingerprint(&trial.trace);
        let mut record = TrialRecord {
            trial: assignment.trial,
            stage: assignment.stage.to_owned(),
            seed: assignment.seed,
            instances: assignment.instances,
            drive: assignment.drive,
            schedule: schedule_of(&trial.trace, assignment.seed).to_string(),
            fingerprint,
            outputs: outputs.collect(),
            exits,
            recoveries,
            before_recovery,
            after_first_recovery,
            snapshot: state,
            divergence: scheduler.divergence(),
            doubts,
            answers,
            changes: Vec::new(),
            timings: Timings::default(),
            trace: trial.trace,
        };
        self.drop_known(&mut record);
        record
    }

    fn drop_known(&mut self, record: &mut TrialRecord) {
        let states = [
            record.before_recovery.as_mut(),
            record.after_first_recovery.as_mut(),
            Some(&mut record.snapshot),
        ];
        for state in states.into_iter().flatten() {
            for (name, object) in &mut state.objects {
                if !self.known.insert((name.clone(), object.hash.clone())) {
                    object.content = None;
                }
            }
        }
    }
}

impl Lab for ToyLab {
    fn run_batch(&mut self, batch: Vec<Assignment>) -> Vec<Result<TrialRecord, LabError>> {
        let mut records = Vec::new();
        let mut batch = batch;
        if self.backwards {
            batch.reverse();
        }
        for assignment in batch {
            self.ran += 1;
            let is_over = self.interrupt_after.is_some_and(|bound| self.ran > bound);
            records.push(if is_over {
                Err(LabError {
                    blame: Blame::Interrupted,
                    message: "somebody stopped the toy lab".to_owned(),
                    hint: String::new(),
                })
            } else {
                // The baseline keeps its rows, so they always come with it.
                if assignment.stage == "baseline" {
                    self.known.clear();
                }
                Ok(self.run_one(assignment))
            });
        }
        if self.backwards {
            records.reverse();
        }
        records
    }

    fn seed_state(&mut self) -> Result<Snapshot, LabError> {
        Ok(Store::seeded(0).capture())
    }
}

/// Returns an event with a time that no verdict depends on.
fn stamped(events: usize, event: Event) -> Stamped {
    Stamped {
        at_us: u64::try_from(events).unwrap_or(u64::MAX),
        event,
    }
}
