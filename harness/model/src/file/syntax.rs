//! Holds files to TOML 1.0: other readers of these files know nothing of 1.1.

use super::FILE_BYTES_MAX;
use crate::diag::{Flaw, code};
use std::ops::Range;
use toml_edit::{Document, InlineTable, Item, TableLike, Value};

/// Parses a text as TOML 1.0.
///
/// The parser knows 1.1, so what only that allows is looked for afterwards: inline tables over
/// several lines or with a comma at the end, and the escapes `\e` and `\xHH`. Times without seconds
/// need no look: no key takes a time.
pub(super) fn parse(text: &str) -> Result<Document<&str>, Vec<Flaw>> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes", text.len());
        return Err(vec![flaw(
            0..0,
            message,
            "at most 1 MiB (1048576 bytes) is read",
        )]);
    }
    let document = Document::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim().replace('\n', ", ");
        vec![flaw(
            span,
            format!("no TOML: {message}"),
            "files are TOML 1.0",
        )]
    })?;
    let mut look = Look {
        text,
        flaws: Vec::new(),
    };
    look.table(document.as_table());
    if look.flaws.is_empty() {
        Ok(document)
    } else {
        Err(look.flaws)
    }
}

fn flaw(span: Range<usize>, message: String, help: &str) -> Flaw {
    Flaw {
        code: code::SYNTAX,
        message,
        span,
        help: help.to_owned(),
    }
}

/// The search for what only TOML 1.1 allows.
struct Look<'a> {
    text: &'a str,
    flaws: Vec<Flaw>,
}

impl Look<'_> {
    fn table(&mut self, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            if let Some((key, _)) = table.get_key_value(name) {
                self.escapes(key.span());
            }
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::None => {}
            Item::Table(table) => self.table(table),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| self.table(table)),
            Item::Value(value) => self.value(value),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(string) => self.escapes(string.span()),
            Value::Array(array) => array.iter().for_each(|value| self.value(value)),
            Value::InlineTable(table) => {
                self.layout(table);
                self.table(table);
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
        }
    }

    /// Looks for a line end or a last comma between the entries of an inline table.
    fn layout(&mut self, table: &InlineTable) {
        // A dotted key within an inline table makes a table without braces of its own.
        let Some(span) = table.span().filter(|_| !table.is_dotted()) else {
            return;
        };
        if table.trailing_comma() {
            let end = span.end.saturating_sub(1)..span.end;
            let message = "a comma after the last entry of an inline table".to_owned();
            self.flaws
                .push(flaw(end, message, "remove it: TOML 1.0 has none there"));
        }
        let mut values = Vec::new();
        leaves(table, &mut values);
        values.sort_by_key(|span| span.start);
        let mut from = span.start;
        values.push(span.end..span.end);
        for value in values {
            let between = self.text.get(from..value.start).unwrap_or_default();
            if between.contains('\n') {
                let message = "an inline table over several lines".to_owned();
                let help = "put it on one line, or write it as a [table] of its own: TOML 1.0";
                self.flaws
                    .push(flaw(span.start..span.start + 1, message, help));
                return;
            }
            from = value.end;
        }
    }

    /// Looks for escapes in a basic string that TOML 1.0 does not have.
    fn escapes(&mut self, span: Option<Range<usize>>) {
        let Some(span) = span else { return };
        let Some(raw) = self
            .text
            .get(span.clone())
            .filter(|raw| raw.starts_with('"'))
        else {
            return;
        };
        let mut characters = raw.char_indices();
        while let Some((at, character)) = characters.next() {
            if character != '\\' {
                continue;
            }
            if let Some((_, escaped @ ('e' | 'x'))) = characters.next() {
                let place = span.start + at..span.start + at + 2;
                let message = format!("the escape `\\{escaped}` in a string");
                self.flaws
                    .push(flaw(place, message, "write \\u00HH: TOML 1.0 has no other"));
            }
        }
    }
}

/// Gathers the spans of the values of an inline table; those below dotted keys stand in it too.
fn leaves(table: &InlineTable, spans: &mut Vec<Range<usize>>) {
    for (_, value) in table {
        match value {
            Value::InlineTable(inner) if inner.is_dotted() => leaves(inner, spans),
            value => spans.extend(value.span()),
        }
    }
}
