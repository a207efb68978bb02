//! Tables that look like logs of runs: every start adds as many rows as the clean run does, and the
//! rows say when or where.

use crate::baseline::Baseline;
use twiceproof_model::Snapshot;
use twiceproof_model::snapshot::ObjectName;

/// Returns the objects that every serial run added to, as the clean run did, with a column that
/// differs from run to run.
///
/// They are proposed, never taken for granted: a second row of a ledger is damage.
pub fn proposals(baseline: &Baseline) -> Vec<ObjectName> {
    let Some(clean) = baseline.clean.first() else {
        return Vec::new();
    };
    let count = |state: &Snapshot, name: &ObjectName| {
        state.objects.get(name).map_or(0, |object| object.count)
    };
    let grows = |name: &&ObjectName| {
        let seeded = count(&baseline.seed, name);
        let rows_a_start = count(clean, name).saturating_sub(seeded);
        let mut serial = baseline.serial.iter();
        rows_a_start > 0
            && !baseline.serial.is_empty()
            && serial.all(|outcome| {
                let added = rows_a_start.saturating_mul(u64::from(outcome.runs));
                count(&outcome.snapshot, name) == seeded.saturating_add(added)
            })
    };
    let says_when = |name: &&ObjectName| baseline.masks.iter().any(|mask| mask.object == **name);
    let names = clean.objects.keys();
    names
        .filter(|name| baseline.rules.compares(name) && !baseline.rules.is_per_run(name))
        .filter(|name| !name.object.starts_with('('))
        .filter(grows)
        .filter(says_when)
        .cloned()
        .collect()
}
