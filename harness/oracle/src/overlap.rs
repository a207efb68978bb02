//! Which starts of a trial lived at once.

use std::collections::BTreeMap;
use twiceproof_model::event::Part;
use twiceproof_model::{Event, InstanceId, TrialRecord};

/// Where in the trace an instance lived: the places of its start and of its end.
pub(crate) type Lives = BTreeMap<InstanceId, (usize, usize)>;

/// Returns the lives of the main part.
pub(crate) fn lives(record: &TrialRecord) -> Lives {
    let mut lives = Lives::new();
    for (place, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => break,
            Event::Started(instance) => {
                lives.entry(*instance).or_insert((place, usize::MAX));
            }
            Event::Exited { instance, .. } => {
                if let Some((_, end)) = lives.get_mut(instance) {
                    *end = place;
                }
            }
            _ => {}
        }
    }
    lives
}

/// Returns whether another instance lived while this one did.
pub(crate) fn is_overlapped(lives: &Lives, instance: InstanceId) -> bool {
    let Some((from, to)) = lives.get(&instance) else {
        return false;
    };
    let mut others = lives.iter().filter(|(other, _)| **other != instance);
    others.any(|(_, (other_from, other_to))| other_from < to && from < other_to)
}
