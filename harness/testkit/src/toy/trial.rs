//! One trial of the toy lab.

mod faults;

use super::program::Op;
use super::stamped;
use super::store::{Answer, Store};
use std::collections::BTreeMap;
use twiceproof_explore::lab::Assignment;
use twiceproof_explore::lease::end_of;
use twiceproof_explore::script::Script;
use twiceproof_explore::{Fate, Scheduler, Starts};
use twiceproof_model::event::Part;
use twiceproof_model::record::Drive;
use twiceproof_model::{
    Enabled, Event, Exit, Fault, InstanceId, LinkId, Reply, Request, RequestId, ServiceName,
    Signature, Step, Trace,
};

/// Equal requests with equal answers after which a job counts as polling.
const POLLS_MAX: u32 = 3;
/// Steps of one trial, at most.
const STEPS_MAX: u32 = 100_000;
/// The signal of a kill.
const SIGKILL: i32 = 9;

#[derive(Clone, Debug, PartialEq)]
enum At {
    New,
    Held(Request),
    /// The reply waits to be delivered.
    Answered(Request, Answer),
    /// The request waits in a partition.
    Sent(Request),
    /// The reply waits in a partition.
    Returned(Request, Answer),
    /// The request waits inside the service.
    Blocked(Request, InstanceId),
    Gone(Exit),
}

#[derive(Debug)]
struct Job {
    at: At,
    counter: usize,
    read: i64,
    requests: u32,
    texts: BTreeMap<(&'static str, String), u32>,
    polls: u32,
    /// The store's version at which it began to poll in vain.
    polling: Option<u64>,
    paused: bool,
    /// Whether what it sends is held in a partition, and whether what it is told is.
    held_to: bool,
    held_from: bool,
}

pub(super) struct Trial {
    program: &'static [Op],
    pub(super) store: Store,
    pub(super) trace: Trace,
    jobs: BTreeMap<InstanceId, Job>,
    ended: BTreeMap<InstanceId, Exit>,
    drive: Drive,
    starts: Starts,
    menu: Vec<Fault>,
    leases: Vec<(ServiceName, String)>,
    active: Vec<Fault>,
    /// Of the assignment: no two trials of a campaign have one.
    number: u32,
}

impl Trial {
    pub(super) fn new(program: &'static [Op], assignment: &Assignment) -> Self {
        let mut trial = Self {
            program,
            store: Store::seeded(assignment.disguise).told(&assignment.starts),
            trace: Trace::new(),
            jobs: BTreeMap::new(),
            ended: BTreeMap::new(),
            drive: assignment.drive,
            starts: assignment.starts.clone(),
            menu: assignment.menu.clone(),
            leases: assignment.leases.clone(),
            active: Vec::new(),
            number: assignment.trial,
        };
        trial.fill(InstanceId::first(assignment.instances));
        trial
    }

    fn fill(&mut self, instances: impl Iterator<Item = InstanceId>) {
        for instance in instances {
            let job = Job {
                at: At::New,
                counter: 0,
                read: 0,
                requests: 0,
                texts: BTreeMap::new(),
                polls: 0,
                polling: None,
                paused: false,
                held_to: false,
                held_from: false,
            };
            self.jobs.insert(instance, job);
        }
    }

    pub(super) fn exits(&self) -> BTreeMap<InstanceId, Exit> {
        self.ended.clone()
    }

    pub(super) fn main_part(&mut self, scheduler: &mut dyn Scheduler) {
        self.log(Event::Begun(Part::Main));
        match self.drive {
            Drive::Steps => self.steps(scheduler),
            Drive::Free | Drive::Pump => {
                let mut fair = InTurn { last: 0 };
                self.steps(&mut fair);
            }
        }
    }

    /// Makes the starts of a calm pass, one after the other, and returns how they ended.
    pub(super) fn calm_pass(&mut self, before: usize) -> Vec<Exit> {
        let calm = self.starts.calm(&self.ended).into_iter().zip(before + 1..);
        calm.map(|(id, number)| self.calm_run(id, u8::try_from(number).unwrap_or(u8::MAX)))
            .collect()
    }

    /// Runs the job once more, alone, and returns how it ended.
    fn calm_run(&mut self, id: InstanceId, number: u8) -> Exit {
        self.log(Event::Begun(Part::Recovery(number)));
        for (service, key) in self.leases.clone() {
            if self.store.end_lease(false).is_some() {
                let fault = end_of(&service, &key);
                self.log(Event::Injected(fault.clone()));
                self.log(Event::Healed { fault, effect: 1 });
            }
        }
        let ended = std::mem::take(&mut self.ended);
        self.jobs.clear();
        self.fill([id].into_iter());
        let starts = std::mem::replace(&mut self.starts, Starts::freely(id.number()));
        self.steps(&mut Script::in_order());
        self.starts = starts;
        let exits = std::mem::replace(&mut self.ended, ended);
        exits.into_values().next().unwrap_or(Exit::Signal(SIGKILL))
    }

    fn log(&mut self, event: Event) {
        let is_wire = !matches!(
            event,
            Event::Begun(_) | Event::Started(_) | Event::Exited { .. } | Event::TimedOut(_)
        );
        let is_hidden = match self.drive {
            Drive::Steps => false,
            Drive::Free => matches!(&event, Event::Taken(step) if !matches!(step, Step::Start(_))),
            Drive::Pump => is_wire,
        };
        if !is_hidden {
            self.trace.push(stamped(self.trace.len(), event));
        }
    }

    fn steps(&mut self, scheduler: &mut dyn Scheduler) {
        for _ in 0..STEPS_MAX {
            let enabled = self.enabled();
            let ordinary = |enabled: &Enabled| !enabled.step.is_fault();
            let heals = |enabled: &Enabled| enabled.step.heals();
            let is_gone = |job: &Job| matches!(job.at, At::Gone(_));
            let is_over = self.jobs.values().all(is_gone);
            if is_over || !enabled.iter().any(|one| ordinary(one) || heals(one)) {
                break;
            }
            let Some(place) = scheduler.choose(&enabled) else {
                break;
            };
            let step = enabled[place].step.clone();
            self.log(Event::Taken(step.clone()));
            self.take(&step);
        }
        for fault in std::mem::take(&mut self.active) {
            self.heal(&fault);
        }
        self.end_hung();
    }

    /// Whoever is left waits for ever, so its time runs out.
    fn end_hung(&mut self) {
        let left = self
            .jobs
            .iter()
            .filter(|(_, job)| !matches!(job.at, At::Gone(_) | At::New));
        let left: Vec<InstanceId> = left.map(|(instance, _)| *instance).collect();
        for instance in left {
            self.log(Event::TimedOut(instance));
            self.exit(instance, Exit::Signal(SIGKILL));
        }
    }

    fn enabled(&self) -> Vec<Enabled> {
        let mut enabled = Vec::new();
        let mut offer = |step: Step, request: Option<&Request>| {
            enabled.push(Enabled {
                step,
                request: request.cloned(),
            });
        };
        for (instance, job) in self.jobs.iter().filter(|(_, job)| !job.paused) {
            let polls = job
                .polling
                .is_some_and(|version| version == self.store.version);
            match &job.at {
                At::New if self.may_start(*instance) => offer(Step::Start(*instance), None),
                At::Held(request) if !polls => {
                    offer(Step::Release(request.id), Some(request));
                    offer(Step::Forward(request.id), Some(request));
                }
                At::Answered(request, _) => {
                    offer(Step::Deliver(request.id), Some(request));
                    offer(Step::DropReply(request.id), Some(request));
                }
                _ => {}
            }
        }
        for (instance, job) in &self.jobs {
            if matches!(job.at, At::New | At::Gone(_)) {
                continue;
            }
            offer(Step::Kill(*instance), None);
            if job.paused {
                offer(Step::Resume(*instance), None);
            } else {
                offer(Step::Pause(*instance), None);
            }
        }
        for fault in &self.menu {
            if self.active.contains(fault) {
                offer(Step::Heal(fault.clone()), None);
            } else if self.can_inject(fault) {
                offer(Step::Inject(fault.clone()), None);
            }
        }
        enabled
    }

    fn may_start(&self, id: InstanceId) -> bool {
        let fate = |job: &Job| match job.at {
            At::New => Fate::Waiting,
            At::Gone(exit) => Fate::Ended(exit),
            _ => Fate::Running(None),
        };
        let mut fates = vec![Fate::Waiting; id.index()];
        for (instance, job) in &self.jobs {
            if fates.len() <= instance.index() {
                fates.resize(instance.index() + 1, Fate::Waiting);
            }
            fates[instance.index()] = fate(job);
        }
        self.starts.may(id, &fates)
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Inject(fault) => return self.inject(fault),
            Step::Heal(fault) => return self.heal(fault),
            _ => {}
        }
        let Some(who) = step.instance() else {
            return;
        };
        match step {
            Step::Start(_) => {
                self.log(Event::Started(who));
                self.ask(who);
            }
            Step::Release(_) => {
                self.forward(who);
                if matches!(self.job(who).at, At::Answered(..)) {
                    self.deliver(who);
                }
            }
            Step::Forward(_) => self.forward(who),
            Step::Deliver(_) => self.deliver(who),
            Step::DropReply(request) => {
                self.log(Event::ReplyDropped(*request));
                self.exit(who, Exit::Code(1));
            }
            Step::Wake(_) => {}
            Step::Kill(_) => self.exit(who, Exit::Signal(SIGKILL)),
            Step::Pause(_) => {
                self.job(who).paused = true;
                self.log(Event::Paused(who));
            }
            Step::Resume(_) => {
                self.job(who).paused = false;
                self.log(Event::Resumed(who));
            }
            Step::Inject(_) | Step::Heal(_) => {}
        }
        self.wake_waiters();
    }

    fn job(&mut self, who: InstanceId) -> &mut Job {
        self.jobs
            .get_mut(&who)
            .expect("steps are about jobs of the trial")
    }

    /// Lets the job send its next request, or end.
    fn ask(&mut self, who: InstanceId) {
        let (program, number) = (self.program, self.number);
        let job = self.job(who);
        let Some(op) = program.get(job.counter) else {
            return self.exit(who, Exit::Code(0));
        };
        let (service, text) = op.request();
        let text = match op {
            Op::Wander => format!("{text} -- {number}"),
            _ => text.to_owned(),
        };
        job.requests += 1;
        let nth = job.texts.entry((service, text.clone())).or_default();
        *nth += 1;
        let request = Request {
            id: RequestId {
                instance: who,
                ordinal: job.requests,
            },
            link: LinkId {
                instance: who,
                service: service.into(),
                ordinal: 1,
            },
            signature: Signature {
                service: service.into(),
                text,
                nth: *nth,
            },
        };
        job.at = At::Held(request.clone());
        self.log(Event::Held(request));
    }

    fn forward(&mut self, who: InstanceId) {
        let program = self.program;
        let job = self.job(who);
        let At::Held(request) = job.at.clone() else {
            return;
        };
        if job.held_to {
            job.at = At::Sent(request);
            return;
        }
        let (op, read) = (program[job.counter], job.read);
        self.log(Event::Forwarded(request.id));
        let (answer, reply) = self.store.answer(who, op, read);
        match answer {
            Answer::Wait(owner) => {
                self.job(who).at = At::Blocked(request, owner);
                let by = vec![owner];
                self.log(Event::Blocked { instance: who, by });
            }
            answer => self.answered(who, request, answer, reply),
        }
    }

    fn answered(&mut self, who: InstanceId, request: Request, answer: Answer, reply: Reply) {
        let id = request.id;
        self.job(who).at = At::Answered(request, answer);
        self.log(Event::Answered { request: id, reply });
    }

    fn deliver(&mut self, who: InstanceId) {
        let version = self.store.version;
        let job = self.job(who);
        let At::Answered(request, answer) = job.at.clone() else {
            return;
        };
        if job.held_from {
            job.at = At::Returned(request, answer);
            return;
        }
        match answer {
            Answer::Again => job.polls += 1,
            _ => job.polls = 0,
        }
        job.polling = (job.polls >= POLLS_MAX).then_some(version);
        match answer {
            Answer::Value(value) => {
                job.read = value;
                job.counter += 1;
            }
            Answer::Next => job.counter += 1,
            Answer::Again | Answer::Leave | Answer::Wait(_) => {}
        }
        let polls = job.polling.is_some();
        self.log(Event::Delivered(request.id));
        if answer == Answer::Leave {
            return self.leave(who);
        }
        self.ask(who);
        if polls {
            self.log(Event::Polling(who));
        }
    }

    /// Ends the job; one that finds the work done gives its lock back first.
    fn leave(&mut self, who: InstanceId) {
        let program = self.program;
        let job = self.job(who);
        let is_free = |op: &Op| matches!(op, Op::FreeFlag | Op::UnlockSession);
        let left = program[job.counter..].iter().position(is_free);
        match left.filter(|_| program[job.counter] == Op::SkipIfDone) {
            Some(ahead) => {
                job.counter += ahead;
                self.ask(who);
            }
            None => self.exit(who, Exit::Code(0)),
        }
    }

    fn exit(&mut self, who: InstanceId, exit: Exit) {
        self.store.end_session(who);
        self.job(who).at = At::Gone(exit);
        self.ended.insert(who, exit);
        self.log(Event::Exited {
            instance: who,
            exit,
        });
        self.wake_waiters();
    }

    /// Gives a lock that became free to the lowest waiter, within the step that freed it.
    fn wake_waiters(&mut self) {
        let instances: Vec<InstanceId> = self.jobs.keys().copied().collect();
        for who in instances {
            let At::Blocked(request, _) = self.job(who).at.clone() else {
                continue;
            };
            let (op, read) = (self.program[self.jobs[&who].counter], self.jobs[&who].read);
            let (answer, reply) = self.store.answer(who, op, read);
            if !matches!(answer, Answer::Wait(_)) {
                self.log(Event::Unblocked(who));
                self.answered(who, request, answer, reply);
                self.deliver(who);
            }
        }
    }
}

/// Lets the instances go on in turn, as a machine would.
struct InTurn {
    last: u8,
}

impl Scheduler for InTurn {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let own = enabled
            .iter()
            .enumerate()
            .filter(|(_, enabled)| twiceproof_explore::steps::is_ordinary(&enabled.step));
        let last = self.last;
        let (place, next) = own.min_by_key(|(_, enabled)| {
            let number = enabled.step.instance().map_or(0, InstanceId::number);
            (number <= last, number)
        })?;
        self.last = next.step.instance().map_or(0, InstanceId::number);
        Some(place)
    }
}
