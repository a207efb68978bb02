//! The difference between the clean state and a trial's, with who wrote what.

use crate::escape::{columns, count, cut, pad, show, value};
use crate::palette::{Palette, paint};
use crate::rows::{Rows, is_seen, senders, writers};
use crate::table::WIDTH_MAX;
use twiceproof_model::finding::{Difference, Finding};

/// The most differences that are shown in full.
const SHOWN_MAX: usize = 12;
/// What values are given of a line before names are.
const VALUE_MIN: usize = 20;
/// The most writers that are named beside an object.
const WRITERS_MAX: usize = 6;

/// Returns the headline: how many rows of how many objects differ.
pub fn headline(finding: &Finding) -> String {
    let objects = finding.objects.len() as u64;
    format!(
        "{} in {}",
        count(finding.differences_total, "difference"),
        count(objects, "object")
    )
}

/// Returns the lines of the section, each at most `width` wide.
pub fn lines(finding: &Finding, rows: &Rows, width: usize, palette: &Palette) -> Vec<String> {
    let width = width.clamp(40, WIDTH_MAX);
    let mut lines = Vec::new();
    if finding.differences.is_empty() && finding.differences_total == 0 {
        return lines;
    }
    lines.push(format!(
        "  {}  {}",
        paint(palette.head, "State"),
        headline(finding)
    ));
    let shown = &finding.differences[..finding.differences.len().min(SHOWN_MAX)];
    let names: Vec<_> = shown.iter().map(place).collect();
    let values: Vec<_> = shown
        .iter()
        .map(|one| (value(&one.expected), value(&one.found)))
        .collect();
    // Names come first, but values keep what they need, up to a bound.
    let widest = values
        .iter()
        .map(|(clean, found)| columns(clean).max(columns(found)))
        .max();
    let room = width.saturating_sub(4 + 4 + 10 + 4 + 9 + 2 * widest.unwrap_or(0).min(VALUE_MIN));
    let longest = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    let name_width = longest.min(room);
    for ((difference, name), values) in shown.iter().zip(&names).zip(&values) {
        lines.push(one(name, values, name_width, width));
        let by = recipient(difference).map(|to| senders(rows, &difference.object, to));
        if let Some(by) = by.filter(|by| !by.is_empty()) {
            lines.push(cut(&format!("        sent by {}", summary(&by)), width));
        }
    }
    let left = finding.differences_total.saturating_sub(shown.len() as u64);
    if left > 0 {
        lines.push(format!("    … and {}", count(left, "difference")));
    }
    for object in &finding.objects {
        let by = writers(rows, object);
        let who = match by.len() {
            0 if !is_seen(rows, &object.service) => {
                format!(
                    "not seen: operations of {} are no steps",
                    show(object.service.as_str(), 20)
                )
            }
            0 => "no step of the trace names a writer".to_owned(),
            _ => summary(&by),
        };
        let name = show(&object.to_string(), 40);
        lines.push(cut(&format!("    writes to {name}: {who}"), width));
    }
    lines
}

/// Returns the address that a mail went to, where the difference is about mails.
fn recipient(difference: &Difference) -> Option<&str> {
    if &*difference.object.object != "(mails)" {
        return None;
    }
    let (_, rest) = difference.row.split_once("to=")?;
    Some(rest.split(',').next().unwrap_or(rest).trim()).filter(|to| !to.is_empty())
}

fn summary(by: &[String]) -> String {
    let mut text = by[..by.len().min(WRITERS_MAX)].join(", ");
    if by.len() > WRITERS_MAX {
        text.push_str(&format!(
            " and {}",
            count((by.len() - WRITERS_MAX) as u64, "more step")
        ));
    }
    text
}

/// Returns where a difference lies: object, row, column, escaped.
pub fn place(difference: &Difference) -> String {
    let object = show(&difference.object.to_string(), 40);
    let row = show(&difference.row, 56);
    let column = show(&difference.column, 24);
    let words = [object, row, column];
    let words: Vec<_> = words
        .iter()
        .filter(|word| !word.is_empty())
        .map(String::as_str)
        .collect();
    words.join("  ")
}

fn one(name: &str, values: &(String, String), name_width: usize, width: usize) -> String {
    let name = pad(&cut(name, name_width), name_width);
    let room = (width.saturating_sub(4 + name_width + 4 + 10 + 4 + 9)) / 2;
    let clean = cut(&values.0, room.max(8));
    let found = cut(&values.1, room.max(8));
    cut(
        &format!("    {name}    clean run {clean}    this run {found}"),
        width,
    )
}
