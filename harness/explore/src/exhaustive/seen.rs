//! The scheduler of a trial of this stage: it follows a prefix, then lets nobody be interrupted,
//! and notes what was on offer, which no record keeps.

use crate::lab::Scheduler;
use crate::steps;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use twiceproof_model::{Enabled, InstanceId, RequestId, ServiceName, Step};

/// What an instance does next, across trials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// It starts.
    Start,
    /// It sleeps to the end.
    Wake,
    /// It sends a request with this text to this service.
    Request(ServiceName, String),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Start => f.write_str("start"),
            Key::Wake => f.write_str("wake"),
            Key::Request(service, text) => write!(f, "{service} \"{}\"", steps::short(text)),
        }
    }
}

/// What each instance that can go on does next.
pub(super) type Offers = BTreeMap<InstanceId, Arc<Key>>;

/// One choice of a trial.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// What was on offer.
    pub(super) offers: Offers,
    /// The step that was chosen.
    pub(super) step: Step,
}

/// What is noted in one trial.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) choices: Vec<Choice>,
    /// The first step that other trials showed and this one did not offer.
    pub(super) missing: Option<String>,
}

/// The notes of one trial, for the strategy to read when it is over.
pub(super) type Log = Arc<Mutex<Notes>>;

/// Returns what was noted so far.
pub(super) fn take(log: &Log) -> Notes {
    std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Follows a prefix, then lets whoever ran last go on, or the lowest.
pub(super) struct Guided {
    prefix: Vec<(InstanceId, Arc<Key>)>,
    at: usize,
    /// What instances do that makes no difference to others: it goes first.
    private: Arc<BTreeSet<Arc<Key>>>,
    last: Option<InstanceId>,
    /// The offers of the step before, by the request that each is about.
    known: BTreeMap<InstanceId, (Option<RequestId>, Arc<Key>)>,
    log: Log,
}

impl Guided {
    pub(super) fn new(
        prefix: Vec<(InstanceId, Arc<Key>)>,
        private: Arc<BTreeSet<Arc<Key>>>,
        log: Log,
    ) -> Self {
        Self {
            prefix,
            at: 0,
            private,
            last: None,
            known: BTreeMap::new(),
            log,
        }
    }

    /// Returns what each instance does next, and the place of that step.
    fn offers(&mut self, enabled: &[Enabled]) -> BTreeMap<InstanceId, (Arc<Key>, usize)> {
        let mut offers = BTreeMap::new();
        let mut known = BTreeMap::new();
        for (who, place) in steps::own_steps(enabled) {
            let offer = &enabled[place];
            let id = offer.request.as_ref().map(|request| request.id);
            let key = match self.known.remove(&who) {
                Some((before, key)) if before == id && id.is_some() => key,
                _ => Arc::new(key_of(offer)),
            };
            known.insert(who, (id, Arc::clone(&key)));
            offers.insert(who, (key, place));
        }
        self.known = known;
        offers
    }

    /// Returns who goes next.
    fn pick(&mut self, offers: &BTreeMap<InstanceId, (Arc<Key>, usize)>) -> Option<InstanceId> {
        if let Some((who, key)) = self.prefix.get(self.at) {
            self.at += 1;
            if offers.get(who).is_some_and(|(offer, _)| offer == key) {
                return Some(*who);
            }
            let mut notes = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            notes.missing = Some(format!("{who} {key}"));
            drop(notes);
            self.prefix.clear();
        }
        let mut all = offers.iter();
        let private = all.find(|(_, (key, _))| self.private.contains(key));
        let last = self.last.filter(|last| offers.contains_key(last));
        let lowest = || offers.keys().next().copied();
        private.map(|(who, _)| *who).or(last).or_else(lowest)
    }
}

fn key_of(offer: &Enabled) -> Key {
    match (&offer.step, &offer.request) {
        (Step::Start(_), _) => Key::Start,
        (_, Some(request)) => {
            let signature = &request.signature;
            Key::Request(signature.service.clone(), signature.text.clone())
        }
        _ => Key::Wake,
    }
}

impl Scheduler for Guided {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let offers = self.offers(enabled);
        let place = match self.pick(&offers) {
            Some(who) => {
                let (key, place) = &offers[&who];
                if !self.private.contains(key) {
                    self.last = Some(who);
                }
                *place
            }
            None => steps::run_out(enabled)?,
        };
        let keys = offers.into_iter().map(|(who, (key, _))| (who, key));
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.choices.push(Choice {
            offers: keys.collect(),
            step: enabled[place].step.clone(),
        });
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twiceproof_model::{LinkId, Request, Signature};

    fn instance(number: u8) -> InstanceId {
        InstanceId::new(number).expect("numbers in tests are in bounds")
    }

    /// Returns the offers to let these instances go on, each with the text of its request.
    fn offers(all: &[(u8, &str)]) -> Vec<Enabled> {
        let offer = |(number, text): &(u8, &str)| {
            let id = RequestId {
                instance: instance(*number),
                ordinal: u32::from(text.as_bytes()[0]),
            };
            let request = Request {
                id,
                link: LinkId {
                    instance: id.instance,
                    service: "pg".into(),
                    ordinal: 1,
                },
                signature: Signature {
                    service: "pg".into(),
                    text: (*text).to_owned(),
                    nth: 1,
                },
            };
            Enabled {
                step: Step::Release(id),
                request: Some(request),
            }
        };
        all.iter().map(offer).collect()
    }

    fn key(text: &str) -> Arc<Key> {
        Arc::new(Key::Request("pg".into(), text.to_owned()))
    }

    fn guided(prefix: &[(u8, &str)]) -> Guided {
        let prefix = prefix.iter().map(|(who, text)| (instance(*who), key(text)));
        let private = Arc::new(BTreeSet::from([key("BEGIN")]));
        Guided::new(prefix.collect(), private, Log::default())
    }

    #[test]
    fn behind_the_prefix_nobody_is_interrupted_but_for_what_is_private() {
        let mut guided = guided(&[(2, "a")]);
        assert_eq!(guided.choose(&offers(&[(1, "a"), (2, "a")])), Some(1));
        assert_eq!(guided.choose(&offers(&[(1, "a"), (2, "b")])), Some(1));
        assert_eq!(guided.choose(&offers(&[(1, "BEGIN"), (2, "b")])), Some(0));
        assert_eq!(guided.choose(&offers(&[(1, "a"), (2, "b")])), Some(1));
        assert_eq!(guided.choose(&offers(&[(1, "a")])), Some(0));
        let notes = take(&guided.log);
        assert_eq!(notes.missing, None);
        let log = notes.choices;
        assert_eq!(log.len(), 5);
        assert_eq!(log[1].offers[&instance(2)], key("b"));
        assert_eq!(log[1].step.instance(), Some(instance(2)));
    }

    #[test]
    fn what_is_not_on_offer_ends_the_prefix() {
        let mut guided = guided(&[(1, "a"), (2, "a"), (2, "b")]);
        assert_eq!(guided.choose(&offers(&[(1, "a"), (2, "c")])), Some(0));
        assert_eq!(guided.choose(&offers(&[(1, "b"), (2, "c")])), Some(0));
        let missing = take(&guided.log).missing;
        assert_eq!(missing.as_deref(), Some("job#2 pg \"a\""));
    }
}
