//! Makes hostile text safe to show, and lays text out by columns.

use std::fmt::Write as _;
use twiceproof_model::escape::is_hostile;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The widest a value may stand in a line.
pub const VALUE_COLUMNS_MAX: usize = 60;

/// Returns the text with every character that could move the cursor, hide or reorder text spelled
/// out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if is_hostile(character) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// Returns the columns that the text takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Returns the text escaped and cut to at most this many columns, with `…` where it was cut.
pub fn show(text: &str, columns_max: usize) -> String {
    // Escaping never shrinks a text, so what lies far behind the cut need not be looked at.
    let head: String = text
        .chars()
        .take(columns_max.saturating_add(1) * 2)
        .collect();
    cut(&escape(&head), columns_max)
}

/// Returns the text, which is escaped already, cut to at most this many columns.
pub fn cut(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if used + width + 1 > columns_max {
            break;
        }
        used += width;
        out.push(character);
    }
    out.push('…');
    out
}

/// Returns the text, which is escaped already, with `…` for its middle where it is wider than this.
pub fn cut_middle(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let tail_max = columns_max / 3;
    let head = cut(text, columns_max - tail_max);
    let mut tail = String::new();
    let mut used = 0;
    for character in text.chars().rev() {
        used += character.width().unwrap_or(0);
        if used > tail_max {
            break;
        }
        tail.push(character);
    }
    head + &tail.chars().rev().collect::<String>()
}

/// Returns the text filled up with blanks to this many columns.
pub fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// Returns a value as it stands in a line: escaped, at most [`VALUE_COLUMNS_MAX`] wide, `''` where
/// empty.
pub fn value(text: &str) -> String {
    if text.is_empty() {
        "''".to_owned()
    } else {
        show(text, VALUE_COLUMNS_MAX)
    }
}

/// Returns a count with its noun: `1 step`, `2 steps`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) if number != 1 && !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if number != 1 => format!("{noun}s"),
        _ => noun.to_owned(),
    };
    format!("{} {plural}", thousands(number))
}

/// Returns a number with commas: `1,204`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a duration as a person reads it: `0.4 s`, `38.1 s`, `2m10s`.
pub fn seconds(ms: u64) -> String {
    if ms < 100_000 {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    } else {
        format!("{}m{:02}s", ms / 60_000, ms / 1000 % 60)
    }
}

/// Breaks words into lines of at most this many columns.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = cut(word, width);
        let line = lines.last_mut().expect("it begins with one line");
        if line.is_empty() {
            line.push_str(&word);
        } else if columns(line) + 1 + columns(&word) <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}
