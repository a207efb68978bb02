//! The events of all trials so far, each named by all that comes before it: who did what after
//! which other events. Two trials that order alike what depends on its order have the same events.

use super::knowledge::{Knowledge, Nature};
use super::run::{Done, Run};
use super::seen::{Key, Offers};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::InstanceId;

/// The name of an event; [`NONE`] where there is none.
pub(super) type EventId = u32;

/// No event.
pub(super) const NONE: EventId = 0;

/// For each instance its last event so far: a class of orders of the same events.
pub(super) type Config = Vec<EventId>;

/// A step after all that it comes after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) who: InstanceId,
    pub(super) key: Arc<Key>,
    nature: usize,
    /// For each instance the last event that comes before it.
    past: Config,
    /// For each instance how many events come before it.
    clock: Vec<u32>,
    /// What each instance that it changes something for can do next.
    pub(super) after: BTreeMap<InstanceId, Option<Arc<Key>>>,
}

/// All events so far.
#[derive(Debug)]
pub(super) struct Events {
    instances: usize,
    natures: BTreeMap<Nature, usize>,
    by_number: Vec<Nature>,
    /// Which natures depend on each other, by row.
    depends: Vec<Vec<bool>>,
    /// By name; the first is no event.
    events: Vec<Option<Event>>,
    /// By who does them after which other event of the same instance.
    next: BTreeMap<(InstanceId, EventId), Vec<EventId>>,
    /// What is on offer before any event, once a trial has shown it.
    pub(super) offers: Option<Offers>,
}

impl Events {
    pub(super) fn new(instances: u8) -> Self {
        Self {
            instances: usize::from(instances),
            natures: BTreeMap::new(),
            by_number: Vec::new(),
            depends: Vec::new(),
            events: vec![None],
            next: BTreeMap::new(),
            offers: None,
        }
    }

    /// Returns the class before any event.
    pub(super) fn root(&self) -> Config {
        vec![NONE; self.instances]
    }

    pub(super) fn event(&self, id: EventId) -> &Event {
        let place = usize::try_from(id).unwrap_or(usize::MAX);
        let event = self.events.get(place).and_then(Option::as_ref);
        event.expect("ids are made by `add`")
    }

    /// Adds the events of a trial, and returns them in their order.
    pub(super) fn add(&mut self, run: &Run, knowledge: &Knowledge) -> Vec<EventId> {
        self.offers.get_or_insert_with(|| run.offers.clone());
        let mut order = Vec::new();
        let mut chains: Vec<Vec<EventId>> = vec![Vec::new(); self.instances];
        for step in &run.steps {
            let nature = self.nature(knowledge.nature(step));
            let event = self.place(step, nature, &order, &chains);
            let changed: Vec<usize> = event.changed().collect();
            let id = self.intern(event);
            changed.into_iter().for_each(|who| chains[who].push(id));
            order.push(id);
        }
        order
    }

    /// Returns the class of a trial's events.
    pub(super) fn config(&self, order: &[EventId]) -> Config {
        let mut config = self.root();
        for id in order {
            self.event(*id).changed().for_each(|who| config[who] = *id);
        }
        config
    }

    /// Returns the step as an event that comes after these.
    fn place(
        &self,
        step: &Done,
        nature: usize,
        order: &[EventId],
        chains: &[Vec<EventId>],
    ) -> Event {
        let mut event = Event {
            who: step.who,
            key: Arc::clone(&step.key),
            nature,
            past: self.root(),
            clock: vec![0; self.instances],
            after: step.after.clone(),
        };
        for who in event.changed().collect::<Vec<_>>() {
            if let Some(last) = chains[who].last() {
                self.event(*last).add_to(&mut event.clock);
            }
        }
        for id in order.iter().rev() {
            let before = self.event(*id);
            if !before.is_within(&event.clock) && self.depends[before.nature][nature] {
                before.add_to(&mut event.clock);
            }
        }
        for (who, count) in event.clock.iter().enumerate() {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            let last = count.checked_sub(1).and_then(|last| chains[who].get(last));
            event.past[who] = last.copied().unwrap_or(NONE);
        }
        event
    }

    fn nature(&mut self, nature: Nature) -> usize {
        if let Some(known) = self.natures.get(&nature) {
            return *known;
        }
        let new = self.depends.len();
        let mut row = vec![false; new + 1];
        for (other, place) in &self.natures {
            row[*place] = nature.depends_on(other);
            self.depends[*place].push(row[*place]);
        }
        row[new] = nature.depends_on(&nature);
        self.depends.push(row);
        self.by_number.push(nature.clone());
        self.natures.insert(nature, new);
        new
    }

    fn intern(&mut self, event: Event) -> EventId {
        let place = (event.who, event.past[event.who.index()]);
        let known = self.next.entry(place).or_default();
        let same = |id: &&EventId| {
            let place = usize::try_from(**id).unwrap_or(usize::MAX);
            self.events.get(place).and_then(Option::as_ref) == Some(&event)
        };
        if let Some(id) = known.iter().find(same) {
            return *id;
        }
        let id = EventId::try_from(self.events.len()).expect("trials have a bound");
        known.push(id);
        self.events.push(Some(event));
        id
    }

    /// Returns what this instance does next after these events, as far as a trial has shown it:
    /// all that its next step depends on is among them and stands before it.
    pub(super) fn extension(
        &self,
        config: &[EventId],
        before: &BTreeSet<EventId>,
        who: InstanceId,
        key: &Arc<Key>,
    ) -> Option<EventId> {
        let known = self.next.get(&(who, config[who.index()]))?;
        let fits = |id: &&EventId| {
            let event = self.event(**id);
            let mut past = event.past.iter();
            event.key == *key
                && past.all(|id| *id == NONE || before.contains(id))
                && event.changed().all(|who| config[who] == event.past[who])
                && before.iter().all(|id| {
                    let other = self.event(*id);
                    other.is_within(&event.clock) || !self.depends[other.nature][event.nature]
                })
        };
        known.iter().find(fits).copied()
    }

    /// Returns what a step of this nature comes after, if it is taken after these events.
    pub(super) fn past(&self, path: &[EventId], who: InstanceId, nature: &Nature) -> Config {
        let mut clock = vec![0; self.instances];
        for id in path.iter().rev() {
            let event = self.event(*id);
            let is_own = event.after.contains_key(&who);
            if is_own || self.by_number[event.nature].depends_on(nature) {
                event.add_to(&mut clock);
            }
        }
        let within = path.iter().filter(|id| self.event(**id).is_within(&clock));
        self.config(&within.copied().collect::<Vec<_>>())
    }

    /// Returns who can go on after these events, and how, lowest first.
    pub(super) fn offers(&self, config: &[EventId]) -> Offers {
        let first = self.offers.iter().flatten();
        let first = first.filter(|(who, _)| config[who.index()] == NONE);
        let mut offers: Offers = first.map(|(who, key)| (*who, Arc::clone(key))).collect();
        for who in InstanceId::first(u8::try_from(self.instances).unwrap_or(u8::MAX)) {
            let last = config[who.index()];
            if last == NONE {
                continue;
            }
            if let Some(Some(key)) = self.event(last).after.get(&who) {
                offers.insert(who, Arc::clone(key));
            }
        }
        offers
    }

    /// Returns whether the first of two events of a trial comes before the second, whatever the
    /// order of what does not depend on its order.
    pub(super) fn is_before(&self, first: EventId, second: EventId) -> bool {
        self.event(first).is_within(&self.event(second).clock)
    }
}

impl Event {
    /// Returns the places of the instances that it changes something for.
    pub(super) fn changed(&self) -> impl Iterator<Item = usize> + use<'_> {
        self.after.keys().map(|who| who.index())
    }

    /// Returns whether it is among so many events of each instance.
    fn is_within(&self, clock: &[u32]) -> bool {
        let own = self.who.index();
        clock[own] > self.clock[own]
    }

    /// Adds it and all that comes before it to the events counted.
    fn add_to(&self, clock: &mut [u32]) {
        for (count, own) in clock.iter_mut().zip(&self.clock) {
            *count = (*count).max(*own);
        }
        for who in self.changed() {
            clock[who] = clock[who].max(self.clock[who] + 1);
        }
    }
}
