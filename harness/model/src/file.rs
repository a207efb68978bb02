//! Reads the files that people write: TOML against const tables of keys, so that parsing, schema
//! and reference are one thing.
//!
//! `serde` is not used here: it loses the places of keys, and with them the caret.

mod fields;
mod reader;
mod section;
mod suggest;
mod syntax;
mod table;
mod value;

pub use section::{Form, Format, Section};

pub(crate) use fields::{Fields, below};
pub(crate) use reader::{Content, Reader};
pub(crate) use suggest::{choices, closest};
pub(crate) use value::{Spanned, duration};

use crate::diag::{Diag, code};
use std::path::Path;

/// The largest file that is read.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// The longest string in a file.
pub const TEXT_BYTES_MAX: usize = 16 << 10;
/// The most entries in a list or table.
pub const ENTRIES_MAX: usize = 256;

/// Returns the text of a file, if it is text and not too large.
pub fn text<'a>(bytes: &'a [u8], file: &Path) -> Result<&'a str, Diag> {
    let refuse = |message: String, help: &str| Diag {
        code: code::SYNTAX,
        message,
        file: file.to_owned(),
        span: None,
        help: help.to_owned(),
    };
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes", bytes.len());
        return Err(refuse(message, "at most 1 MiB (1048576 bytes) is read"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let message = format!(
            "the file is not UTF-8: byte {} is wrong",
            error.valid_up_to() + 1
        );
        refuse(message, "save the file as UTF-8")
    })
}
