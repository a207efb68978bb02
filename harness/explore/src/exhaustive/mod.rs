//! Stage `exhaustive`: every order of what the runs share, up to a number of preemptions; then
//! orders beyond it, up to a number of trials.
//!
//! A preemption takes the turn from a run that could go on. Orders that differ only in what does
//! not depend on its order are one class, of which one trial is made: `events` names the events
//! of all trials by what comes before them, and `search` visits each class of the first events
//! once. What depends on what, the footprints of the executed requests tell, all in all:
//! `docs/decisions/exhaustive.md`. Now and then the guard in `twins` runs an order that was left
//! out, to see that it ends like its twin.

mod events;
mod knowledge;
mod run;
mod search;
mod seen;
mod twins;

use crate::campaign::Interleavings;
use crate::registry::Stage;
use crate::strategy::{Plan, Point, Strategy, Work};
use events::{Config, EventId, Events};
use knowledge::Knowledge;
use run::Run;
use search::{Prefix, Search, Shown};
use seen::{Guided, Key, Log};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;
use twiceproof_model::{Snapshot, TrialRecord, Verdict};
use twiceproof_oracle::{Baseline, same_state};

/// The stage.
pub const EXHAUSTIVE: Stage = Stage {
    kind: Kind {
        name: "exhaustive",
        doc: "Every order of what the runs share, with few preemptions; then orders with more of them.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 3,
    make: |plan| Box::new(Exhaustive::new(plan)),
};

/// Trials up to the bound, at most.
const TRIALS_MAX: u32 = 2000;
/// Most instances of which a pass owes every order up to the bound.
const INSTANCES_OWED_MAX: u8 = 3;
/// Steps of a trial that are compared with those of others, at most: with more, nothing is owed.
const STEPS_MAX: usize = 1000;
/// Of so many orders that are left out, the guard runs one.
const GUARD_EVERY: u64 = 50;
/// To so many other trials, the guard runs at most one.
const GUARD_SHARE: u64 = 10;

/// A trial that was handed out and not learnt from.
struct Asked {
    log: Log,
    /// Whose twin it is, and by which requests.
    twin: Option<(usize, String)>,
}

/// A trial that was learnt from.
struct Tried {
    run: Run,
    order: Vec<EventId>,
    config: Config,
    /// How it ended, where that counts.
    state: Option<Snapshot>,
}

struct Exhaustive {
    plan: Plan,
    knowledge: Knowledge,
    private: Arc<BTreeSet<Arc<Key>>>,
    events: Events,
    search: Search,
    /// The bound of the search that goes on; `None`: any number of preemptions.
    bound: Option<u32>,
    asked: VecDeque<Asked>,
    tried: Vec<Tried>,
    /// The first trial of each class.
    classes: BTreeMap<Config, usize>,
    /// Whether an instance had several requests held at once.
    is_parallel: bool,
    /// Requests on what is shared, in the trial with the most of them.
    operations: u32,
    handed_out: u32,
    /// Trials handed out when the search went beyond the bound.
    at_bound: Option<u32>,
    /// The most preemptions up to which all classes ran, and how many there are; `None`: any
    /// number.
    reached: Option<(Option<u32>, usize)>,
    pruned: u64,
    twins: u64,
    /// Trials learnt from when a twin was looked for last.
    twin_sought: usize,
    doubts: Vec<String>,
    /// Why the search was given up: then a pass owes nothing of it.
    gave_up: Option<String>,
    is_over: bool,
}

impl Exhaustive {
    fn new(plan: &Plan) -> Self {
        let knowledge = Knowledge::new(&plan.services, &plan.requests, plan.starts_freely);
        let events = Events::new(plan.instances);
        let steps = plan.requests.len() * usize::from(plan.instances);
        let too_long = format!("a trial of about {steps} steps is too long to compare");
        let gave_up = Some(too_long).filter(|_| steps > STEPS_MAX);
        Self {
            private: Arc::new(knowledge.private()),
            knowledge,
            search: Search::new(Some(0), &events),
            events,
            bound: Some(0),
            asked: VecDeque::new(),
            tried: Vec::new(),
            classes: BTreeMap::new(),
            is_parallel: false,
            operations: 0,
            handed_out: 0,
            at_bound: None,
            reached: None,
            pruned: 0,
            twins: 0,
            twin_sought: 0,
            doubts: Vec::new(),
            is_over: plan.instances < 2 || gave_up.is_some(),
            gave_up,
            plan: plan.clone(),
        }
    }

    /// Returns whether all that a pass owes ran.
    fn is_paid(&self) -> bool {
        let bound = Some(self.plan.preemptions);
        let enough = |(reached, _): (Option<u32>, usize)| reached.is_none() || reached >= bound;
        self.plan.instances < 2 || self.reached.is_some_and(enough)
    }

    /// Returns whether no further trial may be handed out.
    fn is_spent(&self) -> bool {
        let beyond_max = self.plan.samples / 2;
        match self.at_bound {
            Some(before) => self.handed_out - before >= beyond_max,
            None if self.is_owed() => self.handed_out >= TRIALS_MAX,
            None => self.handed_out >= beyond_max,
        }
    }

    /// Goes on to the next bound, where all classes up to this one ran.
    fn go_beyond(&mut self) {
        if self.search.has_gaps() || self.search.is_full() {
            self.is_over = true;
            return;
        }
        let classes = self.search.ends.len();
        if !self.search.exceeds {
            self.reached = Some((None, classes));
            self.is_over = true;
            return;
        }
        self.reached = Some((self.bound, classes));
        let next = self.bound.filter(|bound| *bound < self.plan.preemptions);
        self.bound = next.map(|bound| bound + 1);
        if self.bound.is_none() {
            self.at_bound = Some(self.handed_out);
        }
        self.begin();
    }

    /// Begins the search up to the present bound.
    fn begin(&mut self) {
        self.pruned += self.search.pruned;
        self.search = Search::new(self.bound, &self.events);
    }

    /// Returns a twin of the last trial, where it is time for one.
    fn twin(&mut self) -> Option<Work> {
        let pruned = self.pruned + self.search.pruned;
        let due = (1 + pruned / GUARD_EVERY).min(1 + u64::from(self.handed_out) / GUARD_SHARE);
        if pruned == 0 || self.twins >= due || self.twin_sought == self.tried.len() {
            return None;
        }
        self.twin_sought = self.tried.len();
        let of = self.tried.iter().rposition(|tried| tried.state.is_some())?;
        let (order, requests) = twins::find(&self.events, &self.tried[of].order, self.twins)?;
        self.twins += 1;
        let prefix = search::steps_of(&self.events, &order);
        let label = format!(
            "order {}, which should end like another",
            self.handed_out + 1
        );
        Some(self.work(label, prefix, Some((of, requests))))
    }

    fn work(&mut self, label: String, prefix: Prefix, twin: Option<(usize, String)>) -> Work {
        self.handed_out += 1;
        let log = Log::default();
        let scheduler = Guided::new(prefix, Arc::clone(&self.private), Arc::clone(&log));
        self.asked.push_back(Asked { log, twin });
        Work {
            label,
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed: self.plan.seed,
            recovers: true,
            point: Point::Other,
            menu: Vec::new(),
            scheduler: Box::new(scheduler),
        }
    }

    fn label(&self) -> String {
        let number = self.handed_out + 1;
        match self.bound {
            None => format!("order {number}"),
            Some(0) => format!("order {number}, without a preemption"),
            Some(1) => format!("order {number}, at most 1 preemption"),
            Some(bound) => format!("order {number}, at most {bound} preemptions"),
        }
    }

    /// Adds a trial, and returns its place.
    fn add(&mut self, run: Run, state: Option<Snapshot>) -> usize {
        let order = self.events.add(&run, &self.knowledge);
        let config = self.events.config(&order);
        let is_shared =
            |key: &Arc<Key>| matches!(**key, Key::Request(..)) && !self.private.contains(key);
        let shared = run.steps.iter().filter(|step| is_shared(&step.key));
        let shared = u32::try_from(shared.count()).unwrap_or(u32::MAX);
        self.operations = self.operations.max(shared);
        self.is_parallel |= run.is_parallel;
        let place = self.tried.len();
        self.classes.entry(config.clone()).or_insert(place);
        self.tried.push(Tried {
            run,
            order,
            config,
            state,
        });
        place
    }

    /// Learns from a trial what may depend on what; where that tells the trials so far apart
    /// otherwise, the search begins anew.
    fn widen(&mut self, run: &Run) {
        let loops = self.knowledge.loops().clone();
        self.knowledge.learn(run);
        let private = self.knowledge.private();
        if private == *self.private && loops == *self.knowledge.loops() {
            return;
        }
        self.private = Arc::new(private);
        self.events = Events::new(self.plan.instances);
        self.classes.clear();
        self.operations = 0;
        for tried in std::mem::take(&mut self.tried) {
            self.add(tried.run, tried.state);
        }
        (self.bound, self.at_bound, self.reached) = (Some(0), None, None);
        self.begin();
    }

    /// Compares a trial with the one that should end alike.
    fn compare(&mut self, baseline: &Baseline, place: usize, twin: Option<(usize, String)>) {
        let tried = &self.tried[place];
        let other = match &twin {
            Some((of, _)) => *of,
            None => self.classes[&tried.config],
        };
        let first = &self.tried[other];
        let (Some(one), Some(two)) = (&first.state, &tried.state) else {
            return;
        };
        if other == place {
            return;
        }
        let is_alike =
            first.config == tried.config && same_state(baseline, one, two) != Some(false);
        if !is_alike {
            let requests = twin.map(|(_, requests)| requests);
            let requests = requests
                .or_else(|| twins::first_difference(&self.events, &first.order, &tried.order))
                .unwrap_or_else(|| "the same steps".to_owned());
            self.doubts.push(format!(
                "{requests} were taken not to depend on their order, and do: an order that was \
                 left out ends otherwise"
            ));
        }
    }
}

impl Strategy for Exhaustive {
    fn next(&mut self) -> Option<Work> {
        while !self.is_over {
            if self.is_spent() {
                self.is_over = true;
                break;
            }
            if let Some(work) = self.twin() {
                return Some(work);
            }
            let shown = Shown {
                events: &self.events,
                knowledge: &self.knowledge,
                private: &self.private,
                classes: &self.classes,
            };
            if let Some(prefix) = self.search.next(&shown) {
                return Some(self.work(self.label(), prefix, None));
            }
            if !self.asked.is_empty() {
                break;
            }
            if let Some(work) = self.twin() {
                return Some(work);
            }
            self.go_beyond();
        }
        None
    }

    fn waits(&self) -> bool {
        !self.is_over && !self.asked.is_empty()
    }

    fn learn(&mut self, record: &TrialRecord, verdict: &Verdict, baseline: &Baseline) {
        let Some(asked) = self.asked.pop_front() else {
            return;
        };
        let notes = seen::take(&asked.log);
        if let Some(missing) = notes.missing {
            // Either the job does not repeat itself, or two steps were wrongly called independent.
            self.gave_up = Some(format!(
                "a trial did not come to `{missing}`, as others had shown"
            ));
            self.reached = None;
            self.is_over = true;
        }
        if self.gave_up.is_some() {
            return;
        }
        let run = Run::new(&record.trace, &notes.choices, &self.plan.services);
        self.widen(&run);
        let counts = !matches!(verdict, Verdict::Inconclusive(_));
        let place = self.add(run, counts.then(|| record.snapshot.clone()));
        self.compare(baseline, place, asked.twin);
        self.search.go_on();
    }

    fn planned(&self) -> u32 {
        self.handed_out + u32::from(!self.is_paid())
    }

    fn is_owed(&self) -> bool {
        self.plan.instances <= INSTANCES_OWED_MAX && self.gave_up.is_none()
    }

    fn interleavings(&self) -> Option<Interleavings> {
        if self.plan.instances < 2 {
            return None;
        }
        let (reached, classes) = self.reached.unzip();
        let count = |classes: usize| u32::try_from(classes).unwrap_or(u32::MAX);
        Some(Interleavings {
            instances: self.plan.instances,
            operations: self.operations,
            bound: self.plan.preemptions,
            preemptions: reached.flatten(),
            is_complete: reached == Some(None),
            classes: count(classes.unwrap_or(0)),
            ran: count(self.classes.len()),
            twins: u32::try_from(self.twins).unwrap_or(u32::MAX),
            is_parallel: self.is_parallel,
            gave_up: self.gave_up.clone(),
        })
    }

    fn doubts(&self) -> Vec<String> {
        self.doubts.clone()
    }
}
