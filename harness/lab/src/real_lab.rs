//! The lab: cells on threads of their own, and the batch of trials that they share.

use crate::cell::Cell;
use crate::dispatcher::{Interrupted, Observer};
use crate::fail::{harness, interrupted};
use crate::plan::Plan;
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use twiceproof_explore::{Assignment, Lab, LabError};
use twiceproof_model::{Snapshot, TrialRecord};

/// Is told each event of each trial, by the trial's number, before what it announces is done.
pub type TrialObserver = Arc<dyn Fn(u32, &twiceproof_model::Stamped) + Send + Sync>;

/// Is given each record as soon as the trial is over, before it is judged.
pub type Keep = Arc<dyn Fn(&TrialRecord) -> Result<(), LabError> + Send + Sync>;

/// How a lab is set up.
#[derive(Clone)]
pub struct LabOptions {
    /// How many trials run side by side.
    pub cells: u32,
    /// Stores records.
    pub keep: Keep,
    /// Is told events.
    pub observer: Option<TrialObserver>,
    /// Returns whether the work was interrupted from outside; trials not begun then end in an
    /// error.
    pub interrupted: Interrupted,
}

/// Runs trials for real.
pub struct RealLab {
    plan: Arc<Plan>,
    options: LabOptions,
    workers: Vec<Worker>,
}

/// What a cell's thread is asked to do.
enum Task {
    /// Run one trial of the shared batch after the other.
    Trials(Arc<Mutex<VecDeque<(usize, Assignment)>>>, Sender<Done>),
    /// Capture the state that every trial begins with.
    Seed(Sender<Result<Snapshot, LabError>>),
}

/// One trial of a batch, by its place there.
type Done = (usize, Result<TrialRecord, LabError>);

struct Worker {
    tasks: Sender<Task>,
    thread: Option<JoinHandle<()>>,
}

impl RealLab {
    /// Returns a lab; cells start when they are first needed.
    pub fn new(plan: Plan, options: LabOptions) -> Self {
        Self {
            plan: Arc::new(plan),
            options,
            workers: Vec::new(),
        }
    }

    /// Returns what the lab is built from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Starts threads until there are so many.
    fn provide(&mut self, count: usize) -> Result<(), LabError> {
        while self.workers.len() < count {
            let (tasks, receiver) = channel();
            let (plan, options) = (Arc::clone(&self.plan), self.options.clone());
            let number = u32::try_from(self.workers.len() + 1).unwrap_or(u32::MAX);
            let thread = std::thread::Builder::new()
                .name(format!("cell-{number}"))
                .spawn(move || work(&plan, &options, number, &receiver))
                .map_err(|error| harness(format!("cannot start a thread: {error}")))?;
            self.workers.push(Worker {
                tasks,
                thread: Some(thread),
            });
        }
        Ok(())
    }
}

impl Drop for RealLab {
    fn drop(&mut self) {
        for worker in self.workers.drain(..) {
            drop(worker.tasks);
            if let Some(thread) = worker.thread {
                // A thread that panicked has told so already.
                let _ = thread.join();
            }
        }
    }
}

impl Lab for RealLab {
    fn run_batch(&mut self, batch: Vec<Assignment>) -> Vec<Result<TrialRecord, LabError>> {
        let size = batch.len();
        let cells = usize::try_from(self.options.cells)
            .unwrap_or(1)
            .clamp(1, size.max(1));
        if let Err(error) = self.provide(cells) {
            return vec![Err(error); size];
        }
        let queue: VecDeque<_> = batch.into_iter().enumerate().collect();
        let queue = Arc::new(Mutex::new(queue));
        let (sender, done) = channel();
        for worker in &self.workers[..cells] {
            // A thread that is gone leaves its share to the others, or to the error below.
            let _ = worker
                .tasks
                .send(Task::Trials(Arc::clone(&queue), sender.clone()));
        }
        drop(sender);
        let mut records: BTreeMap<usize, _> = done.into_iter().collect();
        let lost = || {
            Err(harness(
                "a cell's thread ended in the middle of a batch".to_owned(),
            ))
        };
        (0..size)
            .map(|place| records.remove(&place).unwrap_or_else(lost))
            .collect()
    }

    fn seed_state(&mut self) -> Result<Snapshot, LabError> {
        self.provide(1)?;
        let (sender, receiver) = channel();
        let lost = || harness("a cell's thread ended".to_owned());
        self.workers[0]
            .tasks
            .send(Task::Seed(sender))
            .map_err(|_| lost())?;
        receiver.recv().map_err(|_| lost())?
    }
}

/// Does what a cell's thread is asked to, until nobody asks any more.
fn work(plan: &Arc<Plan>, options: &LabOptions, number: u32, tasks: &Receiver<Task>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return;
    };
    let local = tokio::task::LocalSet::new();
    let mut cell = None;
    for task in tasks {
        match task {
            Task::Seed(sender) => {
                let seeded = local.block_on(&runtime, async {
                    open(&mut cell, plan, number).await?.seed_state().await
                });
                // Who asked is gone only if the whole lab is.
                let _ = sender.send(seeded);
            }
            Task::Trials(queue, done) => loop {
                let next = queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                let Some((place, assignment)) = next else {
                    break;
                };
                let result = local.block_on(&runtime, async {
                    run(&mut cell, plan, options, number, assignment).await
                });
                if result.is_err() {
                    // What the cell is worth after an error is not known: the next trial gets a new
                    // one.
                    local.block_on(&runtime, async { cell = None });
                }
                if done.send((place, result)).is_err() {
                    break;
                }
            },
        }
    }
    local.block_on(&runtime, async { drop(cell) });
}

async fn open<'a>(
    cell: &'a mut Option<Cell>,
    plan: &Arc<Plan>,
    number: u32,
) -> Result<&'a mut Cell, LabError> {
    if cell.is_none() {
        *cell = Some(Cell::open(Arc::clone(plan), number).await?);
    }
    Ok(cell.as_mut().expect("it was opened above"))
}

async fn run(
    cell: &mut Option<Cell>,
    plan: &Arc<Plan>,
    options: &LabOptions,
    number: u32,
    assignment: Assignment,
) -> Result<TrialRecord, LabError> {
    if (options.interrupted)() {
        return Err(interrupted());
    }
    let cell = open(cell, plan, number).await?;
    let trial = assignment.trial;
    let observer: Option<Observer> = options.observer.clone().map(|observer| {
        let observe: Observer = Arc::new(move |stamped| observer(trial, stamped));
        observe
    });
    let record = cell
        .run(assignment, observer, Arc::clone(&options.interrupted))
        .await?;
    (options.keep)(&record)?;
    Ok(record)
}
