//! What a trial did, step by step: who, what, what it touched, and who could go on afterwards.

use super::seen::{Choice, Key, Offers};
use crate::footprint::Footprint;
use crate::footprint::session::{Services, Sessions};
use crate::schedule_of::main_part;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::{Event, InstanceId, Request, RequestId, Stamped, Step};

/// The longest sequence of requests that counts as a poll loop.
const PERIOD_MAX: usize = 4;

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) who: InstanceId,
    pub(super) key: Arc<Key>,
    /// What was touched up to the next step, by whomever.
    pub(super) touched: Footprint,
    /// Whether others that poll may have been offered again by it.
    pub(super) writes: bool,
    /// Whether an instance started or ended.
    pub(super) turns: bool,
    /// Who was seen to poll after it.
    pub(super) polling: BTreeSet<InstanceId>,
    /// What each instance that it changed something for does next: `None`, it cannot go on.
    pub(super) after: BTreeMap<InstanceId, Option<Arc<Key>>>,
}

/// One trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// What was on offer at first.
    pub(super) offers: Offers,
    pub(super) steps: Vec<Done>,
    /// Whether an instance had several requests held at once.
    pub(super) is_parallel: bool,
}

impl Run {
    /// Reads the trace of a trial beside the choices that were noted in it.
    pub(super) fn new(trace: &[Stamped], choices: &[Choice], services: &Arc<Services>) -> Self {
        let mut reader = Reader {
            sessions: Sessions::new(services),
            services,
            requests: BTreeMap::new(),
            held: BTreeSet::new(),
            gone: BTreeSet::new(),
            is_parallel: false,
        };
        let nobody = Offers::new();
        let mut steps = Vec::new();
        let mut rest = main_part(trace);
        for (place, choice) in choices.iter().enumerate() {
            let begin = rest.iter().position(|event| is_taken(event, &choice.step));
            let Some(begin) = begin else { break };
            // What stands before it comes of faults that are injected beside the choices.
            reader.skip(&rest[..begin]);
            rest = &rest[begin + 1..];
            let next = choices.get(place + 1);
            let length = next.and_then(|next| {
                let mut events = rest.iter();
                events.position(|event| is_taken(event, &next.step))
            });
            let (own, others) = rest.split_at(length.unwrap_or(rest.len()));
            rest = others;
            let Some(who) = choice.step.instance() else {
                continue;
            };
            let Some(key) = choice.offers.get(&who) else {
                continue;
            };
            let after = next.map_or(&nobody, |next| &next.offers);
            steps.push(reader.step(who, key, own, &choice.offers, after));
        }
        let offers = choices.first().map(|choice| choice.offers.clone());
        Self {
            offers: offers.unwrap_or_default(),
            steps,
            is_parallel: reader.is_parallel,
        }
    }

    /// Returns what pollers ask: the last requests of whoever the lab took for one. A loop over
    /// many rows has equal texts too.
    pub(super) fn loops(&self) -> BTreeSet<Arc<Key>> {
        let mut asked: BTreeMap<InstanceId, Vec<&Arc<Key>>> = BTreeMap::new();
        let mut loops = BTreeSet::new();
        for step in &self.steps {
            asked.entry(step.who).or_default().push(&step.key);
            for who in &step.polling {
                let own = asked.get(who).into_iter().flatten();
                loops.extend(own.rev().take(PERIOD_MAX).map(|key| Arc::clone(key)));
            }
        }
        loops
    }
}

fn is_taken(stamped: &Stamped, step: &Step) -> bool {
    matches!(&stamped.event, Event::Taken(taken) if taken == step)
}

struct Reader<'s> {
    sessions: Sessions,
    services: &'s Arc<Services>,
    requests: BTreeMap<RequestId, Request>,
    /// Requests that wait to be forwarded.
    held: BTreeSet<RequestId>,
    /// Instances that ended.
    gone: BTreeSet<InstanceId>,
    is_parallel: bool,
}

impl Reader<'_> {
    fn skip(&mut self, events: &[Stamped]) {
        for stamped in events {
            if let Event::Held(request) = &stamped.event {
                self.requests.insert(request.id, request.clone());
            }
        }
    }

    fn step(
        &mut self,
        who: InstanceId,
        key: &Arc<Key>,
        events: &[Stamped],
        before: &Offers,
        after: &Offers,
    ) -> Done {
        let mut done = Done {
            who,
            key: Arc::clone(key),
            touched: match **key {
                // Real time passes, in which anything may expire.
                Key::Wake => Footprint::Unknown,
                Key::Start | Key::Request(..) => self.services.silent(),
            },
            writes: false,
            turns: false,
            polling: BTreeSet::new(),
            after: BTreeMap::new(),
        };
        let mut changed = BTreeSet::from([who]);
        let mut waiting = BTreeSet::new();
        for stamped in events {
            changed.extend(self.event(&stamped.event, &mut done, &mut waiting));
        }
        for request in waiting {
            let touched = (self.requests.get(&request))
                .map_or(Footprint::Unknown, |request| self.sessions.waits(request));
            done.touched.join(touched);
        }
        let all = before.keys().chain(after.keys());
        changed.extend(all.filter(|who| before.get(who) != after.get(who)));
        let next = |who: InstanceId| (who, after.get(&who).cloned());
        done.after = changed.into_iter().map(next).collect();
        done
    }

    /// Adds what an event tells of the step in which it happened, and returns whom it is about.
    fn event(
        &mut self,
        event: &Event,
        done: &mut Done,
        waiting: &mut BTreeSet<RequestId>,
    ) -> Option<InstanceId> {
        match event {
            Event::Held(request) => {
                let who = request.id.instance;
                self.is_parallel |= self.held.iter().any(|other| other.instance == who);
                self.held.insert(request.id);
                self.requests.insert(request.id, request.clone());
                Some(who)
            }
            Event::Forwarded(request) => {
                self.held.remove(request);
                waiting.insert(*request);
                Some(request.instance)
            }
            Event::Answered { request, reply } => {
                waiting.remove(request);
                done.writes |= reply.writes;
                let touched = match self.requests.get(request) {
                    Some(request) => self.sessions.answered(request, reply),
                    None => Footprint::Unknown,
                };
                done.touched.join(touched);
                Some(request.instance)
            }
            Event::Closed { link, .. } => {
                done.touched.join(self.sessions.closed(link));
                // That the links of the dead end may be seen steps later.
                Some(link.instance).filter(|who| !self.gone.contains(who))
            }
            Event::Started(who) => {
                done.turns = true;
                Some(*who)
            }
            Event::Exited { instance, .. } => {
                self.held.retain(|held| held.instance != *instance);
                self.gone.insert(*instance);
                done.turns = true;
                done.touched.join(self.sessions.exited(*instance));
                Some(*instance)
            }
            Event::Polling(who) => {
                done.polling.insert(*who);
                Some(*who)
            }
            Event::Unblocked(who) => Some(*who),
            Event::Pushed { link, .. } | Event::Opaque { link, .. } => {
                done.touched = Footprint::Unknown;
                Some(link.instance)
            }
            Event::BestEffort { instance, .. } => {
                done.touched = Footprint::Unknown;
                Some(*instance)
            }
            _ => None,
        }
    }
}
