//! The normal form of a state: masked cells by class, keys made in the trial by the content of
//! their rows.
//!
//! A key that the seed has too is content: seeded rows keep their identity. Only keys made in the
//! trial are canonical, and references to them stand for the row that they point to.

use crate::baseline::Baseline;
use crate::cell::Cell;
use crate::colour;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_model::Snapshot;
use twiceproof_model::digest::Digest;
use twiceproof_model::snapshot::{Content, ObjectName};

/// Equal rows of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// How many there are.
    pub(crate) count: u64,
    /// The primary key of one of them, as people read it: `id=7`.
    pub(crate) label: String,
    /// Whether the key in the label is content, so that rows of two states with one label are the
    /// same row.
    pub(crate) identity: bool,
}

/// The rows of one object in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// The rows are known.
    Known {
        /// Names of the columns.
        columns: Vec<String>,
        /// The multiset of rows.
        groups: BTreeMap<Vec<Cell>, Group>,
    },
    /// The rows were not kept.
    Unknown,
}

/// The objects asked for, in normal form.
pub(crate) type Normal = BTreeMap<ObjectName, Rows>;

/// One object while references are resolved.
pub(crate) struct Table {
    pub(crate) content: Arc<Content>,
    pub(crate) cells: Vec<Vec<Cell>>,
    /// Column, and the object and column that it points to, where that one is a surrogate.
    pub(crate) references: Vec<(usize, ObjectName, usize)>,
    /// Whether each row's own key was made in the trial.
    pub(crate) fresh: Vec<bool>,
}

/// How deep structure is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// References by the content of the row they point to.
    Forward,
    /// Rows with a fresh key also by the rows that point to them: finds what the first cannot tell
    /// apart.
    Both,
}

/// Returns these objects of the state in normal form.
pub(crate) fn normalise(
    baseline: &Baseline,
    snapshot: &Snapshot,
    wanted: &BTreeSet<ObjectName>,
    depth: Depth,
) -> Normal {
    let mut tables = BTreeMap::new();
    for name in wanted {
        if let Some(content) = baseline.content(snapshot, name) {
            tables.insert(name.clone(), read(baseline, name, content));
        }
    }
    resolve_references(baseline, &mut tables);
    let colours = colour::refine(&mut tables, depth);
    let mut normal = Normal::new();
    for name in wanted {
        if !snapshot.objects.contains_key(name) {
            continue;
        }
        let rows = match tables.get(name) {
            Some(table) => group(table, colours.get(name)),
            None => Rows::Unknown,
        };
        normal.insert(name.clone(), rows);
    }
    normal
}

/// Returns these objects with all that reference them or are referenced by them, at any distance.
pub(crate) fn related(
    baseline: &Baseline,
    snapshot: &Snapshot,
    mut names: BTreeSet<ObjectName>,
) -> BTreeSet<ObjectName> {
    let mut edges: BTreeMap<ObjectName, BTreeSet<ObjectName>> = BTreeMap::new();
    for name in snapshot.objects.keys() {
        let Some(content) = baseline.content(snapshot, name) else {
            continue;
        };
        for column in &content.columns {
            if let Some((target, _)) = &column.references {
                edges
                    .entry(name.clone())
                    .or_default()
                    .insert(target.clone());
                edges
                    .entry(target.clone())
                    .or_default()
                    .insert(name.clone());
            }
        }
    }
    let mut open: Vec<ObjectName> = names.iter().cloned().collect();
    while let Some(name) = open.pop() {
        for other in edges.get(&name).into_iter().flatten() {
            if names.insert(other.clone()) {
                open.push(other.clone());
            }
        }
    }
    names
}

/// Returns whether the service made the column's values, by its catalogue or by the target file.
pub(crate) fn is_surrogate(
    baseline: &Baseline,
    name: &ObjectName,
    content: &Content,
    column: usize,
) -> bool {
    let column = &content.columns[column];
    column.surrogate || baseline.rules.is_surrogate(name, &column.name)
}

fn read(baseline: &Baseline, name: &ObjectName, content: Arc<Content>) -> Table {
    let seed = baseline.content(&baseline.seed, name);
    let seed = seed.as_deref();
    let seeded = SeedRows::of(baseline, name, &content, seed);
    let kinds: Vec<ColumnKind> = (0..content.columns.len())
        .map(|index| ColumnKind::of(baseline, name, &content, index, seed))
        .collect();
    let mut cells = Vec::with_capacity(content.rows.len());
    let mut fresh = Vec::with_capacity(content.rows.len());
    for row in &content.rows {
        let mut out = Vec::with_capacity(row.len());
        let mut is_fresh = false;
        for (index, kind) in kinds.iter().enumerate() {
            let cell = row.get(index).and_then(Option::as_deref);
            let normal = kind.cell(cell, || seeded.holds(row, index));
            is_fresh |= normal == Cell::Surrogate;
            out.push(normal);
        }
        cells.push(out);
        fresh.push(is_fresh);
    }
    Table {
        content,
        cells,
        references: Vec::new(),
        fresh,
    }
}

/// How the cells of one column are read.
enum ColumnKind<'a> {
    Plain,
    Masked { time: bool },
    Surrogate { seeded: BTreeSet<&'a str> },
}

impl<'a> ColumnKind<'a> {
    fn of(
        baseline: &Baseline,
        name: &ObjectName,
        content: &Content,
        index: usize,
        seed: Option<&'a Content>,
    ) -> Self {
        let column = &content.columns[index].name;
        if let Some(mask) = baseline.mask(name, column) {
            return ColumnKind::Masked { time: mask.time };
        }
        if !is_surrogate(baseline, name, content, index) {
            return ColumnKind::Plain;
        }
        ColumnKind::Surrogate {
            seeded: seed_values(seed, column),
        }
    }

    fn cell(&self, cell: Option<&str>, is_seed: impl FnOnce() -> bool) -> Cell {
        let Some(value) = cell else { return Cell::Null };
        match self {
            ColumnKind::Plain => Cell::Value(value.to_owned()),
            ColumnKind::Surrogate { seeded } if seeded.contains(value) => {
                Cell::Value(value.to_owned())
            }
            ColumnKind::Surrogate { .. } => Cell::Surrogate,
            ColumnKind::Masked { .. } if is_seed() => Cell::MaskedSeed,
            ColumnKind::Masked { time: true } => Cell::MaskedTime,
            ColumnKind::Masked { time: false } => Cell::MaskedRandom,
        }
    }
}

/// Returns the values that the column has in the seed.
pub(crate) fn seed_values<'a>(seed: Option<&'a Content>, column: &str) -> BTreeSet<&'a str> {
    let Some(seed) = seed else {
        return BTreeSet::new();
    };
    let Some(index) = seed.columns.iter().position(|other| other.name == column) else {
        return BTreeSet::new();
    };
    let cells = seed.rows.iter().filter_map(|row| row.get(index));
    cells.filter_map(Option::as_deref).collect()
}

/// The seed's rows by what identifies them; only read where a column is masked.
struct SeedRows<'a> {
    key: Vec<usize>,
    rows: BTreeMap<Vec<Option<&'a str>>, &'a [Option<String>]>,
}

impl<'a> SeedRows<'a> {
    fn of(
        baseline: &Baseline,
        name: &ObjectName,
        content: &Content,
        seed: Option<&'a Content>,
    ) -> Self {
        let masked: Vec<bool> = (content.columns.iter())
            .map(|column| baseline.mask(name, &column.name).is_some())
            .collect();
        let mut key: Vec<usize> = (0..masked.len())
            .filter(|index| content.columns[*index].key && !masked[*index])
            .collect();
        if key.is_empty() {
            key = (0..masked.len()).filter(|index| !masked[*index]).collect();
        }
        let mut rows = BTreeMap::new();
        let comparable = seed
            .filter(|seed| masked.contains(&true) && seed.columns.len() == content.columns.len());
        for row in comparable.into_iter().flat_map(|seed| &seed.rows) {
            rows.insert(key_of(&key, row), row.as_slice());
        }
        Self { key, rows }
    }

    fn holds(&self, row: &[Option<String>], column: usize) -> bool {
        let seeded = self.rows.get(&key_of(&self.key, row));
        seeded.is_some_and(|seeded| seeded.get(column) == row.get(column))
    }
}

fn key_of<'a>(key: &[usize], row: &'a [Option<String>]) -> Vec<Option<&'a str>> {
    let cells = key.iter().map(|index| row.get(*index));
    cells.map(|cell| cell.and_then(Option::as_deref)).collect()
}

/// Finds the references to keys that were made in the trial, and marks their cells.
fn resolve_references(baseline: &Baseline, tables: &mut BTreeMap<ObjectName, Table>) {
    let names: Vec<ObjectName> = tables.keys().cloned().collect();
    for name in names {
        let mut found = Vec::new();
        for (index, column) in tables[&name].content.columns.iter().enumerate() {
            let Some((target, target_column)) = &column.references else {
                continue;
            };
            let Some(table) = tables.get(target) else {
                continue;
            };
            let mut columns = table.content.columns.iter();
            let Some(at) = columns.position(|other| other.name == *target_column) else {
                continue;
            };
            if is_surrogate(baseline, target, &table.content, at) {
                found.push((index, target.clone(), at));
            }
        }
        for (index, target, at) in &found {
            let target_column = tables[target].content.columns[*at].name.clone();
            let seed = baseline.content(&baseline.seed, target);
            let seeded = seed_values(seed.as_deref(), &target_column);
            let table = tables.get_mut(&name).expect("the name came from this map");
            for row in &mut table.cells {
                let fresh =
                    matches!(&row[*index], Cell::Value(value) if !seeded.contains(value.as_str()));
                if fresh || row[*index] == Cell::Surrogate {
                    row[*index] = Cell::Nowhere;
                }
            }
        }
        let table = tables.get_mut(&name).expect("the name came from this map");
        table.references = found;
    }
}

fn group(table: &Table, colours: Option<&Vec<Digest>>) -> Rows {
    let columns: Vec<String> = (table.content.columns.iter())
        .map(|column| column.name.clone())
        .collect();
    let mut groups: BTreeMap<Vec<Cell>, Group> = BTreeMap::new();
    for (at, cells) in table.cells.iter().enumerate() {
        let mut key = cells.clone();
        if let Some(colours) = colours.filter(|_| table.fresh[at]) {
            key.push(Cell::Reference(colours[at]));
        }
        let group = groups.entry(key).or_insert_with(|| Group {
            count: 0,
            label: label(table, at),
            identity: has_identity(table, at),
        });
        group.count += 1;
    }
    Rows::Known { columns, groups }
}

fn label(table: &Table, at: usize) -> String {
    let raw = &table.content.rows[at];
    let columns = table.content.columns.iter().zip(raw);
    let words = columns
        .filter(|(column, _)| column.key)
        .map(|(column, raw)| {
            let value = raw.as_deref().unwrap_or("null");
            format!("{}={}", column.name, crate::compare::clip(value))
        });
    words.collect::<Vec<_>>().join(", ")
}

fn has_identity(table: &Table, at: usize) -> bool {
    let mut columns = table.content.columns.iter().zip(&table.cells[at]);
    table.content.columns.iter().any(|column| column.key)
        && columns.all(|(column, cell)| !column.key || matches!(cell, Cell::Value(_)))
}
