//! Diagnostics about texts that people write, and how they are drawn.

mod draw;

use std::ops::Range;
use std::path::{Path, PathBuf};

/// Codes of diagnostics. Each has a page of its own; none is ever used for something else.
pub mod code {
    /// The text is no TOML 1.0, no schedule, no moment.
    pub const SYNTAX: &str = "TP-S01";
    /// A value has the wrong type, form or size.
    pub const TYPE: &str = "TP-S02";
    /// A key that does not exist here.
    pub const UNKNOWN_KEY: &str = "TP-S03";
    /// A key that must be there is not.
    pub const MISSING_KEY: &str = "TP-S04";
    /// A kind that no registry has.
    pub const UNKNOWN_KIND: &str = "TP-S05";
    /// A name that nothing has.
    pub const UNKNOWN_NAME: &str = "TP-S06";
    /// A moment that matches nothing in a recorded clean run: a warning, as a request can come only
    /// beside another run.
    pub const NO_MATCH: &str = "TP-S07";
    /// Something that a fault, backend or service cannot do.
    pub const UNFIT: &str = "TP-S08";
}

/// One error in a text that need not be a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Flaw {
    /// Code: `TP-S03`.
    pub code: &'static str,
    /// A lowercase fragment without a full stop: what is wrong.
    pub message: String,
    /// The place: byte offsets into the text.
    pub span: Range<usize>,
    /// What to do.
    pub help: String,
}

impl Flaw {
    /// Returns the line of the text, from 1, at which the flaw stands.
    pub fn line(&self, text: &str) -> u32 {
        place(text, self.span.start).0
    }

    /// Returns the diagnostic for the flaw, where the text is that of this file.
    pub fn in_file(self, file: &Path) -> Diag {
        Diag {
            code: self.code,
            message: self.message,
            file: file.to_owned(),
            span: Some(self.span),
            help: self.help,
        }
    }
}

/// One error in a file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diag {
    /// Code: `TP-S03`.
    pub code: &'static str,
    /// A lowercase fragment without a full stop: what is wrong.
    pub message: String,
    /// The file, as the user named it or below the project's folder.
    pub file: PathBuf,
    /// The place, where there is one: byte offsets into its text.
    pub span: Option<Range<usize>>,
    /// What to do: stands under the caret.
    pub help: String,
}

impl Diag {
    /// Returns the diagnostic as a person reads it: message, place, source line, carets, help.
    /// `text` is that of its file. No line is wider than `width` columns, or 40 if that is less,
    /// but for words that cannot be broken.
    pub fn render(&self, text: &str, width: usize) -> String {
        draw::render(self, text, width)
    }

    /// Returns the diagnostic on one line, as logs keep it.
    pub fn plain(&self, text: &str) -> String {
        draw::plain(self, text)
    }
}

/// Returns line and column, both from 1, of a byte offset. Columns count characters.
pub fn place(text: &str, offset: usize) -> (u32, u32) {
    let offset = floor(text, offset);
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    (count(line), count(column))
}

/// Returns the offset, moved down to a boundary between characters within the text.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Returns the number as the width that places are told in; a text has fewer lines than that.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
