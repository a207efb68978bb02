//! Replay of a schedule. A step that is not there is a divergence: a value, never a panic, and
//! never a pass.

use crate::lab::Scheduler;
use crate::moments::Seen;
use crate::ordered::Orders;
use crate::steps;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::fault::{LOST_REPLY, RESUME};
use twiceproof_model::schedule::{Directive, Until};
use twiceproof_model::{
    Divergence, Enabled, Event, Fault, InstanceId, Phase, RequestId, Schedule, Signature, Stamped,
    Step,
};

/// What a replay does where its schedule cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The first difference ends it: all run to their ends from there.
    Strict,
    /// A missing step is skipped.
    Lenient,
}

/// Follows a schedule; after its last line all run to their ends, lowest first.
pub struct Replay {
    body: Vec<Directive>,
    at: usize,
    mode: Mode,
    /// The steps that a strict replay must take, where the trace is at hand.
    expected: Option<Vec<(Step, Option<Signature>)>>,
    taken: usize,
    orders: Orders,
    seen: Seen,
    divergence: Option<Divergence>,
}

impl Replay {
    /// Returns the replay of this schedule.
    pub fn new(schedule: &Schedule, mode: Mode) -> Self {
        Self {
            body: schedule.body.clone(),
            at: 0,
            mode,
            expected: None,
            taken: 0,
            orders: Orders::new(schedule.orders.clone()),
            seen: Seen::default(),
            divergence: None,
        }
    }

    /// Returns the strict replay of this schedule which also holds every step against the trace
    /// that it was made from.
    pub fn strict(schedule: &Schedule, trace: &[Stamped]) -> Self {
        let mut replay = Self::new(schedule, Mode::Strict);
        replay.expected = expected_steps(trace);
        replay
    }

    /// Notes that the current line cannot be followed, and goes on as the mode says.
    fn diverge(&mut self, wanted: String, enabled: &[Enabled]) {
        if self.divergence.is_none() {
            self.divergence = Some(Divergence {
                line: u32::try_from(self.at + 1).unwrap_or(u32::MAX),
                wanted,
                offered: enabled.iter().map(steps::describe).collect(),
            });
        }
        self.expected = None;
        match self.mode {
            Mode::Strict => self.at = self.body.len(),
            Mode::Lenient => self.at += 1,
        }
    }

    /// Returns the step that the schedule asks for next, before it is held against the trace.
    fn follow(&mut self, enabled: &[Enabled]) -> Option<usize> {
        while let Some(directive) = self.body.get(self.at).cloned() {
            let place = match &directive {
                Directive::Start(instance) => self.need(enabled, &Step::Start(*instance)),
                Directive::Run(instance, until) => self.run(enabled, *instance, until),
                Directive::Fault(fault) => self.fault(enabled, fault),
                Directive::Heal(fault) => self.need(enabled, &fault.heal()),
            };
            if place.is_some() {
                return place;
            }
        }
        steps::run_out(enabled)
    }

    /// Returns the same where some instances have to wait for the requests of others.
    fn follow_orders(
        &mut self,
        enabled: &[Enabled],
        waiting: &BTreeSet<InstanceId>,
    ) -> Option<usize> {
        let waits = |offer: &Enabled| {
            let who = offer.step.instance();
            steps::is_ordinary(&offer.step) && who.is_some_and(|who| waiting.contains(&who))
        };
        let open: Vec<usize> = (0..enabled.len())
            .filter(|place| !waits(&enabled[*place]))
            .collect();
        let offered: Vec<Enabled> = open.iter().map(|place| enabled[*place].clone()).collect();
        let Some(others) = steps::run_out(&offered) else {
            // Nobody is left who could let the request go that the others wait for.
            self.divergence = self.divergence.take().or(self.unmet(enabled));
            self.expected = None;
            self.orders.clear();
            return self.follow(enabled);
        };
        let place = match self.body.get(self.at) {
            Some(Directive::Run(who, _)) if waiting.contains(who) => Some(others),
            _ => self.follow(&offered),
        };
        place.map(|place| open[place])
    }

    /// Returns the divergence of an order whose request never came.
    fn unmet(&self, enabled: &[Enabled]) -> Option<Divergence> {
        let (order, request) = self.orders.unmet(&self.seen)?;
        Some(Divergence {
            line: u32::try_from(self.body.len() + order + 1).unwrap_or(u32::MAX),
            wanted: request.to_string(),
            offered: enabled.iter().map(steps::describe).collect(),
        })
    }

    fn need(&mut self, enabled: &[Enabled], step: &Step) -> Option<usize> {
        let place = steps::place_of(enabled, step);
        match place {
            Some(_) => self.at += 1,
            None => self.diverge(step.to_string(), enabled),
        }
        place
    }

    fn run(&mut self, enabled: &[Enabled], instance: InstanceId, until: &Until) -> Option<usize> {
        let own = steps::own_step(enabled, instance);
        let moment = match until {
            Until::Request(moment) => moment,
            Until::Exit | Until::Blocked => {
                if own.is_none() {
                    let waits = *until == Until::Exit && steps::is_alive(enabled, instance);
                    if waits {
                        self.diverge(format!("run {instance} to exit"), enabled);
                    } else {
                        self.at += 1;
                    }
                }
                return own;
            }
        };
        let target = self.seen.nth(instance, moment);
        if let Some(target) = target
            && let Some(stop) = self.stop(enabled, target, moment.phase)
        {
            self.at += 1;
            return stop;
        }
        let missed = target.is_some_and(|target| self.seen.past.contains(&target));
        if own.is_none() || missed {
            self.diverge(format!("{instance} at {moment}"), enabled);
            return None;
        }
        own
    }

    /// Returns whether the run stops here, and the step with which it does so, if it takes one.
    fn stop(&self, enabled: &[Enabled], target: RequestId, phase: Phase) -> Option<Option<usize>> {
        match phase {
            Phase::Held => steps::place_of(enabled, &Step::Release(target)).map(|_| None),
            Phase::Answered => {
                let is_next = steps::own_step(enabled, target.instance)
                    .is_some_and(|own| enabled[own].step == Step::Release(target));
                let forward = steps::place_of(enabled, &Step::Forward(target));
                forward.filter(|_| is_next).map(Some)
            }
            Phase::Replied => self.seen.past.contains(&target).then_some(None),
        }
    }

    fn fault(&mut self, enabled: &[Enabled], fault: &Fault) -> Option<usize> {
        match (fault.kind.as_str(), fault.instance()) {
            (RESUME, Some(who)) => self.need(enabled, &Step::Resume(who)),
            (LOST_REPLY, Some(who)) => self.lost_reply(enabled, fault, who),
            _ => self.need(enabled, &fault.inject()),
        }
    }

    /// Forwards the request at which the instance stands, then throws its reply away.
    fn lost_reply(&mut self, enabled: &[Enabled], fault: &Fault, who: InstanceId) -> Option<usize> {
        let is_drop = |enabled: &Enabled| {
            matches!(enabled.step, Step::DropReply(_)) && enabled.step.instance() == Some(who)
        };
        if let Some(place) = enabled.iter().position(is_drop) {
            self.at += 1;
            return Some(place);
        }
        let own = steps::own_step(enabled, who).map(|own| &enabled[own].step);
        let forward = match own {
            Some(Step::Release(request)) => steps::place_of(enabled, &Step::Forward(*request)),
            _ => None,
        };
        if forward.is_none() {
            self.diverge(format!("fault {fault}"), enabled);
        }
        forward
    }

    /// Holds the step against the trace that the schedule was made from.
    fn audit(&mut self, enabled: &[Enabled], place: usize) -> usize {
        let Some(expected) = &self.expected else {
            return place;
        };
        let wanted = expected.get(self.taken);
        let chosen = &enabled[place];
        let signature = chosen.request.as_ref().map(|request| &request.signature);
        let is_same = wanted
            .is_some_and(|(step, expected)| *step == chosen.step && expected.as_ref() == signature);
        if is_same {
            return place;
        }
        let wanted = match wanted {
            Some((step, Some(signature))) => format!(
                "{step} {} \"{}\" {}",
                signature.service,
                steps::short(&signature.text),
                signature.nth
            ),
            Some((step, None)) => step.to_string(),
            None => "no further step".to_owned(),
        };
        self.diverge(wanted, enabled);
        steps::run_out(enabled).unwrap_or(place)
    }
}

impl Scheduler for Replay {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        self.seen.look(enabled);
        let waiting = self.orders.waiting(enabled, &self.seen);
        let place = if waiting.is_empty() {
            self.follow(enabled)?
        } else {
            self.follow_orders(enabled, &waiting)?
        };
        let place = self.audit(enabled, place);
        self.taken += 1;
        self.seen.take(&enabled[place].step);
        Some(place)
    }

    fn divergence(&self) -> Option<Divergence> {
        let divergence = self.divergence.clone();
        divergence.or_else(|| self.unmet(&[]))
    }
}

/// Returns the steps of the trace's main part; `None` where it was not driven by steps.
fn expected_steps(trace: &[Stamped]) -> Option<Vec<(Step, Option<Signature>)>> {
    let mut requests = BTreeMap::new();
    let mut steps = Vec::new();
    for stamped in crate::schedule_of::main_part(trace) {
        match &stamped.event {
            Event::Held(request) => {
                requests.insert(request.id, request.signature.clone());
            }
            Event::Taken(step) => {
                let request = match step {
                    Step::Release(id)
                    | Step::Forward(id)
                    | Step::Deliver(id)
                    | Step::DropReply(id) => requests.get(id).cloned(),
                    _ => None,
                };
                steps.push((step.clone(), request));
            }
            _ => {}
        }
    }
    crate::schedule_of::is_driven(trace).then_some(steps)
}
