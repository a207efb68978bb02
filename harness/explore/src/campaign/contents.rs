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
    /// Learns the rows that came with the record, and adds those that are known to what came
    /// without.
    pub(super) fn share(&mut self, record: &mut TrialRecord) {
        let states = [
            record.before_recovery.as_mut(),
            record.after_first_recovery.as_mut(),
            Some(&mut record.snapshot),
        ];
        for state in states.into_iter().flatten() {
            self.share_one(state);
        }
    }

    fn share_one(&mut self, state: &mut Snapshot) {
        for (name, object) in &mut state.objects {
            let key = (name.clone(), object.hash.clone(), object.count);
            match &object.content {
                None => object.content = self.known.get(&key).cloned(),
                Some(content) => {
                    let rows = content.rows.len();
                    if self.rows + rows <= ROWS_MAX && !self.known.contains_key(&key) {
                        self.known.insert(key, content.clone());
                        self.rows += rows;
                    }
                }
            }
        }
    }
}
