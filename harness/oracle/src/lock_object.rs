//! Objects that serve as locks: created and removed, or set and reset, within one run.

use crate::baseline::{Baseline, CleanRequest};
use std::collections::BTreeSet;
use twiceproof_model::Snapshot;
use twiceproof_model::snapshot::ObjectName;

/// Writes that name the object which make it a lock: one takes it, one gives it back.
const WRITES_MIN: usize = 2;

/// Returns the objects that the clean run wrote at least twice and left as seeded.
pub fn infer(
    seed: &Snapshot,
    clean: &[Snapshot],
    requests: &[CleanRequest],
) -> BTreeSet<ObjectName> {
    let unchanged = seed.objects.iter().filter(|(name, object)| {
        let same = |state: &Snapshot| {
            let other = state.objects.get(name);
            other.is_some_and(|other| other.hash == object.hash && other.count == object.count)
        };
        !name.object.starts_with('(') && clean.iter().all(same)
    });
    let written = unchanged.filter(|(name, _)| {
        let writes = requests.iter().filter(|clean| {
            clean.request.signature.service == name.service
                && clean.reply.is_effective_write()
                && is_named(name, &clean.request.signature.text)
        });
        writes.count() >= WRITES_MIN
    });
    written.map(|(name, _)| name.clone()).collect()
}

/// Returns whether the object serves as a lock: inferred from the clean run, or there in no clean
/// state at all, as a lock file is, which is created and removed.
pub fn is_lock(baseline: &Baseline, name: &ObjectName) -> bool {
    let known = [&baseline.seed].into_iter().chain(&baseline.clean);
    let mut states = known.filter(|state| state.objects.contains_key(name));
    let is_whole_service = name.object.starts_with('(');
    baseline.lock_objects.contains(name) || (!is_whole_service && states.next().is_none())
}

/// Returns whether the request's text names the object, by the last part of its name.
pub(crate) fn is_named(name: &ObjectName, text: &str) -> bool {
    let last = name.object.rsplit(['.', ':']).next();
    names_word(text, last.unwrap_or(&name.object))
}

/// Returns whether the word stands in the text, with no letter, digit or underscore beside it.
pub fn names_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
}
