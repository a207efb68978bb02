//! Every order of a toy job's steps, one by one, and the class of each: told apart from the search,
//! by a table of what each op touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use twiceproof_explore::lab::Assignment;
use twiceproof_explore::{Scheduler, Starts, steps};
use twiceproof_model::record::Drive;
use twiceproof_model::{Enabled, Event, InstanceId, Step, TrialRecord};
use twiceproof_testkit::{Op, ToyLab};

/// A step: whose, and the how-many-th of its.
pub(crate) type Name = (u8, usize);

/// The steps of a trial, each with all steps that come before it in every order of the class.
pub(crate) type Class = BTreeMap<Name, BTreeSet<Name>>;

/// What a step touches, and whether it writes that.
type Touched = BTreeSet<(&'static str, bool)>;

/// Returns what an op touches. What a transaction writes, its end shows.
fn touched(op: Op, is_open: bool) -> Touched {
    let change = |table: &'static str, locks: &'static str| {
        BTreeSet::from([(table, !is_open), (locks, true)])
    };
    match op {
        Op::SkipIfLocked => [("locks", false)].into(),
        Op::TakeFlag | Op::TakeFlagOrSkip | Op::TakeFlagOrPoll | Op::FreeFlag => {
            change("locks", "locks of locks")
        }
        Op::LockSession | Op::PollSession | Op::TrySession | Op::UnlockSession => {
            [("advisory", true)].into()
        }
        Op::SkipIfDone => [("runs", false)].into(),
        Op::MarkDone => change("runs", "locks of runs"),
        Op::Read(_) => [("members", false)].into(),
        Op::WriteBack(_) | Op::Add(_) | Op::Grant(_) | Op::AddOwn(_) | Op::GrantOwn(_) => {
            let mut touched = change("members", "locks of members");
            touched.extend([("ledger", false), ("locks of ledger", false)]);
            touched
        }
        Op::Log(_) => {
            let mut touched = change("ledger", "locks of ledger");
            touched.extend([("members", false), ("locks of members", false)]);
            touched
        }
        Op::Begin | Op::Commit | Op::Mail(_) => Touched::new(),
        other => panic!("{other:?} stands in no program here"),
    }
}

/// One step of a trial.
struct Did {
    name: Name,
    /// What it touches; a start nothing.
    touched: Touched,
}

/// Returns the steps of a trial.
fn steps_of(program: &[Op], record: &TrialRecord) -> Vec<Did> {
    let mut requests = BTreeMap::new();
    let mut open: BTreeMap<u8, Touched> = BTreeMap::new();
    let mut lockers = BTreeSet::new();
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    let mut done: Vec<Did> = Vec::new();
    for stamped in &record.trace {
        match &stamped.event {
            Event::Held(request) => {
                requests.insert(request.id, request.signature.text.clone());
            }
            Event::Exited { instance, .. } if lockers.contains(&instance.number()) => {
                let last = done.last_mut().expect("an end follows a step");
                last.touched.insert(("advisory", true));
            }
            Event::Taken(step) => {
                let who = step.instance().expect("no fault is injected").number();
                let count = counts.entry(who).or_default();
                *count += 1;
                let mut touched = Touched::new();
                if let Step::Release(id) = step {
                    let mut ops = program.iter();
                    let op = ops.find(|op| op.request().1 == requests[id]);
                    let op = *op.expect("requests are those of the program");
                    touched = self::touched(op, open.contains_key(&who));
                    match op {
                        Op::Begin => {
                            open.insert(who, Touched::new());
                        }
                        Op::Commit => touched.extend(open.remove(&who).unwrap_or_default()),
                        Op::LockSession | Op::TrySession | Op::PollSession => {
                            lockers.insert(who);
                        }
                        _ => {}
                    }
                    if let Some(written) = open.get_mut(&who) {
                        written.extend(at_commit(op, &touched));
                    }
                }
                let name = (who, *count);
                done.push(Did { name, touched });
            }
            _ => {}
        }
    }
    done
}

/// Returns what the end of its transaction touches for a step: its locks, and what it wrote.
fn at_commit(op: Op, touched: &Touched) -> Touched {
    let is_lock = |name: &str| name.starts_with("locks of") || name == "advisory";
    let locks = touched.iter().filter(|(name, _)| is_lock(name)).copied();
    let written = match op {
        Op::TakeFlag | Op::TakeFlagOrSkip | Op::TakeFlagOrPoll | Op::FreeFlag => Some("locks"),
        Op::MarkDone => Some("runs"),
        Op::WriteBack(_) | Op::Add(_) | Op::Grant(_) | Op::AddOwn(_) | Op::GrantOwn(_) => {
            Some("members")
        }
        Op::Log(_) => Some("ledger"),
        _ => None,
    };
    locks.chain(written.map(|table| (table, true))).collect()
}

fn depends(one: &Did, other: &Did) -> bool {
    one.name.0 == other.name.0
        || one.touched.iter().any(|(name, writes)| {
            let meets = |(also, too): &(&str, bool)| also == name && (*writes || *too);
            other.touched.iter().any(meets)
        })
}

/// Returns the class of a trial.
pub(crate) fn class_of(program: &[Op], record: &TrialRecord) -> Class {
    let steps = steps_of(program, record);
    let mut class = Class::new();
    for (place, step) in steps.iter().enumerate() {
        let mut before = BTreeSet::new();
        for other in steps[..place].iter().filter(|other| depends(other, step)) {
            before.extend(class[&other.name].iter().copied());
            before.insert(other.name);
        }
        class.insert(step.name, before);
    }
    class
}

/// A point at which a trial could have gone on otherwise: who was on offer, and who went.
type Fork = (Vec<InstanceId>, InstanceId);

/// Those of one trial.
type Forks = Arc<Mutex<Vec<Fork>>>;

/// Goes through all orders, one a trial.
struct Walker {
    prefix: Vec<InstanceId>,
    at: usize,
    forks: Forks,
}

impl Scheduler for Walker {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let own = steps::own_steps(enabled);
        let who = self.prefix.get(self.at).copied();
        self.at += 1;
        let (who, place) = match who {
            Some(who) => *own.iter().find(|(other, _)| *other == who)?,
            None => *own.first()?,
        };
        let all = own.iter().map(|(who, _)| *who).collect();
        self.forks.lock().expect("one thread").push((all, who));
        Some(place)
    }
}

fn run(program: &'static [Op], instances: u8, prefix: &[InstanceId]) -> (TrialRecord, Forks) {
    let forks = Forks::default();
    let record = ToyLab::new(program).run_one(Assignment {
        trial: 1,
        stage: "exhaustive",
        seed: 1,
        instances,
        starts: Starts::freely(instances),
        drive: Drive::Steps,
        disguise: 0,
        menu: Vec::new(),
        leases: Vec::new(),
        clean_exit: None,
        accepts: Arc::new(|_| true),
        scheduler: Box::new(Walker {
            prefix: prefix.to_vec(),
            at: 0,
            forks: Arc::clone(&forks),
        }),
    });
    (record, forks)
}

/// Returns every order of the steps of so many instances: who goes when.
pub(crate) fn all_orders(program: &'static [Op], instances: u8) -> Vec<(TrialRecord, Vec<Fork>)> {
    let mut open = vec![Vec::new()];
    let mut all = Vec::new();
    while let Some(prefix) = open.pop() {
        let (record, forks) = run(program, instances, &prefix);
        let forks = forks.lock().expect("one thread").clone();
        let chosen: Vec<InstanceId> = forks.iter().map(|(_, who)| *who).collect();
        for place in prefix.len()..forks.len() {
            let (offers, who) = &forks[place];
            for other in offers.iter().filter(|other| *other != who) {
                let mut next = chosen[..place].to_vec();
                next.push(*other);
                open.push(next);
            }
        }
        all.push((record, forks));
    }
    all
}

/// Returns the classes of all orders with so many preemptions at most; steps that touch nothing
/// that others write are done at once, lowest first, and count for nothing.
pub(crate) fn classes_of(
    program: &'static [Op],
    instances: u8,
    preemptions: Option<u32>,
) -> BTreeSet<Class> {
    let all = all_orders(program, instances).into_iter();
    let within = all.filter(|(record, forks)| {
        let Some(bound) = preemptions else {
            return true;
        };
        cost(program, record, forks).is_some_and(|cost| cost <= bound)
    });
    within
        .map(|(record, _)| class_of(program, &record))
        .collect()
}

/// Returns how many preemptions an order has; `None` where a private step waits for others.
fn cost(program: &[Op], record: &TrialRecord, forks: &[Fork]) -> Option<u32> {
    let steps = steps_of(program, record);
    let writes: BTreeSet<&str> = (steps.iter().flat_map(|step| &step.touched))
        .filter(|(_, writes)| *writes)
        .map(|(name, _)| *name)
        .collect();
    let is_private = |step: &Did| !step.touched.iter().any(|(name, _)| writes.contains(name));
    let next_of = |who: InstanceId, place: usize| {
        let mut behind = steps[place..].iter();
        behind.find(|step| step.name.0 == who.number())
    };
    let mut last: Option<InstanceId> = None;
    let mut cost = 0;
    for (place, (offers, who)) in forks.iter().enumerate() {
        let is_idle = |who: &&InstanceId| next_of(**who, place).is_some_and(is_private);
        match offers.iter().find(is_idle) {
            Some(idle) if idle != who => return None,
            Some(_) => {}
            None => {
                let interrupts = last.is_some_and(|last| last != *who && offers.contains(&last));
                cost += u32::from(interrupts);
                last = Some(*who);
            }
        }
    }
    Some(cost)
}

/// Returns the classes that a search with sleep sets finds: what was tried at a place is not tried
/// again behind another step there, until a step comes that it depends on. Two instances, steps
/// that need no transaction.
pub(crate) fn classes_by_sleep_sets(
    program: &'static [Op],
    preemptions: Option<u32>,
) -> BTreeSet<Class> {
    let mut classes = BTreeSet::new();
    sleep(program, preemptions, &[], &BTreeSet::new(), &mut classes);
    classes
}

fn sleep(
    program: &'static [Op],
    preemptions: Option<u32>,
    prefix: &[InstanceId],
    asleep: &BTreeSet<InstanceId>,
    classes: &mut BTreeSet<Class>,
) {
    let (record, forks) = run(program, 2, prefix);
    let forks = forks.lock().expect("one thread").clone();
    let within = |record: &TrialRecord, forks: &[_]| {
        preemptions
            .is_none_or(|bound| cost(program, record, forks).is_some_and(|cost| cost <= bound))
    };
    let Some((offers, _)) = forks.get(prefix.len()) else {
        if within(&record, &forks) {
            classes.insert(class_of(program, &record));
        }
        return;
    };
    let mut asleep = asleep.clone();
    for who in offers {
        let longer: Vec<InstanceId> = prefix.iter().copied().chain([*who]).collect();
        let (record, forks) = run(program, 2, &longer);
        let forks = forks.lock().expect("one thread").clone();
        if asleep.contains(who) || !within(&record, &forks[..longer.len()]) {
            continue;
        }
        let next = |who: InstanceId| {
            let longer: Vec<InstanceId> = prefix.iter().copied().chain([who]).collect();
            let (record, _) = run(program, 2, &longer);
            steps_of(program, &record).swap_remove(prefix.len())
        };
        let own = next(*who);
        let still = asleep.iter().copied();
        let still = still.filter(|other| !depends(&next(*other), &own));
        sleep(program, preemptions, &longer, &still.collect(), classes);
        asleep.insert(*who);
    }
}
