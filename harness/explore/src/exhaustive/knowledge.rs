//! What all trials so far tell of the requests, whoever sends them.

use super::run::{Done, Run};
use super::seen::Key;
use crate::footprint::session::{Services, Sessions};
use crate::footprint::{Access, Footprint};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_oracle::CleanRequest;

/// What is known of what instances do. It only grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Knowledge {
    touched: BTreeMap<Arc<Key>, Footprint>,
    /// What pollers ask.
    loops: BTreeSet<Arc<Key>>,
    /// What may be followed by a start or an end.
    turns: BTreeSet<Arc<Key>>,
    /// What may write.
    writes: BTreeSet<Arc<Key>>,
    /// Whether any start may come at any time.
    starts_freely: bool,
}

/// What the order of a step depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nature {
    touched: Footprint,
    polls: bool,
    writes: bool,
    starts: bool,
    turns: bool,
}

impl Knowledge {
    /// Returns what the clean run tells.
    pub(super) fn new(
        services: &Arc<Services>,
        clean: &[CleanRequest],
        starts_freely: bool,
    ) -> Self {
        let mut knowledge = Self {
            touched: BTreeMap::from([(Arc::new(Key::Start), services.silent())]),
            loops: BTreeSet::new(),
            turns: BTreeSet::new(),
            writes: BTreeSet::new(),
            starts_freely,
        };
        let mut sessions = Sessions::new(services);
        let mut last = None;
        for CleanRequest { request, reply } in clean {
            let signature = &request.signature;
            let key = Key::Request(signature.service.clone(), signature.text.clone());
            let key = Arc::new(key);
            knowledge.touch(&key, sessions.answered(request, reply));
            if reply.writes {
                knowledge.writes.insert(Arc::clone(&key));
            }
            last = Some((key, request.id.instance));
        }
        if let Some((key, who)) = last {
            knowledge.touch(&key, sessions.exited(who));
            knowledge.turns.insert(key);
        }
        knowledge
    }

    /// Returns what pollers ask.
    pub(super) fn loops(&self) -> &BTreeSet<Arc<Key>> {
        &self.loops
    }

    /// Learns from a trial.
    pub(super) fn learn(&mut self, run: &Run) {
        for step in &run.steps {
            self.touch(&step.key, step.touched.clone());
            if step.turns {
                self.turns.insert(Arc::clone(&step.key));
            }
            if step.writes {
                self.writes.insert(Arc::clone(&step.key));
            }
        }
        self.loops.extend(run.loops());
    }

    fn touch(&mut self, key: &Arc<Key>, touched: Footprint) {
        match self.touched.get_mut(key) {
            Some(known) => known.join(touched),
            None => {
                self.touched.insert(Arc::clone(key), touched);
            }
        }
    }

    /// Returns what makes no difference to others, at whatever time it is done: what it touches
    /// nobody writes. Every instance is taken to touch what any of them does.
    pub(super) fn private(&self) -> BTreeSet<Arc<Key>> {
        let all = self.touched.values();
        let is_anything_written = all.clone().any(|touched| *touched == Footprint::Unknown);
        let written: BTreeSet<_> = all.flat_map(|one| one.objects(Access::Write)).collect();
        let is_private = |key: &Arc<Key>, touched: &Footprint| {
            let Footprint::Known(objects) = touched else {
                return false;
            };
            let is_shared = |(service, object, _): &(_, String, _)| {
                is_anything_written || written.contains(&(service, object.as_str()))
            };
            let turns = **key == Key::Start || self.turns.contains(key);
            let is_heeded = !self.starts_freely && turns
                || !self.loops.is_empty() && (turns || self.writes.contains(key));
            !objects.iter().any(is_shared) && !self.loops.contains(key) && !is_heeded
        };
        let private = self
            .touched
            .iter()
            .filter(|(key, touched)| is_private(key, touched));
        private.map(|(key, _)| Arc::clone(key)).collect()
    }

    /// Returns what the order of a step that was not taken yet is likely to depend on.
    pub(super) fn expected(&self, key: &Arc<Key>) -> Nature {
        Nature {
            touched: self.touched.get(key).cloned().unwrap_or(Footprint::Unknown),
            polls: self.loops.contains(key),
            writes: self.writes.contains(key),
            starts: **key == Key::Start && !self.starts_freely,
            turns: self.turns.contains(key),
        }
    }

    /// Returns what the order of a step depends on.
    pub(super) fn nature(&self, step: &Done) -> Nature {
        Nature {
            touched: step.touched.clone(),
            polls: self.loops.contains(&step.key),
            writes: step.writes,
            starts: *step.key == Key::Start && !self.starts_freely,
            turns: step.turns,
        }
    }
}

impl Nature {
    /// Returns whether the order of two steps of different instances may make a difference.
    pub(super) fn depends_on(&self, other: &Self) -> bool {
        // Whoever polls is offered again when somebody else wrote or ended, whatever it was.
        let wakes = |poller: &Self, other: &Self| poller.polls && (other.writes || other.turns);
        let starts = |one: &Self, other: &Self| one.starts && other.turns;
        // What nobody can tell may touch anything, but not what touches nothing.
        let meets = |one: &Footprint, other: &Footprint| {
            *one != Footprint::nothing() && *other != Footprint::nothing() && one.conflicts(other)
        };
        meets(&self.touched, &other.touched)
            || wakes(self, other)
            || wakes(other, self)
            || starts(self, other)
            || starts(other, self)
    }
}
