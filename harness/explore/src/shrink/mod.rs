//! Shrinking: the same finding by fewer faults, fewer instances and fewer lines.
//!
//! Pure: the caller runs a case and says what it became. Removing a `run` line pushes its steps
//! into the same instance's next one, so cutting lines is all that delta debugging needs here.

mod cases;

use cases::{
    begins_fault, fewer_instances, weaker_fault, without_faults, without_lines, without_ordered,
};
use std::collections::BTreeSet;
use twiceproof_model::Schedule;
use twiceproof_model::schedule::Directive;

/// The most cases tried for one finding, where nobody says otherwise.
pub const TRIES_MAX: u32 = 40;

/// A schedule with the number of instances that take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The schedule.
    pub schedule: Schedule,
    /// How many instances.
    pub instances: u8,
}

impl Case {
    /// Returns what is to become less: faults, instances, lines with the requests of orders.
    pub fn size(&self) -> (usize, u8, usize) {
        let body = &self.schedule.body;
        let faults = body
            .iter()
            .filter(|directive| begins_fault(directive))
            .count();
        let ordered: usize = self.schedule.orders.iter().map(Vec::len).sum();
        (faults, self.instances, body.len() + ordered)
    }

    fn with_body(&self, body: Vec<Directive>) -> Self {
        let schedule = Schedule {
            body,
            ..self.schedule.clone()
        };
        Self {
            schedule,
            instances: self.instances,
        }
    }
}

/// Returns the smallest case found and how many were tried, at most so many.
///
/// `attempt` runs a case and returns it as it happened where it shows the same finding, so with
/// what could not be followed left out; `None` where it does not, or where no more may run.
pub fn shrink(
    start: Case,
    tries_max: u32,
    attempt: &mut dyn FnMut(&Case) -> Option<Case>,
) -> (Case, u32) {
    let mut search = Search {
        seen: BTreeSet::from([key(&start)]),
        best: start,
        tries: 0,
        tries_max,
        attempt,
    };
    loop {
        let before = search.best.size();
        search.pass();
        if search.best.size() >= before || search.tries >= tries_max {
            return (search.best, search.tries);
        }
    }
}

fn key(case: &Case) -> String {
    format!("{} {}", case.instances, case.schedule)
}

struct Search<'a> {
    best: Case,
    seen: BTreeSet<String>,
    tries: u32,
    tries_max: u32,
    attempt: &'a mut dyn FnMut(&Case) -> Option<Case>,
}

impl Search<'_> {
    /// Tries a case; returns whether it is now the smallest.
    fn attempt(&mut self, case: &Case) -> bool {
        if self.tries >= self.tries_max || case.size() >= self.best.size() {
            return false;
        }
        if !self.seen.insert(key(case)) {
            return false;
        }
        self.tries += 1;
        let Some(became) = (self.attempt)(case) else {
            return false;
        };
        if became.size() >= self.best.size() {
            return false;
        }
        self.seen.insert(key(&became));
        self.best = became;
        true
    }

    fn pass(&mut self) {
        self.faults();
        self.tail();
        self.blocks();
        while let Some(fewer) = fewer_instances(&self.best)
            && self.attempt(&fewer)
        {}
        self.orders();
        self.weaker();
    }

    /// Removes requests from orders, one at a time.
    fn orders(&mut self) {
        let (mut order, mut place) = (0, 0);
        while let Some(requests) = self.best.schedule.orders.get(order) {
            if place >= requests.len() {
                (order, place) = (order + 1, 0);
                continue;
            }
            let fewer = without_ordered(&self.best, order, place);
            if self.attempt(&fewer) {
                place = 0;
            } else {
                place += 1;
            }
        }
    }

    fn faults(&mut self) {
        let all = without_faults(&self.best, |_| true);
        if self.attempt(&all) {
            return;
        }
        let mut nth = 0;
        while nth < self.best.size().0 {
            let one = without_faults(&self.best, |place| place == nth);
            if !self.attempt(&one) {
                nth += 1;
            }
        }
    }

    /// Cuts half of the lines at the end, a quarter, an eighth.
    fn tail(&mut self) {
        let mut cut = self.best.schedule.body.len().div_ceil(2);
        while cut > 0 {
            let lines = self.best.schedule.body.len();
            let is_cut = cut <= lines && {
                let shorter = without_lines(&self.best, lines - cut, cut);
                self.attempt(&shorter)
            };
            if !is_cut {
                cut /= 2;
            }
        }
    }

    /// Removes blocks of lines, large ones first.
    fn blocks(&mut self) {
        let mut size = self.best.schedule.body.len() / 2;
        while size > 0 {
            let mut from = 0;
            while from + size <= self.best.schedule.body.len() {
                let shorter = without_lines(&self.best, from, size);
                if !self.attempt(&shorter) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    /// Puts a weaker fault in the place of one that stays: it is no smaller, but says more.
    fn weaker(&mut self) {
        let Some(weaker) = weaker_fault(&self.best) else {
            return;
        };
        if self.tries >= self.tries_max || !self.seen.insert(key(&weaker)) {
            return;
        }
        self.tries += 1;
        if let Some(became) = (self.attempt)(&weaker)
            && became.size().0 <= self.best.size().0
        {
            self.best = became;
        }
    }
}
