//! The guard: a trial again, with one step after another that it is taken not to depend on.

use super::events::{EventId, Events};
use super::seen::Key;
use std::collections::BTreeSet;

/// Returns another order of the same class, in which a request comes after one that it came
/// before, and the two in words; `None` where no two can change places. `nth` says which of those
/// that can.
pub(super) fn find(events: &Events, order: &[EventId], nth: u64) -> Option<(Vec<EventId>, String)> {
    let pairs: Vec<(usize, usize)> = (0..order.len())
        .filter_map(|second| Some((movable(events, order, second)?, second)))
        .collect();
    let count = u64::try_from(pairs.len()).unwrap_or(u64::MAX);
    let place = usize::try_from(nth.checked_rem(count)?).unwrap_or(0);
    let (first, second) = pairs[place];
    let mut twin = order.to_vec();
    twin[first..=second].rotate_left(1);
    Some((twin, words(events, order[first], order[second])))
}

/// Returns the last request before this one that may as well come after it, all between the two
/// being what this one comes after.
fn movable(events: &Events, order: &[EventId], second: usize) -> Option<usize> {
    let is_request = |id: EventId| matches!(*events.event(id).key, Key::Request(..));
    let before = |place: &usize| events.is_before(order[*place], order[second]);
    let first = (0..second).rev().find(|place| !before(place))?;
    (is_request(order[first]) && is_request(order[second])).then_some(first)
}

/// Returns the first two steps that two orders of the same steps have in another order, in words.
pub(super) fn first_difference(
    events: &Events,
    one: &[EventId],
    other: &[EventId],
) -> Option<String> {
    let (first, second) = one.iter().zip(other).find(|(a, b)| a != b)?;
    Some(words(events, *first, *second))
}

fn words(events: &Events, first: EventId, second: EventId) -> String {
    let names = BTreeSet::from([first, second]).into_iter().map(|id| {
        let event = events.event(id);
        format!("{} {}", event.who, event.key)
    });
    names.collect::<Vec<_>>().join(" and ")
}
