//! Lines of the output plugin `test_decoding`: what became of the cells of a row.
//!
//! An update reads `table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:1`, with
//! a null left out of the old key. Names and types are quoted as SQL has them, values as literals.

use std::collections::BTreeMap;

/// An update of one row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Update {
    /// The table, schema and name, each quoted where SQL asks for it.
    pub(crate) table: String,
    /// The cells before; `None` where the table tells only its new rows.
    pub(crate) old: Option<Cells>,
    /// The cells after.
    pub(crate) new: Cells,
}

/// Cells of a row in the order of its columns. A value is absent where it was not told since it did
/// not change.
pub(crate) type Cells = Vec<(String, Option<Value>)>;

/// A value: `None` is null.
pub(crate) type Value = Option<String>;

impl Update {
    /// Returns the cells that changed: column, value before, value after.
    pub(crate) fn changes(&self) -> Vec<(&str, Value, Value)> {
        let Some(old) = &self.old else {
            return Vec::new();
        };
        let old: BTreeMap<&str, &Option<Value>> = old
            .iter()
            .map(|(column, value)| (column.as_str(), value))
            .collect();
        let told = self.new.iter().filter_map(|(column, value)| {
            let after = value.clone()?;
            // Nulls are left out of old keys.
            let before = match old.get(column.as_str()) {
                Some(value) => value.as_ref()?.clone(),
                None => None,
            };
            (before != after).then_some((column.as_str(), before, after))
        });
        told.collect()
    }

    /// Returns what identifies the row: its first cell.
    pub(crate) fn row(&self) -> String {
        match self.new.first() {
            Some((column, Some(Some(value)))) => format!("{column}={value}"),
            _ => String::new(),
        }
    }
}

/// Returns the update that a line tells, if it tells one.
pub(crate) fn update(line: &str) -> Option<Update> {
    let rest = line.strip_prefix("table ")?;
    let (table, rest) = rest.split_once(": UPDATE: ")?;
    let mut reader = Reader { rest };
    let old = match reader.take("old-key: ") {
        true => {
            let old = reader.cells();
            reader.take("new-tuple: ").then_some(old)
        }
        false => None,
    };
    Some(Update {
        table: table.to_owned(),
        old,
        new: reader.cells(),
    })
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start_matches(' ');
        match rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn cells(&mut self) -> Cells {
        let mut cells = Vec::new();
        while let Some(cell) = self.cell() {
            cells.push(cell);
        }
        cells
    }

    /// Takes `name[type]:value`.
    fn cell(&mut self) -> Option<(String, Option<Value>)> {
        let rest = self.rest.trim_start_matches(' ');
        if rest.is_empty() || rest.starts_with("new-tuple: ") {
            return None;
        }
        let (name, rest) = name(rest)?;
        let rest = behind_type(rest)?;
        let (value, rest) = value(rest)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// Takes a name, quoted or not, up to its type.
fn name(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => take_quoted(quoted, '"'),
        None => {
            let end = text.find('[')?;
            Some((text[..end].to_owned(), &text[end..]))
        }
    }
}

/// Skips `[type]:`; the type of an array has brackets of its own.
fn behind_type(text: &str) -> Option<&str> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return text[at + 1..].strip_prefix(':');
        }
    }
    None
}

/// Takes a value up to the blank behind it.
fn value(text: &str) -> Option<(Option<Value>, &str)> {
    let bits = text.strip_prefix("B'");
    if let Some(quoted) = text.strip_prefix('\'').or(bits) {
        let (value, rest) = take_quoted(quoted, '\'')?;
        return Some((Some(Some(value)), rest));
    }
    let end = text.find(' ').unwrap_or(text.len());
    let value = match &text[..end] {
        "null" => Some(None),
        "unchanged-toast-datum" => None,
        word => Some(Some(word.to_owned())),
    };
    Some((value, &text[end..]))
}

/// Takes what stands before the closing quote; a doubled one stands for itself.
fn take_quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = rest.find(quote)?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(quote) {
            Some(behind) => {
                value.push(quote);
                rest = behind;
            }
            None => return Some((value, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &[&str]) {
        let update = update(line).expect(line);
        let word = |value: Value| value.unwrap_or_else(|| "NULL".to_owned());
        let changes = update.changes().into_iter();
        let changes: Vec<String> = changes
            .map(|(column, from, to)| {
                let (row, table) = (update.row(), &update.table);
                format!("{table} {row} {column}: {} -> {}", word(from), word(to))
            })
            .collect();
        assert_eq!(changes, expect, "{line}");
    }

    #[test]
    fn updates() {
        check(
            "table public.orders: UPDATE: old-key: id[integer]:6 status[text]:'paid' \
             new-tuple: id[integer]:6 status[text]:'packed'",
            &["public.orders id=6 status: paid -> packed"],
        );
        // A null is left out before and written after.
        check(
            "table public.o: UPDATE: old-key: id[bigint]:1 \
             new-tuple: id[bigint]:1 s[character varying]:'it''s new-tuple: x'",
            &["public.o id=1 s: NULL -> it's new-tuple: x"],
        );
        check(
            "table public.o: UPDATE: old-key: id[bigint]:1 s[text]:'' new-tuple: id[bigint]:1 s[text]:null",
            &["public.o id=1 s:  -> NULL"],
        );
        check(
            "table public.\"Odd.name\": UPDATE: old-key: \"a [b\"[integer[]]:'{1}' f[bit(3)]:B'101' \
             new-tuple: \"a [b\"[integer[]]:'{2}' f[bit(3)]:B'101'",
            &["public.\"Odd.name\" a [b={2} a [b: {1} -> {2}"],
        );
        check(
            "table public.o: UPDATE: old-key: id[integer]:1 big[text]:'x' n[numeric]:1.50 \
             new-tuple: id[integer]:1 big[text]:unchanged-toast-datum n[numeric]:-2",
            &["public.o id=1 n: 1.50 -> -2"],
        );
    }

    #[test]
    fn what_tells_no_old_values() {
        let told = update("table public.o: UPDATE: id[integer]:1 s[text]:'a'").unwrap();
        assert_eq!(told.old, None);
        assert!(told.changes().is_empty());
        assert_eq!(told.new.len(), 2);
    }

    #[test]
    fn other_lines_are_no_updates() {
        for line in [
            "BEGIN 735",
            "COMMIT 735",
            "table public.o: INSERT: id[integer]:1",
            "table public.o: DELETE: (no-tuple-data)",
            "table public.o: TRUNCATE: (no-flags)",
            "",
        ] {
            assert_eq!(update(line), None, "{line}");
        }
        // Cut anywhere, a line is read without harm.
        let line = "table a.b: UPDATE: old-key: \"x\"\"\"[text[]]:'a''b' new-tuple: y[bit(1)]:B'1'";
        for end in 0..line.len() {
            let _ = update(&line[..end]);
        }
    }
}
