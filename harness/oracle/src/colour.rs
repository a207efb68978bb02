//! Colours: the content of rows, with references replaced by the content of what they point to,
//! refined until no more rows can be told apart.

use crate::cell::Cell;
use crate::normal::{Depth, Table};
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::digest::{Digest, Hasher};
use twiceproof_model::snapshot::ObjectName;

/// Chains of references are followed this far.
const ROUNDS_MAX: u32 = 16;

type Colours = BTreeMap<ObjectName, Vec<Digest>>;
/// Row at the end of each reference: object, row, then object and row pointed to.
type Edges = Vec<(ObjectName, usize, usize, ObjectName, usize)>;

/// Replaces references to rows made in the trial by those rows' colours, and returns all colours
/// where the depth asks to compare by them.
pub(crate) fn refine(tables: &mut BTreeMap<ObjectName, Table>, depth: Depth) -> Colours {
    let edges = edges(tables);
    if edges.is_empty() {
        return Colours::new();
    }
    let mut colours = recolour(tables, &edges, None, depth);
    let mut distinct = count(&colours);
    for _ in 0..ROUNDS_MAX {
        colours = recolour(tables, &edges, Some(&colours), depth);
        let now = count(&colours);
        if now == distinct {
            break;
        }
        distinct = now;
    }
    for (name, row, column, target, target_row) in &edges {
        let colour = colours[target][*target_row];
        let table = tables.get_mut(name).expect("edges come from these tables");
        table.cells[*row][*column] = Cell::Reference(colour);
    }
    match depth {
        Depth::Forward => Colours::new(),
        Depth::Both => colours,
    }
}

fn edges(tables: &BTreeMap<ObjectName, Table>) -> Edges {
    let mut edges = Edges::new();
    for (name, table) in tables {
        for (column, target, target_column) in &table.references {
            let rows = tables[target].content.rows.iter().enumerate();
            let index: BTreeMap<&str, usize> = rows
                .filter_map(|(at, row)| Some((row.get(*target_column)?.as_deref()?, at)))
                .collect();
            for (row, cells) in table.cells.iter().enumerate() {
                if cells[*column] != Cell::Nowhere {
                    continue;
                }
                let value = table.content.rows[row][*column].as_deref();
                if let Some(at) = value.and_then(|value| index.get(value)) {
                    edges.push((name.clone(), row, *column, target.clone(), *at));
                }
            }
        }
    }
    edges
}

fn recolour(
    tables: &BTreeMap<ObjectName, Table>,
    edges: &Edges,
    old: Option<&Colours>,
    depth: Depth,
) -> Colours {
    let mut near: BTreeMap<(&ObjectName, usize), Vec<(String, Digest)>> = BTreeMap::new();
    if let Some(old) = old {
        for (name, row, column, target, target_row) in edges {
            let colour = old[target][*target_row];
            let place = format!("to {column}");
            near.entry((name, *row)).or_default().push((place, colour));
            if depth == Depth::Both {
                let place = format!("from {name} {column}");
                let colour = old[name][*row];
                near.entry((target, *target_row))
                    .or_default()
                    .push((place, colour));
            }
        }
    }
    let mut colours = Colours::new();
    for (name, table) in tables {
        let rows = table.cells.iter().enumerate().map(|(at, cells)| {
            let mut hasher = Hasher::new("row colour 1");
            hasher.field(&name.to_string());
            cells.iter().for_each(|cell| cell.hash(&mut hasher));
            let mut near = near.remove(&(name, at)).unwrap_or_default();
            near.sort();
            for (place, colour) in near {
                hasher.field(&place);
                hasher.field(&colour.to_string());
            }
            hasher.finish()
        });
        colours.insert(name.clone(), rows.collect());
    }
    colours
}

fn count(colours: &Colours) -> usize {
    colours.values().flatten().collect::<BTreeSet<_>>().len()
}
