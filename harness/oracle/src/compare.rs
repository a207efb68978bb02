//! Comparing a state with the accepted ones.

use crate::baseline::Baseline;
use crate::cell::Cell;
use crate::normal::{Depth, Group, Normal, Rows, normalise, related};
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Difference, Snapshot};

/// The most differences kept of one comparison.
pub const DIFFERENCES_MAX: usize = 50;
/// The most characters kept of one value.
const VALUE_CHARS_MAX: usize = 200;

/// Whether objects that serve as locks are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Like all others: every run ended as the clean one, so every lock was given back.
    Compared,
    /// Not at all: recovery judges them.
    Ignored,
}

/// How a state differs from the nearest accepted one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, in order of objects, bounded.
    pub differences: Vec<Difference>,
    /// How many there are in all; 0: the state is accepted.
    pub total: u64,
    /// Every object that differs.
    pub objects: BTreeSet<ObjectName>,
    /// Objects whose hash differs in a way that cannot be judged, since their rows were not kept.
    pub unknown: BTreeSet<ObjectName>,
}

/// Compares a state with the accepted ones; of several, the nearest counts, and of equally near
/// ones the first.
pub fn compare(
    baseline: &Baseline,
    accepted: &[&Snapshot],
    snapshot: &Snapshot,
    locks: Locks,
) -> Comparison {
    let mut nearest: Option<Comparison> = None;
    for accepted in accepted {
        let comparison = compare_two(baseline, accepted, snapshot, locks);
        if comparison.total == 0 && comparison.unknown.is_empty() {
            return comparison;
        }
        let rank = |other: &Comparison| (other.total, other.unknown.len());
        if nearest
            .as_ref()
            .is_none_or(|old| rank(&comparison) < rank(old))
        {
            nearest = Some(comparison);
        }
    }
    nearest.unwrap_or_default()
}

/// Returns whether two states are equal in all that is compared; `None` where that cannot be told,
/// since rows were not kept.
pub fn same_state(baseline: &Baseline, one: &Snapshot, other: &Snapshot) -> Option<bool> {
    let comparison = compare_two(baseline, one, other, Locks::Compared);
    match (comparison.total, comparison.unknown.is_empty()) {
        (0, true) => Some(true),
        (0, false) => None,
        _ => Some(false),
    }
}

/// Returns a value cut to what is kept of it.
pub(crate) fn clip(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &value[..cut]),
        None => value.to_owned(),
    }
}

fn compare_two(
    baseline: &Baseline,
    expected: &Snapshot,
    found: &Snapshot,
    locks: Locks,
) -> Comparison {
    let names: BTreeSet<&ObjectName> = expected
        .objects
        .keys()
        .chain(found.objects.keys())
        .collect();
    let is_compared = |name: &ObjectName| {
        let is_lock = || crate::lock_object::is_lock(baseline, name);
        baseline.rules.compares(name)
            && !baseline.rules.is_per_run(name)
            && (locks == Locks::Compared || !is_lock())
    };
    let differs = |name: &&ObjectName| match (expected.objects.get(name), found.objects.get(name)) {
        (Some(left), Some(right)) => left.hash != right.hash || left.count != right.count,
        _ => true,
    };
    let differing: BTreeSet<ObjectName> = names
        .into_iter()
        .filter(differs)
        .filter(|name| is_compared(name))
        .cloned()
        .collect();
    if differing.is_empty() {
        return Comparison::default();
    }
    let wanted = related(baseline, expected, differing.clone());
    let mut wanted = related(baseline, found, wanted);
    wanted.retain(|name| is_compared(name));
    let mut comparison = Comparison::default();
    for depth in [Depth::Forward, Depth::Both] {
        let left = normalise(baseline, expected, &wanted, depth);
        let right = normalise(baseline, found, &wanted, depth);
        for name in &wanted {
            // Rows that were not kept are equal exactly where the hashes are.
            compare_object(
                name,
                &left,
                &right,
                differing.contains(name),
                &mut comparison,
            );
            if comparison.unknown.contains(name) {
                compare_counts(name, expected, found, &mut comparison);
            }
        }
        if comparison.total > 0 {
            break;
        }
    }
    comparison
}

fn compare_object(
    name: &ObjectName,
    left: &Normal,
    right: &Normal,
    hash_differs: bool,
    out: &mut Comparison,
) {
    match (left.get(name), right.get(name)) {
        (None, None) => {}
        (Some(rows), None) => whole_object(name, rows, ("present", "missing"), out),
        (None, Some(rows)) => whole_object(name, rows, ("missing", "present"), out),
        (
            Some(Rows::Known { columns, groups: a }),
            Some(Rows::Known {
                columns: others,
                groups: b,
            }),
        ) => {
            if columns == others {
                compare_rows(name, columns, a, b, out);
            } else if hash_differs {
                let (expected, found) = (columns.join(", "), others.join(", "));
                push(out, name, String::new(), "(columns)", expected, found, 1);
            }
        }
        (Some(_), Some(_)) => {
            if hash_differs {
                out.unknown.insert(name.clone());
            }
        }
    }
}

/// Compares by number what cannot be compared by row: no mask and no surrogate explains another
/// number.
fn compare_counts(name: &ObjectName, expected: &Snapshot, found: &Snapshot, out: &mut Comparison) {
    let count = |state: &Snapshot| state.objects.get(name).map_or(0, |object| object.count);
    let (left, right) = (count(expected), count(found));
    if left != right {
        out.unknown.remove(name);
        push(
            out,
            name,
            String::new(),
            "",
            counted(left),
            counted(right),
            left.abs_diff(right),
        );
    }
}

fn whole_object(name: &ObjectName, rows: &Rows, sides: (&str, &str), out: &mut Comparison) {
    let count = match rows {
        Rows::Known { groups, .. } => groups.values().map(|group| group.count).sum::<u64>(),
        Rows::Unknown => 0,
    };
    let word = |side: &str| match side {
        "present" => format!("present, {}", counted(count)),
        other => other.to_owned(),
    };
    push(
        out,
        name,
        String::new(),
        "",
        word(sides.0),
        word(sides.1),
        1,
    );
}

/// Rows that one side has more often than the other: the cells, one of them, and how often here and
/// there.
struct Surplus<'a> {
    cells: &'a [Cell],
    group: &'a Group,
    here: u64,
    there: u64,
}

fn surplus<'a>(
    here: &'a BTreeMap<Vec<Cell>, Group>,
    there: &BTreeMap<Vec<Cell>, Group>,
) -> Vec<Surplus<'a>> {
    let rows = here.iter().map(|(cells, group)| Surplus {
        cells,
        group,
        here: group.count,
        there: there.get(cells).map_or(0, |group| group.count),
    });
    rows.filter(|row| row.here > row.there).collect()
}

fn compare_rows(
    name: &ObjectName,
    columns: &[String],
    left: &BTreeMap<Vec<Cell>, Group>,
    right: &BTreeMap<Vec<Cell>, Group>,
    out: &mut Comparison,
) {
    let missing = surplus(left, right);
    let mut extra = surplus(right, left);
    for row in missing {
        let same = |other: &Surplus<'_>| {
            row.group.identity && other.group.identity && other.group.label == row.group.label
        };
        match extra.iter().position(same) {
            Some(at) => {
                let other = extra.remove(at);
                changed_row(name, columns, &row, &other, out);
            }
            None => counted_row(name, columns, &row, (row.here, row.there), out),
        }
    }
    for row in extra {
        counted_row(name, columns, &row, (row.there, row.here), out);
    }
}

fn changed_row(
    name: &ObjectName,
    columns: &[String],
    left: &Surplus<'_>,
    right: &Surplus<'_>,
    out: &mut Comparison,
) {
    for (index, (a, b)) in left.cells.iter().zip(right.cells).enumerate() {
        if a != b {
            let column = columns
                .get(index)
                .map_or("(rows that point here)", String::as_str);
            let label = left.group.label.clone();
            push(
                out,
                name,
                label,
                column,
                clip(&a.text()),
                clip(&b.text()),
                1,
            );
        }
    }
}

fn counted_row(
    name: &ObjectName,
    columns: &[String],
    row: &Surplus<'_>,
    counts: (u64, u64),
    out: &mut Comparison,
) {
    let label = if row.group.identity {
        row.group.label.clone()
    } else {
        let cells = columns.iter().zip(row.cells);
        // What is null or made by the service tells rows apart least.
        let told = |cell: &Cell| !matches!(cell, Cell::Surrogate | Cell::Null);
        let words = cells
            .filter(|(_, cell)| told(cell))
            .map(|(column, cell)| format!("{column}={}", cell.text()));
        clip(&words.collect::<Vec<_>>().join(", "))
    };
    let (expected, found) = (counted(counts.0), counted(counts.1));
    push(
        out,
        name,
        label,
        "",
        expected,
        found,
        counts.0.abs_diff(counts.1),
    );
}

fn counted(count: u64) -> String {
    match count {
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}

fn push(
    out: &mut Comparison,
    name: &ObjectName,
    row: String,
    column: &str,
    expected: String,
    found: String,
    weight: u64,
) {
    out.total += weight;
    out.objects.insert(name.clone());
    if out.differences.len() < DIFFERENCES_MAX {
        out.differences.push(Difference {
            object: name.clone(),
            row,
            column: column.to_owned(),
            expected,
            found,
        });
    }
}
