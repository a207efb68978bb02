//! Draws diagnostics.

use super::{Diag, floor, place};
use crate::escape::escape;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The narrowest drawing.
const WIDTH_MIN: usize = 40;

/// Draws a diagnostic over several lines, the last one ended.
pub(super) fn render(diag: &Diag, text: &str, width: usize) -> String {
    let width = width.max(WIDTH_MIN);
    let mut drawn = header(diag, text, width);
    let Some(span) = &diag.span else {
        for line in wrap(&escape(&diag.help), width - 2) {
            drawn += &format!("  {line}\n");
        }
        return drawn;
    };
    let (number, _) = place(text, span.start);
    let gutter = format!("  {number} | ");
    let excerpt = Excerpt::cut(text, span, width - gutter.len());
    drawn += &format!("{gutter}{}", excerpt.line);
    let carets = "^".repeat(excerpt.carets);
    drawn.truncate(drawn.trim_end().len());
    drawn.push('\n');
    let indent = " ".repeat(gutter.len());
    let before = " ".repeat(excerpt.before);
    let column = gutter.len() + excerpt.before + excerpt.carets + 1;
    let help = escape(&diag.help);
    let room = width.saturating_sub(column);
    let beside = wrap(&help, room);
    let narrow = room < width / 3 && help.width() > room;
    if narrow {
        drawn += &format!("{indent}{before}{carets}\n");
        for line in wrap(&help, width - gutter.len()) {
            drawn += &format!("{indent}{line}\n");
        }
    } else {
        for (index, line) in beside.iter().enumerate() {
            let row = match index {
                0 => format!("{indent}{before}{carets} {line}"),
                _ => format!("{}{line}", " ".repeat(column)),
            };
            drawn += row.trim_end();
            drawn.push('\n');
        }
    }
    drawn
}

/// Returns the diagnostic on one line.
pub(super) fn plain(diag: &Diag, text: &str) -> String {
    let mut line = format!(
        "{}: {} {}",
        location(diag, text),
        diag.code,
        escape(&diag.message)
    );
    if !diag.help.is_empty() {
        line += &format!(" ({})", escape(&diag.help));
    }
    line
}

/// Returns code, message and place: in one line where they fit, the place at its end.
fn header(diag: &Diag, text: &str, width: usize) -> String {
    let title = format!("{} {}", diag.code, escape(&diag.message));
    let location = location(diag, text);
    let used = title.width() + location.width();
    if used + 2 <= width {
        return format!("{title}{}{location}\n", " ".repeat(width - used));
    }
    let mut drawn = String::new();
    for (index, line) in wrap(&title, width - 2).into_iter().enumerate() {
        drawn += &format!("{}{line}\n", if index == 0 { "" } else { "  " });
    }
    drawn + &format!("  at {location}\n")
}

/// Returns the place as editors understand it.
fn location(diag: &Diag, text: &str) -> String {
    let file = escape(&diag.file.to_string_lossy());
    match &diag.span {
        None => file,
        Some(span) => {
            let (line, column) = place(text, span.start);
            format!("{file}:{line}:{column}")
        }
    }
}

/// The part of a source line that is shown.
struct Excerpt {
    line: String,
    /// Columns before the carets.
    before: usize,
    /// How many carets.
    carets: usize,
}

impl Excerpt {
    /// Cuts the line of the span's start so that it fits and the start of the span is seen.
    fn cut(text: &str, span: &std::ops::Range<usize>, width: usize) -> Self {
        let start = floor(text, span.start);
        let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        let end = floor(text, span.end).clamp(start, to);
        let (mut left, mut hidden) = (String::new(), false);
        // Half of the width is kept for what comes before the carets: what is nearest to them.
        for character in text[from..start].chars().rev() {
            let shown = show(character);
            if left.width() + shown.width() + 1 > width / 2 {
                hidden = true;
                break;
            }
            left.insert_str(0, &shown);
        }
        if hidden {
            left.insert(0, '…');
        }
        let before = left.width();
        let mut line = left;
        let mut carets = 0;
        for (offset, character) in text[start..to].char_indices() {
            let shown = show(character);
            if line.width() + shown.width() + 1 > width {
                line.push('…');
                break;
            }
            if start + offset < end {
                carets += shown.width();
            }
            line += &shown;
        }
        Self {
            line,
            before,
            carets: carets.max(1),
        }
    }
}

/// Returns a character of a source line as it is shown. A tab is one blank, so that carets stay
/// below what they mean; an ended line shows nothing of its carriage return.
fn show(character: char) -> String {
    match character {
        '\t' => " ".to_owned(),
        '\r' => String::new(),
        _ if character.width() == Some(0) => escape_always(character),
        _ => escape(character.encode_utf8(&mut [0; 4])),
    }
}

/// Returns the character spelt out: what has no width of its own cannot carry a caret.
fn escape_always(character: char) -> String {
    format!("\\u{{{:x}}}", u32::from(character))
}

/// Breaks a text at blanks into lines of at most `width` columns; a longer word stands alone.
/// Blanks within a line stay as they are.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.width() + word.trim_end().width() > width {
            line.truncate(line.trim_end().len());
            if !word.trim().is_empty() {
                lines.push(word.to_owned());
            }
        } else {
            line.push_str(word);
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}
