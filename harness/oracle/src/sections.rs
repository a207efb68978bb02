//! Sections of a declared lock: from when to when which instance believes that it holds which
//! object.

use crate::accepted::did_work;
use crate::glob;
use crate::lock_object::names_word;
use std::collections::BTreeMap;
use twiceproof_model::event::Part;
use twiceproof_model::target::LockSpec;
use twiceproof_model::{Event, InstanceId, Outcome, Reply, Request, TrialRecord};

/// A stretch of the trace in which an instance believes that it holds a lock.
pub(crate) struct Section {
    pub(crate) holder: InstanceId,
    /// What is locked; `None` where the text does not tell.
    object: Option<String>,
    is_shared: bool,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Places of the writes in it that changed rows.
    pub(crate) writes: Vec<usize>,
}

impl Section {
    /// Returns whether these two may never be at one time: of two instances, of one object, and not
    /// both shared. What cannot be told apart counts as one object.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        let is_one = match (&self.object, &other.object) {
            (Some(left), Some(right)) => left == right,
            _ => true,
        };
        self.holder != other.holder && is_one && !(self.is_shared && other.is_shared)
    }
}

/// Returns the sections of the lock in the main part of the record.
pub(crate) fn sections(lock: &LockSpec, record: &TrialRecord) -> Vec<Section> {
    let mut requests: BTreeMap<_, &Request> = BTreeMap::new();
    let mut reading = Reading {
        lock,
        open: Vec::new(),
        done: Vec::new(),
    };
    let mut end = record.trace.len();
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => {
                end = index;
                break;
            }
            Event::Held(request) => {
                requests.insert(request.id, request);
            }
            Event::Answered { request, reply } => {
                if let Some(request) = requests.get(request) {
                    reading.answered(request, reply, index);
                }
            }
            Event::Exited { instance, .. } => {
                reading.close(index, |section| section.holder == *instance);
            }
            _ => {}
        }
    }
    reading.close(end, |_| true);
    reading.done.sort_by_key(|section| section.from);
    reading.done
}

struct Reading<'a> {
    lock: &'a LockSpec,
    open: Vec<Section>,
    done: Vec<Section>,
}

impl Reading<'_> {
    fn answered(&mut self, request: &Request, reply: &Reply, index: usize) {
        let holder = request.id.instance;
        let signature = &request.signature;
        let text = &signature.text;
        let is_of_lock = signature.service == self.lock.service;
        let is = |pattern: &str| !pattern.is_empty() && glob::matches_prefix(pattern, text);
        if is_of_lock && is(&self.lock.release) {
            self.release(holder, text, index);
        } else if is_of_lock && is(&self.lock.acquire) {
            if reply.outcome == Outcome::Ok && reply.tags.iter().any(|tag| tag.rows != Some(0)) {
                self.acquire(holder, text, index);
            }
        } else if did_work(reply) {
            let own = self.open.iter_mut();
            for section in own.filter(|section| section.holder == holder) {
                section.writes.push(index);
            }
        }
    }

    fn acquire(&mut self, holder: InstanceId, text: &str, index: usize) {
        let (object, is_shared) = (object(text), is_shared(text));
        let is_held = |section: &Section| section.holder == holder && section.object == object;
        if self.open.iter().any(is_held) {
            return;
        }
        self.open.push(Section {
            holder,
            object,
            is_shared,
            from: index,
            to: index,
            writes: Vec::new(),
        });
    }

    /// Ends the sections that the request gives back: that of its object, or all of the instance
    /// where it names none.
    fn release(&mut self, holder: InstanceId, text: &str, index: usize) {
        let given = object(text);
        self.close(index, |section| {
            let is_given = match (&section.object, &given) {
                (Some(held), Some(given)) => held == given || names_word(text, held),
                _ => true,
            };
            section.holder == holder && is_given
        });
    }

    fn close(&mut self, index: usize, ends: impl Fn(&Section) -> bool) {
        for mut section in self.open.extract_if(.., |section| ends(section)) {
            section.to = index;
            self.done.push(section);
        }
    }
}

/// What the names of PostgreSQL's functions on advisory locks have in common.
const ADVISORY: &str = "advisory";

/// Commands of Redis that run a script: what it is and the number of keys stand before the keys.
const SCRIPTS: &[&str] = &["EVAL", "EVALSHA", "FCALL"];

/// First words of SQL, whose objects are masked or many.
const SQL: &[&str] = &[
    "BEGIN", "CALL", "COMMIT", "DELETE", "DO", "INSERT", "LOCK", "MERGE", "ROLLBACK", "SELECT",
    "UPDATE", "WITH",
];

/// Returns what the request locks or gives back, as far as its text tells: the numbers of an
/// advisory lock, the key, or the file with its bytes.
fn object(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if let Some(at) = lower.find(ADVISORY) {
        return numbers(&lower[at..]);
    }
    let mut words = text.split(' ');
    let verb = words.next()?;
    let object = match verb {
        // Locks on bytes of a file: each range is a lock of its own, all of them together are none.
        "lock" | "ofd-lock" | "unlock" => {
            let (file, bytes) = (words.next()?, words.next()?);
            match bytes {
                "ALL" => return None,
                _ => format!("{file} {bytes}"),
            }
        }
        _ if SCRIPTS.contains(&verb) => words.nth(2)?.to_owned(),
        _ if SQL.iter().any(|word| verb.eq_ignore_ascii_case(word)) => return None,
        _ => words.next()?.to_owned(),
    };
    (!object.contains('?')).then_some(object)
}

/// Returns the numbers that the call is given, if it is given nothing else.
fn numbers(call: &str) -> Option<String> {
    let (_, rest) = call.split_once('(')?;
    let (given, _) = rest.split_once(')')?;
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | ' ');
    let numbers: String = given.chars().filter(|c| *c != ' ').collect();
    (!numbers.is_empty() && given.chars().all(is_number)).then_some(numbers)
}

/// Returns whether several may have what the request locks at one time.
fn is_shared(text: &str) -> bool {
    let is_file = ["flock ", "lock ", "ofd-lock "];
    if is_file.iter().any(|verb| text.starts_with(verb)) {
        return text.split(' ').any(|word| word == "SH");
    }
    let lower = text.to_ascii_lowercase();
    let advisory = lower.find(ADVISORY).map(|at| &lower[at..]);
    let called = advisory.and_then(|call| call.split('(').next());
    let rows = [" for share", " for key share"];
    called.is_some_and(|name| name.contains("_shared"))
        || rows.iter().any(|mode| lower.contains(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_locked() {
        for (text, expect, shared) in [
            ("SELECT pg_advisory_lock(7)", Some("7"), false),
            (
                "select pg_try_advisory_xact_lock_shared(1, -2)",
                Some("1,-2"),
                true,
            ),
            ("SELECT pg_advisory_lock($1)", None, false),
            ("SELECT pg_advisory_lock(hashtext(?))", None, false),
            ("SELECT pg_advisory_unlock_all()", None, false),
            ("SELECT id FROM members WHERE id = ? FOR SHARE", None, true),
            (
                "SELECT id FROM members WHERE id = ? FOR UPDATE",
                None,
                false,
            ),
            ("SET lock:points ? NX PX ?", Some("lock:points"), false),
            ("SET lock:? ? NX", None, false),
            ("EVAL 63143b6f 1 lock:points ?", Some("lock:points"), false),
            ("flock job.lock SH", Some("job.lock"), true),
            ("flock job.lock EX NB", Some("job.lock"), false),
            ("lock f 7+3 SH", Some("f 7+3"), true),
            ("lock f ALL EX", None, false),
            ("create-new SH.lock", Some("SH.lock"), false),
        ] {
            assert_eq!(object(text).as_deref(), expect, "{text}");
            assert_eq!(is_shared(text), shared, "{text}");
        }
    }
}
