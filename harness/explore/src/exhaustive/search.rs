//! Which order comes next: every class of orders up to a number of preemptions is visited once.
//!
//! A place in the search is a class of orders of the first events, who ran last, and how often
//! somebody was interrupted. Where a trial has shown what comes next, the search goes on by itself;
//! where none has, or where no trial has ended so, it asks for one.

use super::events::{Config, EventId, Events};
use super::knowledge::Knowledge;
use super::seen::Key;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::InstanceId;

/// Places of one search, at most.
const PLACES_MAX: usize = 200_000;

/// The first steps of a trial.
pub(super) type Prefix = Vec<(InstanceId, Arc<Key>)>;

/// What the trials so far have shown.
pub(super) struct Shown<'s> {
    pub(super) events: &'s Events,
    pub(super) knowledge: &'s Knowledge,
    /// What makes no difference to others.
    pub(super) private: &'s BTreeSet<Arc<Key>>,
    /// The classes that ran.
    pub(super) classes: &'s BTreeMap<Config, usize>,
}

/// A place in the search.
#[derive(Clone, Debug)]
struct Place {
    config: Config,
    /// Who took the last step that matters to others; where nothing is counted, nobody.
    last: Option<InstanceId>,
    preemptions: u32,
    /// The place before, and the event between.
    from: Option<(usize, EventId)>,
}

/// One search up to a bound.
#[derive(Debug)]
pub(super) struct Search {
    /// Preemptions, at most; `None`: any number.
    bound: Option<u32>,
    places: Vec<Place>,
    open: Vec<usize>,
    /// Places whose trials were asked for.
    waiting: BTreeSet<usize>,
    /// What to ask for: a place, and who goes on; `None`: it ends there.
    wanted: Vec<(usize, Option<InstanceId>)>,
    asked: BTreeSet<(Config, Option<InstanceId>)>,
    /// Steps that trials which were not learnt from yet are likely to show: who takes them, and
    /// after what.
    expected: BTreeSet<(InstanceId, Config)>,
    /// The fewest preemptions with which a class was reached, and from where.
    best: BTreeMap<(Config, Option<InstanceId>), (u32, Option<usize>)>,
    /// Classes of whole trials.
    pub(super) ends: BTreeSet<Config>,
    /// Whether the bound cut anything off.
    pub(super) exceeds: bool,
    /// Orders left out, since one of their class was there already.
    pub(super) pruned: u64,
}

impl Search {
    pub(super) fn new(bound: Option<u32>, events: &Events) -> Self {
        let root = Place {
            config: events.root(),
            last: None,
            preemptions: 0,
            from: None,
        };
        Self {
            bound,
            places: vec![root],
            open: vec![0],
            waiting: BTreeSet::new(),
            wanted: Vec::new(),
            asked: BTreeSet::new(),
            expected: BTreeSet::new(),
            best: BTreeMap::new(),
            ends: BTreeSet::new(),
            exceeds: false,
            pruned: 0,
        }
    }

    /// Returns whether it has more places than it may.
    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= PLACES_MAX
    }

    /// Returns whether a trial did not show what it was asked for.
    pub(super) fn has_gaps(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns the first steps of the next trial, or `None` where there is none before those asked
    /// for have been learnt from.
    pub(super) fn next(&mut self, shown: &Shown<'_>) -> Option<Prefix> {
        loop {
            if let Some((place, who)) = self.wanted.pop() {
                self.waiting.insert(place);
                if let Some(prefix) = self.ask(shown, place, who) {
                    return Some(prefix);
                }
                continue;
            }
            if self.is_full() {
                return None;
            }
            let place = self.open.pop()?;
            self.visit(shown, place);
        }
    }

    /// Returns the first steps of a trial that shows who goes on at a place, unless one was asked
    /// for that is likely to show the same.
    fn ask(&mut self, shown: &Shown<'_>, at: usize, who: Option<InstanceId>) -> Option<Prefix> {
        let path = self.path(at);
        let config = &self.places[at].config;
        let mut prefix = steps_of(shown.events, &path);
        if let Some(who) = who {
            let key = shown.events.offers(config).remove(&who)?;
            let past = shown
                .events
                .past(&path, who, &shown.knowledge.expected(&key));
            if !self.expected.insert((who, past)) {
                return None;
            }
            prefix.push((who, key));
        }
        self.asked.insert((config.clone(), who)).then_some(prefix)
    }

    /// Goes on where trials were asked for: they have been learnt from.
    pub(super) fn go_on(&mut self) {
        self.expected.clear();
        let wanted = std::mem::take(&mut self.wanted);
        self.waiting
            .extend(wanted.into_iter().map(|(place, _)| place));
        let waiting = std::mem::take(&mut self.waiting);
        self.open.extend(waiting.into_iter().rev());
    }

    fn visit(&mut self, shown: &Shown<'_>, at: usize) {
        let events = shown.events;
        let Place {
            config,
            last,
            preemptions,
            ..
        } = self.places[at].clone();
        if events.offers.is_none() {
            return self.wanted.push((at, None));
        }
        let offers = events.offers(&config);
        if offers.is_empty() {
            self.ends.insert(config.clone());
            if !shown.classes.contains_key(&config) {
                self.wanted.push((at, None));
            }
            return;
        }
        let before = self.path(at).into_iter().collect();
        let first = offers.iter().find(|(_, key)| shown.private.contains(*key));
        let choices: Vec<(InstanceId, &Arc<Key>)> = match first {
            // What is nobody else's business is done at once, and interrupts nobody.
            Some((who, key)) => {
                self.pruned += u64::try_from(offers.len() - 1).unwrap_or(u64::MAX);
                vec![(*who, key)]
            }
            None => {
                let mut all: Vec<_> = offers.iter().map(|(who, key)| (*who, key)).collect();
                all.sort_by_key(|(who, _)| (Some(*who) != last, *who));
                all
            }
        };
        let goes_on = last.is_some_and(|last| offers.contains_key(&last));
        // The last on the stack is the first to be visited.
        for (who, key) in choices.into_iter().rev() {
            let (mut next_last, mut cost) = (last, preemptions);
            if first.is_none() && self.bound.is_some() {
                cost += u32::from(goes_on && last != Some(who));
                next_last = Some(who);
            }
            if self.bound.is_some_and(|bound| cost > bound) {
                self.exceeds = true;
                continue;
            }
            match events.extension(&config, &before, who, key) {
                None => self.wanted.push((at, Some(who))),
                Some(event) => {
                    let mut next = config.clone();
                    let changed = events.event(event).changed();
                    changed.for_each(|who| next[who] = event);
                    self.reach(Place {
                        config: next,
                        last: next_last,
                        preemptions: cost,
                        from: Some((at, event)),
                    });
                }
            }
        }
    }

    /// Opens a place, unless its class was reached as cheaply before.
    fn reach(&mut self, place: Place) {
        let from = place.from.map(|(from, _)| from);
        let key = (place.config.clone(), place.last);
        if let Some((cost, known)) = self.best.get(&key)
            && *cost <= place.preemptions
        {
            self.pruned += u64::from(*known != from);
            return;
        }
        self.best.insert(key, (place.preemptions, from));
        self.open.push(self.places.len());
        self.places.push(place);
    }

    /// Returns the events before a place, in order.
    fn path(&self, at: usize) -> Vec<EventId> {
        let mut path = Vec::new();
        let mut place = &self.places[at];
        while let Some((from, event)) = place.from {
            path.push(event);
            place = &self.places[from];
        }
        path.reverse();
        path
    }
}

/// Returns the steps that these events are.
pub(super) fn steps_of(events: &Events, order: &[EventId]) -> Prefix {
    let events = order.iter().map(|id| events.event(*id));
    events
        .map(|event| (event.who, Arc::clone(&event.key)))
        .collect()
}
