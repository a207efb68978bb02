//! What the clean runs show as volatile.

use crate::baseline::Baseline;
use crate::compare::{Locks, compare};
use crate::mask::{Mask, MaskOrigin};
use crate::normal::is_surrogate;
use crate::rules::StateRules;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::Snapshot;
use twiceproof_model::snapshot::{Content, ObjectName};

/// Why clean runs cannot serve as a baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineDoubt {
    /// The clean runs leave other objects behind.
    Objects(ObjectName),
    /// The clean runs leave another number of rows.
    Count {
        /// Where.
        object: ObjectName,
        /// Rows after the first run.
        first: u64,
        /// Rows after another one.
        other: u64,
    },
    /// Every column differs between the clean runs, so nothing is left to compare.
    AllColumns(ObjectName),
    /// The rows differ in a way that no mask explains.
    Rows(ObjectName),
    /// The rows differ and were not kept, since there are too many.
    RowsNotKept(ObjectName),
}

impl std::fmt::Display for BaselineDoubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Objects(name) => write!(f, "only some of the clean runs leave {name} behind"),
            Self::Count {
                object,
                first,
                other,
            } => write!(
                f,
                "the clean runs leave {first} and {other} rows in {object}"
            ),
            Self::AllColumns(name) => {
                write!(f, "every column of {name} differs between the clean runs")
            }
            Self::Rows(name) => write!(
                f,
                "the clean runs differ in {name} in a way that no mask explains"
            ),
            Self::RowsNotKept(name) => write!(
                f,
                "the clean runs differ in {name}, which has too many rows to compare"
            ),
        }
    }
}

impl std::error::Error for BaselineDoubt {}

/// Returns the masks that the differences between the clean runs call for; those of the baseline
/// are kept aside.
///
/// A column that is equal in all clean runs is never masked.
pub fn learn_masks(baseline: &Baseline, clean: &[&Snapshot]) -> Result<Vec<Mask>, BaselineDoubt> {
    let Some((first, others)) = clean.split_first() else {
        return Ok(Vec::new());
    };
    let mut learnt = baseline.clone();
    for other in others {
        same_objects(&learnt, first, other)?;
        for name in differing(&learnt, first, other) {
            let columns = volatile_columns(&learnt, &name, first, other)?;
            learnt.add_masks(columns);
        }
    }
    for other in others {
        if let Some(name) = differing(&learnt, first, other).into_iter().next() {
            return Err(BaselineDoubt::Rows(name));
        }
    }
    let known = &baseline.masks;
    let is_new = |mask: &Mask| {
        let same = |old: &Mask| old.object == mask.object && old.column == mask.column;
        !known.iter().any(same)
    };
    Ok(learnt.masks.into_iter().filter(is_new).collect())
}

/// Returns the masks that the target file asks for, of columns that the states have.
pub fn file_masks(states: &[Snapshot], rules: &StateRules) -> Vec<Mask> {
    let mut masks = BTreeSet::new();
    for (name, object) in states.iter().flat_map(|state| &state.objects) {
        for column in object.content.iter().flat_map(|content| &content.columns) {
            if rules.masks(name, &column.name) {
                masks.insert(Mask {
                    object: name.clone(),
                    column: column.name.clone(),
                    origin: MaskOrigin::File,
                    time: column.time,
                });
            }
        }
    }
    masks.into_iter().collect()
}

fn same_objects(
    baseline: &Baseline,
    first: &Snapshot,
    other: &Snapshot,
) -> Result<(), BaselineDoubt> {
    let names: BTreeSet<&ObjectName> = first.objects.keys().chain(other.objects.keys()).collect();
    for name in names
        .into_iter()
        .filter(|name| baseline.rules.compares(name))
    {
        match (first.objects.get(name), other.objects.get(name)) {
            (Some(a), Some(b)) if a.count != b.count => {
                return Err(BaselineDoubt::Count {
                    object: name.clone(),
                    first: a.count,
                    other: b.count,
                });
            }
            (Some(_), Some(_)) => {}
            _ => return Err(BaselineDoubt::Objects(name.clone())),
        }
    }
    Ok(())
}

fn differing(baseline: &Baseline, first: &Snapshot, other: &Snapshot) -> BTreeSet<ObjectName> {
    let comparison = compare(baseline, &[first], other, Locks::Compared);
    let mut objects = comparison.objects;
    objects.extend(comparison.unknown);
    objects
}

fn volatile_columns(
    baseline: &Baseline,
    name: &ObjectName,
    first: &Snapshot,
    other: &Snapshot,
) -> Result<Vec<Mask>, BaselineDoubt> {
    let contents = baseline
        .content(first, name)
        .zip(baseline.content(other, name));
    let Some((a, b)) = contents else {
        return Err(BaselineDoubt::RowsNotKept(name.clone()));
    };
    if a.columns != b.columns {
        return Err(BaselineDoubt::Rows(name.clone()));
    }
    let candidates: Vec<usize> = (0..a.columns.len())
        .filter(|index| {
            let column = &a.columns[*index];
            !is_surrogate(baseline, name, &a, *index)
                && column.references.is_none()
                && baseline.mask(name, &column.name).is_none()
        })
        .collect();
    let mut volatile: Vec<usize> = match by_key(baseline, name, &a, &b) {
        Some(pairs) => candidates
            .iter()
            .copied()
            .filter(|index| pairs.iter().any(|(x, y)| x.get(*index) != y.get(*index)))
            .collect(),
        None => Vec::new(),
    };
    if volatile.is_empty() {
        let differs = |index: &usize| column_cells(&a, *index) != column_cells(&b, *index);
        volatile = candidates.iter().copied().filter(differs).collect();
    }
    if !candidates.is_empty()
        && volatile.len() == candidates.len()
        && !has_stable_key(&a, &volatile)
    {
        return Err(BaselineDoubt::AllColumns(name.clone()));
    }
    let masks = volatile.into_iter().map(|index| Mask {
        object: name.clone(),
        column: a.columns[index].name.clone(),
        origin: MaskOrigin::Learnt,
        time: a.columns[index].time,
    });
    Ok(masks.collect())
}

/// Returns whether rows can still be told apart by a key when these columns are masked.
fn has_stable_key(content: &Content, volatile: &[usize]) -> bool {
    let mut columns = content.columns.iter().enumerate();
    columns.any(|(index, column)| column.key && !volatile.contains(&index))
}

type Row = Vec<Option<String>>;

/// Returns the rows of both sides in pairs, where both have the same primary keys. Keys that the
/// service made in these runs tell nothing: two runs may hand them out in another order.
fn by_key<'a>(
    baseline: &Baseline,
    name: &ObjectName,
    a: &'a Content,
    b: &'a Content,
) -> Option<Vec<(&'a Row, &'a Row)>> {
    let key: Vec<usize> = (0..a.columns.len())
        .filter(|index| a.columns[*index].key)
        .collect();
    let seed = baseline.content(&baseline.seed, name);
    let is_made = |index: usize| {
        let seeded = crate::normal::seed_values(seed.as_deref(), &a.columns[index].name);
        let mut cells = a
            .rows
            .iter()
            .chain(&b.rows)
            .filter_map(|row| row.get(index)?.as_deref());
        is_surrogate(baseline, name, a, index) && cells.any(|value| !seeded.contains(value))
    };
    if key.iter().any(|index| is_made(*index)) {
        return None;
    }
    if key.is_empty() {
        return None;
    }
    let index = |content: &'a Content| -> BTreeMap<Vec<Option<&'a str>>, &'a Row> {
        let rows = content.rows.iter().map(|row| {
            let cells = key.iter().map(|at| row.get(*at).and_then(Option::as_deref));
            (cells.collect(), row)
        });
        rows.collect()
    };
    let (left, right) = (index(a), index(b));
    let same = left.len() == right.len() && left.keys().eq(right.keys());
    same.then(|| left.into_values().zip(right.into_values()).collect())
}

/// Returns the column's cells in an order of their own.
fn column_cells(content: &Content, index: usize) -> Vec<Option<&str>> {
    let cells = content.rows.iter().map(|row| row.get(index));
    let mut cells: Vec<Option<&str>> = cells.map(|cell| cell.and_then(Option::as_deref)).collect();
    cells.sort_unstable();
    cells
}
