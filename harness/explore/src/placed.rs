//! Faults at their moments: a scheduler around another one, which injects and heals what a scenario
//! names and leaves every other step to the inner one.

use crate::lab::Scheduler;
use crate::moments::Seen;
use crate::steps;
use twiceproof_model::fault::LOST_REPLY;
use twiceproof_model::scenario::FaultSpec;
use twiceproof_model::{Divergence, Enabled, Fault, Moment, Phase, RequestId, Step};

/// How far a fault has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its moment has not come.
    Waiting,
    /// It is in force.
    Active,
    /// It is over.
    Over,
}

/// One fault of one trial.
struct Entry {
    spec: FaultSpec,
    state: State,
    /// How often it struck.
    struck: u32,
}

impl Entry {
    /// Returns the moment at which it strikes next.
    fn at(&self) -> Option<Moment> {
        match self.spec.at.clone()? {
            Moment::Request(who, mut request) => {
                request.nth = request.nth.saturating_add(self.struck);
                Some(Moment::Request(who, request))
            }
            other => Some(other),
        }
    }

    fn is_lost_reply(&self) -> bool {
        self.spec.fault.kind == LOST_REPLY
    }
}

/// Injects faults at their moments.
pub struct Placed {
    inner: Box<dyn Scheduler>,
    entries: Vec<Entry>,
    seen: Seen,
    /// Whether a fault that never struck is a doubt.
    owed: bool,
}

/// Returns the faults that a trial's menu must have, so that these can be injected in it.
pub fn menu(faults: &[FaultSpec]) -> Vec<Fault> {
    let mut menu: Vec<Fault> = Vec::new();
    for spec in faults.iter().filter(|spec| spec.at.is_some()) {
        let is_own = matches!(spec.fault.inject(), Step::Inject(_)) && !spec.fault.is_reserved();
        if is_own && !menu.contains(&spec.fault) {
            menu.push(spec.fault.clone());
        }
    }
    menu
}

impl Placed {
    /// Returns the scheduler that injects those of the faults that have a moment. `owed`: one that
    /// never strikes leaves a doubt; else the trial goes without it.
    pub fn new(faults: &[FaultSpec], inner: Box<dyn Scheduler>, owed: bool) -> Self {
        let placed = faults.iter().filter(|spec| spec.at.is_some());
        let entries = placed.map(|spec| Entry {
            spec: spec.clone(),
            state: State::Waiting,
            struck: 0,
        });
        Self {
            inner,
            entries: entries.collect(),
            seen: Seen::default(),
            owed,
        }
    }

    /// Returns the step with which a fault begins or ends now, if one does.
    fn fault(&mut self, enabled: &[Enabled]) -> Option<usize> {
        for entry in &mut self.entries {
            let fault = &entry.spec.fault;
            match entry.state {
                State::Waiting => {
                    let Some(at) = entry.at() else { continue };
                    if entry.is_lost_reply() {
                        let place = drop_reply(&at, &self.seen, enabled);
                        let is_lost =
                            |place: &usize| matches!(enabled[*place].step, Step::DropReply(_));
                        if place.as_ref().is_some_and(is_lost) {
                            strike(entry, State::Over);
                        }
                        if place.is_some() {
                            return place;
                        }
                        continue;
                    }
                    if !self.seen.is_come(&at, enabled) {
                        continue;
                    }
                    let until = entry.spec.until.as_ref();
                    if !self.owed && until.is_some_and(|until| self.seen.is_come(until, enabled)) {
                        // In this order of steps it would begin behind its own end.
                        entry.state = State::Over;
                        continue;
                    }
                    if let Some(place) = steps::place_of(enabled, &fault.inject()) {
                        strike(entry, State::Active);
                        return Some(place);
                    }
                }
                State::Active => {
                    let heal = steps::place_of(enabled, &entry.spec.fault.heal());
                    let Some(heal) = heal else {
                        // It ended by itself, or what it struck is gone.
                        entry.state = again(entry);
                        continue;
                    };
                    let until = entry.spec.until.as_ref();
                    let is_due = until.is_some_and(|until| self.seen.is_come(until, enabled));
                    if is_due {
                        entry.state = again(entry);
                        return Some(heal);
                    }
                }
                State::Over => {}
            }
        }
        None
    }

    /// Returns the step in the place of the inner one: where a fault waits for a reply that is held
    /// back, it is.
    fn hold_back(&self, enabled: &[Enabled], place: usize) -> usize {
        let Step::Release(request) = enabled[place].step else {
            return place;
        };
        let waits = self.entries.iter().any(|entry| {
            let at = entry.at().filter(|_| entry.state == State::Waiting);
            let until = entry.spec.until.clone();
            let until = until.filter(|_| entry.state == State::Active);
            at.into_iter()
                .chain(until)
                .any(|moment| is_answered_moment(&moment, request, &self.seen))
        });
        let forward = steps::place_of(enabled, &Step::Forward(request));
        forward.filter(|_| waits).unwrap_or(place)
    }
}

/// Notes that the fault struck; `then` is its state if it does not strike again.
fn strike(entry: &mut Entry, then: State) {
    entry.struck += 1;
    entry.state = then;
    if then == State::Over {
        entry.state = again(entry);
    }
}

/// Returns the state of a fault that has ended.
fn again(entry: &Entry) -> State {
    match entry.struck < entry.spec.times {
        true => State::Waiting,
        false => State::Over,
    }
}

fn is_answered_moment(moment: &Moment, request: RequestId, seen: &Seen) -> bool {
    match moment {
        Moment::Request(who, wanted) if wanted.phase == Phase::Answered => {
            seen.nth(*who, wanted) == Some(request)
        }
        _ => false,
    }
}

/// Returns the next step on the way to a lost reply: its forward, then its loss.
fn drop_reply(at: &Moment, seen: &Seen, enabled: &[Enabled]) -> Option<usize> {
    let Moment::Request(who, wanted) = at else {
        return None;
    };
    let request = seen.nth(*who, wanted)?;
    let lost = steps::place_of(enabled, &Step::DropReply(request));
    lost.or_else(|| steps::place_of(enabled, &Step::Forward(request)))
}

impl Scheduler for Placed {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        self.seen.look(enabled);
        let place = match self.fault(enabled) {
            Some(place) => place,
            None => {
                let place = self.inner.choose(enabled)?;
                self.hold_back(enabled, place)
            }
        };
        self.seen.take(&enabled[place].step);
        Some(place)
    }

    fn divergence(&self) -> Option<Divergence> {
        self.inner.divergence()
    }

    fn missed(&self) -> Vec<String> {
        let missed = self.entries.iter().filter(|entry| entry.struck == 0);
        let texts = missed.filter(|_| self.owed).map(|entry| {
            let at = entry.spec.at.as_ref().map(Moment::to_string);
            format!(
                "{}: its moment never came: {}",
                entry.spec.fault,
                at.unwrap_or_default()
            )
        });
        let mut all = self.inner.missed();
        all.extend(texts);
        all
    }
}
