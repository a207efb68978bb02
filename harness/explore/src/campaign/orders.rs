//! Which orders of conflicting requests trials went through, and how many there may be that none
//! did.

use crate::footprint::{self, Footprint};
use crate::schedule_of::main_part;
use std::collections::BTreeMap;
use twiceproof_model::digest::Hasher;
use twiceproof_model::record::Drive;
use twiceproof_model::{Event, InstanceId, Reply, Request, ServiceName, TrialRecord};

/// The most different requests that are told apart; with more, nothing is counted.
const REQUESTS_MAX: usize = 400;
/// The most classes of orders that are remembered; with more, they are no longer counted.
const CLASSES_MAX: usize = 100_000;

/// How much of the orders of conflicting requests was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct OrderCoverage {
    /// Pairs of conflicting requests of two instances, each pair seen in some trial.
    pub pairs: u32,
    /// Those of them that were seen in both orders.
    pub both: u32,
    /// Random orders that were looked at.
    pub samples: u32,
    /// Into how many classes they fall: those of one class order all conflicting requests alike.
    pub classes: u32,
    /// Classes that one random order alone fell into.
    pub once: u32,
    /// Whether nothing was counted, since there are too many different requests or classes.
    pub is_over: bool,
}

/// What is kept while trials run.
#[derive(Default)]
pub(super) struct Orders {
    kinds: BTreeMap<ServiceName, String>,
    /// The number of each request by service, text, and whether it was told to write.
    numbers: BTreeMap<(ServiceName, String, bool), usize>,
    footprints: Vec<Footprint>,
    /// For each request, with which others it conflicts.
    conflicts: Vec<Vec<bool>>,
    /// By a request of the lower instance and one of the higher: whether that of the lower was
    /// seen first, and whether that of the higher was.
    pairs: BTreeMap<(usize, usize), (bool, bool)>,
    /// How many random orders fell into each class.
    classes: BTreeMap<String, u32>,
    samples: u32,
    is_over: bool,
}

/// An answered request of a trial.
struct Answered {
    instance: InstanceId,
    number: usize,
    nth: u32,
}

impl Orders {
    pub(super) fn new(kinds: &BTreeMap<ServiceName, String>) -> Self {
        Self {
            kinds: kinds.clone(),
            ..Self::default()
        }
    }

    /// Looks at a trial that proves something.
    pub(super) fn see(&mut self, record: &TrialRecord, is_sample: bool) {
        if record.drive != Drive::Steps || record.instances < 2 || self.is_over {
            return;
        }
        let answered = self.answered(record);
        if self.is_over {
            return;
        }
        self.see_pairs(&answered);
        if is_sample {
            self.samples += 1;
            *self.classes.entry(self.class(&answered)).or_default() += 1;
            self.is_over = self.classes.len() > CLASSES_MAX;
        }
    }

    pub(super) fn coverage(&self) -> OrderCoverage {
        if self.is_over {
            return OrderCoverage {
                is_over: true,
                ..OrderCoverage::default()
            };
        }
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        OrderCoverage {
            pairs: count(self.pairs.len()),
            both: count(
                self.pairs
                    .values()
                    .filter(|(one, other)| *one && *other)
                    .count(),
            ),
            samples: self.samples,
            classes: count(self.classes.len()),
            once: count(self.classes.values().filter(|times| **times == 1).count()),
            is_over: false,
        }
    }

    /// Returns the requests of the main part in the order in which the services did them.
    fn answered(&mut self, record: &TrialRecord) -> Vec<Answered> {
        let mut held: BTreeMap<_, &Request> = BTreeMap::new();
        let mut answered = Vec::new();
        for stamped in main_part(&record.trace) {
            match &stamped.event {
                Event::Held(request) => {
                    held.insert(request.id, request);
                }
                Event::Answered { request, reply } => {
                    let Some(request) = held.get(request) else {
                        continue;
                    };
                    let Some(number) = self.number(request, reply) else {
                        self.is_over = true;
                        return Vec::new();
                    };
                    answered.push(Answered {
                        instance: request.id.instance,
                        number,
                        nth: request.signature.nth,
                    });
                }
                _ => {}
            }
        }
        answered
    }

    /// Returns the number of a request; `None` where there are too many.
    fn number(&mut self, request: &Request, reply: &Reply) -> Option<usize> {
        let signature = &request.signature;
        let key = (
            signature.service.clone(),
            signature.text.clone(),
            reply.writes,
        );
        if let Some(number) = self.numbers.get(&key) {
            return Some(*number);
        }
        let number = self.footprints.len();
        if number >= REQUESTS_MAX {
            return None;
        }
        let footprint = footprint::of(&self.kinds, request, reply);
        for (other, row) in self.footprints.iter().zip(&mut self.conflicts) {
            row.push(other.conflicts(&footprint));
        }
        let mut row: Vec<bool> = self.conflicts.iter().map(|row| row[number]).collect();
        row.push(footprint.conflicts(&footprint));
        self.conflicts.push(row);
        self.footprints.push(footprint);
        self.numbers.insert(key, number);
        Some(number)
    }

    fn see_pairs(&mut self, answered: &[Answered]) {
        let mut before: BTreeMap<InstanceId, Vec<bool>> = BTreeMap::new();
        for one in answered {
            let others = before
                .iter()
                .filter(|(instance, _)| **instance != one.instance);
            for (instance, seen) in others {
                for (other, seen) in seen.iter().enumerate() {
                    if !seen || !self.conflicts[one.number][other] {
                        continue;
                    }
                    if *instance < one.instance {
                        self.pairs.entry((other, one.number)).or_default().0 = true;
                    } else {
                        self.pairs.entry((one.number, other)).or_default().1 = true;
                    }
                }
            }
            let own = before.entry(one.instance).or_default();
            own.resize(self.footprints.len(), false);
            own[one.number] = true;
        }
    }

    /// Returns what trials that order all conflicting requests alike have in common: for each
    /// request of each instance, the last one before it of each other instance that conflicts.
    fn class(&self, answered: &[Answered]) -> String {
        let mut last: BTreeMap<(InstanceId, usize), usize> = BTreeMap::new();
        let mut done: BTreeMap<InstanceId, usize> = BTreeMap::new();
        let mut lines: BTreeMap<InstanceId, Hasher> = BTreeMap::new();
        for one in answered {
            let line = lines
                .entry(one.instance)
                .or_insert_with(|| Hasher::new("order 1"));
            line.field(&format!("{} {}", one.number, one.nth));
            let mut before: BTreeMap<InstanceId, usize> = BTreeMap::new();
            for ((instance, other), place) in &last {
                if *instance != one.instance && self.conflicts[one.number][*other] {
                    let latest = before.entry(*instance).or_default();
                    *latest = (*place).max(*latest);
                }
            }
            for (instance, place) in before {
                line.field(&format!("after {instance} {place}"));
            }
            let done = done.entry(one.instance).or_default();
            *done += 1;
            last.insert((one.instance, one.number), *done);
        }
        let mut class = Hasher::new("class 1");
        for (instance, line) in lines {
            class.field(&instance.to_string());
            class.field(&line.finish().to_string());
        }
        class.finish().short()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::claim::tests::record_of;

    fn orders(trials: &[&str]) -> OrderCoverage {
        let kinds = BTreeMap::from([("pg".into(), "postgres".to_owned())]);
        let mut orders = Orders::new(&kinds);
        for words in trials {
            orders.see(&record_of(words), true);
        }
        orders.coverage()
    }

    #[test]
    fn pairs_are_seen_in_one_order_or_in_both() {
        // Reads of one table do not conflict; a read and a write of it, and two writes, do.
        let seen = |trials: &[&str]| (orders(trials).both, orders(trials).pairs);
        assert_eq!(seen(&["1r 2r"]), (0, 0));
        assert_eq!(seen(&["1r 2w"]), (0, 1));
        assert_eq!(seen(&["1r 2w", "2w 1r"]), (1, 1));
        assert_eq!(seen(&["1w 2w"]), (0, 1));
        assert_eq!(seen(&["1r 1w 2r 2w"]), (0, 3));
        assert_eq!(seen(&["1r 1w 2r 2w", "2r 2w 1r 1w"]), (3, 3));
        assert_eq!(seen(&["1r 1o", "2o 1r"]), (0, 0));
    }

    #[test]
    fn orders_of_what_does_not_conflict_are_one_class() {
        let classes = |trials: &[&str]| {
            let orders = orders(trials);
            (orders.samples, orders.classes, orders.once)
        };
        assert_eq!(classes(&["1r 2r 1o", "2r 1r 1o", "1r 1o 2r"]), (3, 1, 0));
        assert_eq!(classes(&["1r 2w", "2w 1r", "1r 2w"]), (3, 2, 1));
        // The same pairs in the same orders, with private requests between them.
        assert_eq!(classes(&["1o 1w 2o 2w", "2o 1o 1w 2w"]), (2, 1, 0));
        assert_eq!(classes(&["1w 2w 1w", "1w 1w 2w", "2w 1w 1w"]), (3, 3, 3));
    }

    #[test]
    fn too_many_requests_are_not_counted() {
        let many: Vec<String> = (0..500).map(|n| format!("1:t{n}")).collect();
        let seen = orders(&["1r 2w", &many.join(" ")]);
        assert!(seen.is_over);
        assert_eq!((seen.pairs, seen.samples), (0, 0));
    }
}
