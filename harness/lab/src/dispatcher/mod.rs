//! The dispatcher: owns one trial, logs before it acts, and is the only one that changes the world.

mod calls;
mod cycles;
mod enabled;
pub mod log;
pub(crate) mod nemesis;
mod output;
mod polling;
mod quiesce;
mod recovery;
mod signals;
mod world;

pub(crate) use calls::Looks;
pub use log::Observer;

use crate::cell::Cell;
use crate::fail::{harness, sandbox_failed};
use crate::sandbox::{Scope, StartSpec};
use crate::tap::rules::RuleTable;
use crate::tap::tcp::{Mode, Permit};
use log::Log;
use nemesis::stops;
use output::OutputReader;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use twiceproof_explore::{Fate, LabError, Scheduler, Starts};
use twiceproof_model::event::Part;
use twiceproof_model::fault::{PAUSE, Who};
use twiceproof_model::record::{Doubt, Drive, Output};
use twiceproof_model::{Event, Exit, Fault, InstanceId, RequestId, Step, Trace};
use twiceproof_shim::Verdict;
use world::{Flight, Instance, Life, Link};

/// Most steps of one trial.
pub const STEPS_MAX: u32 = 50_000;
/// SIGKILL.
const SIGKILL: i32 = 9;

/// Tells whether the work was interrupted from outside.
pub type Interrupted = Arc<dyn Fn() -> bool + Send + Sync>;

/// How a dispatcher is set up.
pub(crate) struct Setup {
    pub(crate) instances: u8,
    pub(crate) starts: Starts,
    pub(crate) drive: Drive,
    pub(crate) disguise: u8,
    /// Faults that the scheduler may inject.
    pub(crate) menu: Vec<Fault>,
    /// Seed of the trial, for the dice of faults.
    pub(crate) seed: u64,
    pub(crate) observer: Option<Observer>,
    pub(crate) interrupted: Interrupted,
}

/// What a finished trial leaves, beside the state of the services.
pub(crate) struct Finished {
    pub(crate) trace: Trace,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) exits: BTreeMap<InstanceId, Exit>,
    pub(crate) outputs: BTreeMap<InstanceId, Output>,
    pub(crate) recoveries: Vec<Exit>,
    pub(crate) quiesce_us: u64,
    pub(crate) blocked_us: u64,
    /// Whether every instance was seen with one thread and one link at most.
    pub(crate) is_simple: bool,
    /// Paths that were looked at before they were changed, as far as that was asked.
    pub(crate) looks: Looks,
}

/// Drives one trial.
pub(crate) struct Dispatcher<'a> {
    cell: &'a mut Cell,
    setup: Setup,
    log: Log,
    instances: Vec<Instance>,
    links: Vec<Link>,
    /// The faults in force, in order of their injection.
    active: Vec<nemesis::Active>,
    /// What they do to links.
    rules: RuleTable,
    /// Something happened that can have freed a lock in a service.
    freed: bool,
    /// Whether a cycle of waits was told since the last step.
    told_cycle: bool,
    outputs: BTreeMap<InstanceId, Output>,
    exits: BTreeMap<InstanceId, Exit>,
    recoveries: Vec<Exit>,
    quiesce_us: u64,
    blocked_us: u64,
    is_simple: bool,
    files: calls::Files,
}

impl<'a> Dispatcher<'a> {
    pub(crate) fn new(cell: &'a mut Cell, setup: Setup) -> Self {
        cell.begin_epoch();
        let mut log = Log::new(setup.observer.clone());
        log.write(Event::Begun(Part::Main));
        let instances = InstanceId::first(setup.instances)
            .map(Instance::new)
            .collect();
        Self {
            cell,
            setup,
            log,
            instances,
            links: Vec::new(),
            active: Vec::new(),
            rules: RuleTable::default(),
            freed: false,
            told_cycle: false,
            outputs: BTreeMap::new(),
            exits: BTreeMap::new(),
            recoveries: Vec::new(),
            quiesce_us: 0,
            blocked_us: 0,
            is_simple: true,
            files: calls::Files::default(),
        }
    }

    /// Runs the main part of the trial: the one loop in which the world is changed.
    pub(crate) async fn run(&mut self, scheduler: &mut dyn Scheduler) -> Result<(), LabError> {
        if self.setup.drive != Drive::Steps {
            return self.run_freely().await;
        }
        for _ in 0..STEPS_MAX {
            let enabled = self.quiesce().await?;
            if enabled.is_empty() {
                return self.end_part().await;
            }
            let Some(index) = scheduler.choose(&enabled) else {
                return self.run_out().await;
            };
            let Some(chosen) = enabled.get(index) else {
                return Err(harness(format!(
                    "a scheduler chose step {index} of {}",
                    enabled.len()
                )));
            };
            self.take(&chosen.step).await?;
            if self.log.is_full() {
                break;
            }
        }
        self.log
            .doubt(Doubt::Bound(format!("more than {STEPS_MAX} steps")));
        self.kill_all().await?;
        self.end_part().await
    }

    /// Lets all instances run to their ends, lowest first: the scheduler has no more wishes.
    async fn run_out(&mut self) -> Result<(), LabError> {
        for _ in 0..STEPS_MAX {
            let enabled = self.quiesce().await?;
            let next = enabled
                .iter()
                .find(|offer| !offer.step.is_fault())
                .or_else(|| enabled.iter().find(|offer| offer.step.heals()));
            let Some(next) = next else {
                return self.end_part().await;
            };
            let step = next.step.clone();
            self.take(&step).await?;
        }
        self.log
            .doubt(Doubt::Bound(format!("more than {STEPS_MAX} steps")));
        self.kill_all().await?;
        self.end_part().await
    }

    /// Starts each instance as soon as its trigger would, and waits for their ends.
    async fn run_freely(&mut self) -> Result<(), LabError> {
        loop {
            for id in InstanceId::first(self.setup.instances) {
                if self.may_start(id) {
                    self.log.write(Event::Taken(Step::Start(id)));
                    self.start(id).await?;
                }
            }
            if self.await_ends_or_starts().await? {
                return self.end_part().await;
            }
        }
    }

    /// Returns whether this start may come now.
    pub(super) fn may_start(&self, id: InstanceId) -> bool {
        let by_clock = self.setup.drive != Drive::Steps;
        let fates: Vec<Fate> = (self.instances.iter())
            .map(|instance| instance.fate(by_clock))
            .collect();
        self.setup.starts.may(id, &fates)
    }

    /// Ends the main part: whatever was injected is healed first.
    async fn end_part(&mut self) -> Result<(), LabError> {
        self.heal_all().await?;
        self.exits = self.close_part().await?;
        Ok(())
    }

    /// Closes all links, waits for the last output, and returns how the instances ended.
    async fn close_part(&mut self) -> Result<BTreeMap<InstanceId, Exit>, LabError> {
        self.close_links().await?;
        let mut exits = BTreeMap::new();
        for instance in &mut self.instances {
            if let Life::Gone(exit) = instance.life {
                exits.insert(instance.id, exit);
            }
            self.is_simple &= instance.tasks_most <= 1 && instance.links_opened <= 1;
            if let Some(output) = instance.output.take() {
                let output = output.finish().await;
                self.outputs.entry(instance.id).or_insert(output);
            }
        }
        Ok(exits)
    }

    /// Returns whether any instance of the main part ended otherwise than this.
    pub(crate) fn ended_otherwise(&self, clean: Exit) -> bool {
        self.exits.values().any(|exit| *exit != clean)
    }

    pub(crate) fn cell(&mut self) -> &mut Cell {
        self.cell
    }

    pub(crate) fn finish(self) -> Finished {
        assert!(
            self.is_healed(),
            "what was injected is healed before the end of a part"
        );
        let (trace, doubts) = self.log.into_parts();
        Finished {
            trace,
            doubts,
            exits: self.exits,
            outputs: self.outputs,
            recoveries: self.recoveries,
            quiesce_us: self.quiesce_us,
            blocked_us: self.blocked_us,
            is_simple: self.is_simple,
            looks: self.files.into_needed(),
        }
    }

    /// Takes one step: logs it, then changes the world. The only place that does.
    async fn take(&mut self, step: &Step) -> Result<(), LabError> {
        self.log.write(Event::Taken(step.clone()));
        self.told_cycle = false;
        // Whatever is done next may close a file, and so free a lock, without a word.
        self.files.is_stale = self.has_waiting_calls();
        match step {
            Step::Start(id) => self.start(*id).await?,
            Step::Release(id) => self.forward(*id, true).await?,
            Step::Forward(id) => self.forward(*id, false).await?,
            Step::Deliver(id) => self.deliver(*id).await?,
            Step::DropReply(id) => self.drop_reply(*id),
            Step::Wake(id) => {
                let instance = &mut self.instances[id.index()];
                instance.rouse();
                instance.wakeful = true;
            }
            Step::Kill(id) => self.kill(*id).await?,
            Step::Pause(id) => self.pause(*id).await?,
            Step::Resume(id) => {
                if !self.log.has_steps_since_pause(*id) {
                    let pause = Fault::new(PAUSE, Who::Instance(*id));
                    self.log.doubt_effect(&pause);
                }
                self.resume(*id).await?;
            }
            Step::Inject(fault) => self.inject(fault).await?,
            Step::Heal(fault) => self.heal(fault).await?,
        }
        Ok(())
    }

    async fn start(&mut self, id: InstanceId) -> Result<(), LabError> {
        let (output, write) = OutputReader::open()
            .map_err(|error| harness(format!("cannot open a pipe for {id}: {error}")))?;
        let placeholders = self.setup.starts.placeholders(id);
        let target = &self.cell.plan.scenario.target;
        let words = target.command.iter().chain(&target.args);
        let spec = StartSpec {
            argv: words.map(|word| placeholders.fill(word)).collect(),
            env: placeholders.fill_all(&target.env),
            workdir: self.cell.plan.workdir(),
            stdin: None,
            output: write,
            tapped: self.tapped(),
        };
        let name = target.name.clone();
        let disguise = self.setup.disguise;
        let seat = self.cell.seat(id, disguise).await?;
        let start = seat.sandbox.start(spec).await;
        let start = start.map_err(|error| sandbox_failed(&format!("target {name}"), error))?;
        let instance = &mut self.instances[id.index()];
        instance.life = Life::Running;
        instance.start = Some(start);
        instance.started = Some(Instant::now());
        instance.output = Some(output);
        instance.stir();
        self.log.write(Event::Started(id));
        Ok(())
    }

    async fn forward(&mut self, id: RequestId, deliver: bool) -> Result<(), LabError> {
        let found = self.links.iter_mut().find(|link| {
            link.held
                .as_ref()
                .is_some_and(|(request, _)| request.id == id)
        });
        let Some(link) = found else { return Ok(()) };
        let Some((request, bytes_hash)) = link.held.take() else {
            return Ok(());
        };
        let is_stopped = stops(&self.rules.get(), link).0;
        self.log.write(Event::Forwarded(id));
        link.permit(if deliver {
            Permit::Release
        } else {
            Permit::Forward
        });
        link.flights.push(Flight {
            is_stopped,
            ..Flight::new(request, bytes_hash, deliver)
        });
        self.instances[id.instance.index()].stir();
        self.make(
            id,
            if deliver {
                Verdict::Make
            } else {
                Verdict::MakeAndHold
            },
        )
        .await
    }

    /// Takes a request out of the flights of its link, and returns the link.
    fn land(links: &mut [Link], id: RequestId) -> Option<&mut Link> {
        links.iter_mut().find_map(|link| {
            let mut flights = link.flights.iter();
            let place = flights.position(|flight| flight.request.id == id)?;
            link.flights.remove(place);
            Some(link)
        })
    }

    async fn deliver(&mut self, id: RequestId) -> Result<(), LabError> {
        let Some(link) = Self::land(&mut self.links, id) else {
            return Ok(());
        };
        self.log.write(Event::Delivered(id));
        link.permit(Permit::Deliver);
        let current = link.current.take();
        self.instances[id.instance.index()].stir();
        match current {
            Some(current) => {
                self.answer(id.instance, current.call.call, Verdict::Finish)
                    .await
            }
            None => Ok(()),
        }
    }

    fn drop_reply(&mut self, id: RequestId) {
        let Some(link) = Self::land(&mut self.links, id) else {
            return;
        };
        link.closing_since.get_or_insert_with(Instant::now);
        self.log.write(Event::ReplyDropped(id));
        link.permit(Permit::Drop);
        self.instances[id.instance.index()].stir();
    }

    async fn kill(&mut self, id: InstanceId) -> Result<(), LabError> {
        self.kill_tree(id).await?;
        // The dead send nothing more: what was held is forgotten, and the service learns of the
        // end.
        for link in self.links.iter_mut().filter(|link| link.id.instance == id) {
            link.abandon();
        }
        Ok(())
    }

    /// Kills every process of an instance; its links stand as they are.
    async fn kill_tree(&mut self, id: InstanceId) -> Result<(), LabError> {
        let instance = &mut self.instances[id.index()];
        instance.is_killed = true;
        let start = instance.start;
        let seat = self.cell.seat(id, self.setup.disguise).await?;
        if let Some(start) = start {
            let killed = seat.sandbox.signal(start, Scope::Tree, SIGKILL).await;
            killed.map_err(|error| sandbox_failed(&format!("kill {id}"), error))?;
        }
        self.end_calls(id);
        let instance = &mut self.instances[id.index()];
        if instance.life == Life::Paused {
            instance.life = Life::Running;
        }
        instance.rouse();
        Ok(())
    }

    async fn kill_all(&mut self) -> Result<(), LabError> {
        let alive: Vec<InstanceId> = self
            .instances
            .iter()
            .filter(|instance| instance.is_alive())
            .map(|instance| instance.id)
            .collect();
        for id in alive {
            self.kill(id).await?;
        }
        self.await_ends().await
    }

    async fn pause(&mut self, id: InstanceId) -> Result<(), LabError> {
        let seat = self.cell.seat(id, self.setup.disguise).await?;
        let paused = seat.sandbox.pause().await;
        paused.map_err(|error| sandbox_failed(&format!("pause {id}"), error))?;
        let instance = &mut self.instances[id.index()];
        instance.life = Life::Paused;
        instance.stop_clock();
        self.log.write(Event::Paused(id));
        Ok(())
    }

    async fn resume(&mut self, id: InstanceId) -> Result<(), LabError> {
        let seat = self.cell.seat(id, self.setup.disguise).await?;
        let resumed = seat.sandbox.resume().await;
        resumed.map_err(|error| sandbox_failed(&format!("resume {id}"), error))?;
        let instance = &mut self.instances[id.index()];
        instance.life = Life::Running;
        instance.rouse();
        self.log.write(Event::Resumed(id));
        Ok(())
    }

    /// Returns how the taps of this trial treat requests.
    fn mode(&self) -> Mode {
        match self.setup.drive {
            Drive::Steps => Mode::Gate,
            Drive::Free => Mode::Trace,
            Drive::Pump => Mode::Pump,
        }
    }

    /// Returns how long the target may run in all.
    fn timeout(&self) -> Duration {
        self.cell.plan.scenario.target.timeout
    }
}
