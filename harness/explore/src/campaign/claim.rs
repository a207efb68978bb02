//! The words of a pass: what it says of the orders that were not tried, and on what that rests.

use super::coverage::Coverage;
use super::interleavings::Interleavings;
use super::orders::OrderCoverage;

/// The stage that goes through all orders within its bound.
const EXHAUSTIVE: &str = "exhaustive";
/// Codes of trials whose steps were not all seen or not all awaited.
const GUESSED: &[&str] = &["TP-I04", "TP-I05"];

/// How far a pass reaches.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Claim {
    /// `exhaustive`, `sampled` or `best-effort`.
    pub word: &'static str,
    /// What it means, and what it rests on: a sentence each.
    pub because: Vec<String>,
}

impl Coverage {
    /// Returns what a pass over this coverage may claim.
    ///
    /// *Best-effort* where a step may have gone unseen: a trial, or the clean run, was a guess.
    /// *Exhaustive* where the exhaustive stage came to its end, every trial of it proves something,
    /// and the audit was clean. *Sampled* otherwise.
    pub fn claim(&self) -> Claim {
        let guessed: u32 = GUESSED
            .iter()
            .filter_map(|code| self.inconclusive.get(*code))
            .sum();
        let exhausted = self.stages.iter().any(|stage| {
            let is_whole = stage.run >= stage.planned && stage.inconclusive == 0;
            stage.name == EXHAUSTIVE && stage.run > 0 && is_whole
        });
        let is_parallel = |all: &Interleavings| all.is_parallel;
        let exhausted = exhausted && !self.interleavings.as_ref().is_some_and(is_parallel);
        let repeats = self.audit.tried > 0 && self.audit.same == self.audit.tried;
        let mut because = Vec::new();
        let word = if guessed > 0 || !self.guesses.is_empty() {
            because
                .push("some steps could not be seen or awaited, so an order may be missed".into());
            if guessed > 0 {
                because.push(format!("{guessed} trials were guesses and prove nothing"));
            }
            because.extend(self.guesses.iter().cloned());
            "best-effort"
        } else if exhausted && repeats {
            because.push("every order within the bound of the stage exhaustive was run".into());
            "exhaustive"
        } else {
            because.push("the orders that were run are some of all that there are".into());
            "sampled"
        };
        because.push(self.audit_words());
        if word != "exhaustive" {
            because.extend(self.orders.words());
        }
        Claim { word, because }
    }

    fn audit_words(&self) -> String {
        let audit = &self.audit;
        match audit.tried {
            0 => "no schedule was run twice, so it is not known whether runs repeat".to_owned(),
            tried if audit.same == tried => {
                format!("{tried} of {tried} schedules, run twice, took the same steps")
            }
            tried => {
                let sources = match audit.sources.as_slice() {
                    [] => String::new(),
                    sources => format!(": {}", sources.join("; ")),
                };
                format!(
                    "only {} of {tried} schedules, run twice, took the same steps{sources}",
                    audit.same
                )
            }
        }
    }
}

impl OrderCoverage {
    /// Returns the numbers, each with its meaning.
    fn words(&self) -> Vec<String> {
        if self.is_over {
            let text = "the orders of conflicting requests were not counted: there are too many \
                        different ones";
            return vec![text.to_owned()];
        }
        let mut words = Vec::new();
        if self.pairs > 0 {
            words.push(format!(
                "{} of {} pairs of conflicting requests, one of each of two instances, ran in \
                 both orders",
                self.both, self.pairs
            ));
        }
        if self.samples > 0 {
            words.push(format!("{}: {}", self.sampled(), self.unseen()));
        }
        words
    }

    fn sampled(&self) -> String {
        format!(
            "{} random orders fell into {} classes, in which conflicting requests follow each \
             other alike, {} of them met once",
            self.samples, self.classes, self.once
        )
    }

    /// Returns the estimate by Good and Turing: the chance that the next one is new is the share of
    /// those that were new and stayed alone.
    fn unseen(&self) -> String {
        let samples = u64::from(self.samples);
        match u64::from(self.once) * 100 / samples {
            _ if self.once == 0 => format!(
                "the next one would fall into a new class less often than about once in {samples}"
            ),
            0 => "the next one would fall into a new class in under 1 % of cases".to_owned(),
            percent => {
                format!("the next one would fall into a new class in about {percent} % of cases")
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::campaign::audit::Audit;
    use crate::campaign::coverage::StageCoverage;
    use std::collections::BTreeMap;
    use twiceproof_model::event::{Part, fingerprint};
    use twiceproof_model::record::{Drive, Timings};
    use twiceproof_model::{
        Event, InstanceId, LinkId, Outcome, Reply, Request, RequestId, Signature, Snapshot,
        Stamped, TrialRecord,
    };

    /// Returns a record of these requests: `1r` job#1 reads a table, `w` writes it, `o` writes one
    /// that is its own, `:t` writes the table `t`.
    pub(in crate::campaign) fn record_of(words: &str) -> TrialRecord {
        let mut trace = vec![Event::Begun(Part::Main)];
        for (word, ordinal) in words.split(' ').zip(1..) {
            let instance = InstanceId::new(word.as_bytes()[0] - b'0').expect("1 to 9");
            let (text, writes) = match &word[1..] {
                "r" => ("SELECT a FROM t".to_owned(), false),
                "w" => ("UPDATE t SET a = ?".to_owned(), true),
                "o" => (
                    format!("UPDATE own{instance} SET a = ?").replace('#', ""),
                    true,
                ),
                other => (format!("UPDATE {} SET a = ?", &other[1..]), true),
            };
            let id = RequestId { instance, ordinal };
            let request = Request {
                id,
                link: LinkId {
                    instance,
                    service: "pg".into(),
                    ordinal: 1,
                },
                signature: Signature {
                    service: "pg".into(),
                    text,
                    nth: 1,
                },
            };
            let reply = Reply {
                outcome: Outcome::Ok,
                tags: Vec::new(),
                writes,
                frees_locks: false,
            };
            trace.extend([
                Event::Held(request),
                Event::Forwarded(id),
                Event::Answered { request: id, reply },
            ]);
        }
        let trace = trace.into_iter().map(|event| Stamped { at_us: 0, event });
        let trace: Vec<Stamped> = trace.collect();
        TrialRecord {
            trial: 1,
            stage: "sample".to_owned(),
            seed: 1,
            instances: 2,
            drive: Drive::Steps,
            schedule: String::new(),
            fingerprint: fingerprint(&trace),
            trace,
            exits: BTreeMap::new(),
            recoveries: Vec::new(),
            before_recovery: None,
            after_first_recovery: None,
            snapshot: Snapshot::default(),
            divergence: None,
            doubts: Vec::new(),
            answers: BTreeMap::new(),
            changes: Vec::new(),
            outputs: BTreeMap::new(),
            timings: Timings::default(),
        }
    }

    fn coverage() -> Coverage {
        Coverage {
            stages: vec![StageCoverage {
                name: "exhaustive".to_owned(),
                planned: 24,
                run: 24,
                ..StageCoverage::default()
            }],
            audit: Audit {
                tried: 3,
                same: 3,
                sources: Vec::new(),
            },
            orders: OrderCoverage {
                pairs: 9,
                both: 7,
                samples: 60,
                classes: 14,
                once: 3,
                is_over: false,
            },
            ..Coverage::default()
        }
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Coverage), expect: &str) {
        let mut coverage = coverage();
        change(&mut coverage);
        let claim = coverage.claim();
        assert_eq!(claim.word, expect, "{claim:?}");
    }

    #[test]
    fn words_by_rule() {
        check(|_| {}, "exhaustive");
        check(|coverage| coverage.stages[0].run = 23, "sampled");
        check(|coverage| coverage.stages[0].inconclusive = 1, "sampled");
        check(|coverage| coverage.stages.clear(), "sampled");
        check(|coverage| coverage.audit.same = 2, "sampled");
        check(|coverage| coverage.audit = Audit::default(), "sampled");
        let guess = |coverage: &mut Coverage| {
            coverage.inconclusive.insert("TP-I05".to_owned(), 2);
        };
        check(guess, "best-effort");
        let opaque = |coverage: &mut Coverage| coverage.guesses.push("a link is opaque".to_owned());
        check(opaque, "best-effort");
    }

    #[test]
    fn no_number_without_its_meaning() {
        let mut text = String::new();
        let mut told = |name: &str, coverage: &Coverage| {
            let claim = coverage.claim();
            text += &format!("{name}: {}\n  {}\n", claim.word, claim.because.join("\n  "));
        };
        let whole = coverage();
        told("exhaustive", &whole);
        let mut sampled = whole.clone();
        sampled.stages.clear();
        told("sampled", &sampled);
        sampled.orders.once = 0;
        told("no class met once", &sampled);
        sampled.orders.samples = 1000;
        sampled.orders.once = 4;
        told("rare", &sampled);
        sampled.orders = OrderCoverage {
            is_over: true,
            ..OrderCoverage::default()
        };
        sampled.audit.same = 1;
        sampled.audit.sources = vec!["request 2 of job#1 is a once and b once".to_owned()];
        told("too many, and not repeatable", &sampled);
        let mut guessed = whole;
        guessed.inconclusive.insert("TP-I04".to_owned(), 5);
        guessed.guesses.push("pg: encrypted".to_owned());
        guessed.audit = Audit::default();
        told("guessed", &guessed);
        insta::assert_snapshot!(text);
    }
}
