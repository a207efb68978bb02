//! Rows of states seen before: a lab fetches them only where it does not know their hash.

use std::collections::BTreeMap;
use std::sync::Arc;
use twiceproof_model::snapshot::{Content, ObjectName};
use twiceproof_model::{Snapshot, TrialRecord};

/// The most rows kept in all.
const ROWS_MAX: usize = 50_000;

/// Rows by object, hash and count.
#[derive(Default)]
pub(super) struct Contents {
    known: BTreeMap<(ObjectName, String, u64), Arc<Content>>,
    rows: usize,
}

impl Contents {
    /// Learns the rows that came with the records, and adds those that are known to what came
    /// without. First all, then each, since nobody knows which of the trials ran first.
    pub(super) fn share<'a>(&mut self, records: impl IntoIterator<Item = &'a mut TrialRecord>) {
        let mut states: Vec<&mut Snapshot> = records.into_iter().flat_map(states).collect();
        for state in &states {
            self.learn(state);
        }
        for state in &mut states {
            self.fill(state);
        }
    }

    fn learn(&mut self, state: &Snapshot) {
        for (name, object) in &state.objects {
            let Some(content) = &object.content else {
                continue;
            };
            let key = (name.clone(), object.hash.clone(), object.count);
            let rows = content.rows.len();
            if self.rows + rows <= ROWS_MAX && !self.known.contains_key(&key) {
                self.known.insert(key, content.clone());
                self.rows += rows;
            }
        }
    }

    fn fill(&self, state: &mut Snapshot) {
        let unfilled = state.objects.iter_mut();
        for (name, object) in unfilled.filter(|(_, object)| object.content.is_none()) {
            let key = (name.clone(), object.hash.clone(), object.count);
            object.content = self.known.get(&key).cloned();
        }
    }
}

fn states(record: &mut TrialRecord) -> impl Iterator<Item = &mut Snapshot> {
    let calm = record.before_recovery.iter_mut();
    let calm = calm.chain(&mut record.after_first_recovery);
    calm.chain([&mut record.snapshot])
}
