//! The schedule table: one column for each of two instances where there is room, else one column
//! for all.

use crate::escape::{VALUE_COLUMNS_MAX, columns, cut, cut_middle, pad, show};
use crate::palette::{Palette, paint};
use crate::rows::{Row, RowKind};
use twiceproof_model::InstanceId;

/// Under this width there is one column for all instances.
pub(crate) const TWO_COLUMNS_MIN: usize = 100;
/// The widest a line may be.
pub(crate) const WIDTH_MAX: usize = 120;
/// The most rows of a table; the least telling ones go first, then those in the middle.
pub(crate) const ROWS_MAX: usize = 40;
const REPLY_COLUMNS: usize = 16;
/// What of a request is looked at.
const REQUEST_COLUMNS_MAX: usize = 4096;

/// Returns the lines of the table, each at most `width` wide.
pub(crate) fn table(rows: &[Row], instances: u8, width: usize, palette: &Palette) -> Vec<String> {
    let width = width.clamp(40, WIDTH_MAX);
    let rows = fold(rows);
    if instances == 2 && width >= TWO_COLUMNS_MIN {
        two_columns(&rows, width, palette)
    } else {
        one_column(&rows, width, palette)
    }
}

fn two_columns(rows: &[Row], width: usize, palette: &Palette) -> Vec<String> {
    let cell = ((width - 10 - REPLY_COLUMNS - 2) / 2 - 2).min(VALUE_COLUMNS_MAX);
    let head = format!(
        "    {:<5}{}  {}  reply",
        "step",
        pad("job#1", cell),
        pad("job#2", cell)
    );
    let mut lines = vec![paint(palette.dim, head)];
    for row in rows {
        let text = fit(row, cell);
        let both = columns(&text).max(cell * 2 + 2);
        let cells = match row.instance.map(InstanceId::number) {
            Some(1) => format!("{}  {}", pad(&text, cell), " ".repeat(cell)),
            Some(2) => format!("{}  {}", " ".repeat(cell), pad(&text, cell)),
            _ => pad(&text, both),
        };
        lines.push(line(row, &cells, palette));
    }
    lines
}

fn one_column(rows: &[Row], width: usize, palette: &Palette) -> Vec<String> {
    let cell = (width - 10 - REPLY_COLUMNS - 8 - 2).min(VALUE_COLUMNS_MAX + 6);
    let head = format!("    {:<5}{:<8}{}  reply", "step", "who", pad("what", cell));
    let mut lines = vec![paint(palette.dim, head)];
    for row in rows {
        let who = row
            .instance
            .map(|instance| instance.to_string())
            .unwrap_or_default();
        let text = pad(&fit(row, cell), cell);
        lines.push(line(row, &format!("{who:<8}{text}"), palette));
    }
    lines
}

fn line(row: &Row, cells: &str, palette: &Palette) -> String {
    let mark = if row.matters { "●" } else { " " };
    let reply = show(&row.reply, REPLY_COLUMNS);
    let text = format!("  {mark} {:<5}{cells}  {reply}", row.number);
    let text = text.trim_end();
    match row.kind {
        RowKind::Fault => paint(palette.warn, text),
        RowKind::Request if row.matters => paint(palette.bad, text),
        RowKind::Request => text.to_owned(),
        RowKind::Note | RowKind::Gap => paint(palette.dim, text),
    }
}

/// Returns the row's cell within this many columns: a request keeps its end, where the WHERE
/// stands.
fn fit(row: &Row, cell: usize) -> String {
    let text = body(row);
    match row.kind {
        RowKind::Request => cut_middle(&text, cell),
        _ => cut(&text, cell),
    }
}

/// Returns what stands in the row's cell, escaped.
pub(crate) fn body(row: &Row) -> String {
    let text = cut_middle(&show(&row.text, REQUEST_COLUMNS_MAX), VALUE_COLUMNS_MAX);
    match (&row.kind, &row.service) {
        (RowKind::Request, Some(service)) => format!("{} {text}", pad(service.as_str(), 4)),
        (RowKind::Fault, _) => format!("░░░ {text} ░░░"),
        (RowKind::Note, _) => format!("· {text}"),
        _ => text,
    }
}

/// Returns at most [`ROWS_MAX`] rows: runs of untelling requests of one instance become one row
/// each, then the middle goes.
pub(crate) fn fold(rows: &[Row]) -> Vec<Row> {
    if rows.len() <= ROWS_MAX {
        return rows.to_vec();
    }
    let mut folded: Vec<Row> = Vec::new();
    let mut gap: Vec<Row> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let turns = |other: Option<&Row>| other.is_none_or(|other| other.instance != row.instance);
        let edge =
            turns(index.checked_sub(1).map(|before| &rows[before])) || turns(rows.get(index + 1));
        let telling = row.kind != RowKind::Request || row.writes || row.matters || edge;
        if telling
            || gap
                .first()
                .is_some_and(|first| first.instance != row.instance)
        {
            close_gap(&mut gap, &mut folded);
        }
        if telling {
            folded.push(row.clone());
        } else {
            gap.push(row.clone());
        }
    }
    close_gap(&mut gap, &mut folded);
    if folded.len() > ROWS_MAX {
        let mut kept = keep_matters(&folded);
        std::mem::swap(&mut folded, &mut kept);
    }
    folded
}

fn close_gap(gap: &mut Vec<Row>, folded: &mut Vec<Row>) {
    match gap.len() {
        0 => {}
        1 => folded.append(gap),
        steps => {
            let mut row = gap[0].clone();
            row.kind = RowKind::Gap;
            row.number = "…".to_owned();
            row.text = format!("{steps} steps that change nothing");
            row.reply = String::new();
            folded.push(row);
            gap.clear();
        }
    }
}

/// Returns the first and last rows and those that matter, as many as there is room for.
fn keep_matters(rows: &[Row]) -> Vec<Row> {
    let mut keep = vec![false; rows.len()];
    // One row of each gap's own is counted in: a kept row may open a gap.
    let mut room = ROWS_MAX / 2;
    let from_ends = (0..rows.len()).map(|n| {
        if n % 2 == 0 {
            n / 2
        } else {
            rows.len() - 1 - n / 2
        }
    });
    let order =
        (0..rows.len()).filter(|place| rows[*place].matters || rows[*place].kind == RowKind::Fault);
    for place in order.chain(from_ends) {
        if room > 0 && !keep[place] {
            keep[place] = true;
            room -= 1;
        }
    }
    let mut kept = Vec::new();
    let mut skipped = 0;
    for (row, keep) in rows.iter().zip(keep) {
        if !keep {
            skipped += 1;
            continue;
        }
        push_skipped(&mut kept, &mut skipped);
        kept.push(row.clone());
    }
    push_skipped(&mut kept, &mut skipped);
    kept
}

fn push_skipped(kept: &mut Vec<Row>, skipped: &mut usize) {
    if *skipped > 0 {
        kept.push(Row {
            kind: RowKind::Gap,
            number: "…".to_owned(),
            instance: None,
            service: None,
            text: format!("{skipped} rows left out here, all of them in the record"),
            reply: String::new(),
            writes: false,
            matters: false,
            events: Vec::new(),
        });
        *skipped = 0;
    }
}
