//! Bytes of stored files: the line of the format, then zstd-compressed JSON.
//!
//! A trial's JSON is a line with the record but its trace, then a line an event, so that what is
//! left of a file that was cut off can still be read.

use super::StoreError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::path::Path;
use twiceproof_model::event::Stamped;
use twiceproof_model::{TrialRecord, version};

/// Fast, and within 10 % of the default's size for records.
const LEVEL: i32 = 1;
/// The most bytes that a file may unpack to.
const UNPACKED_BYTES_MAX: u64 = 1 << 28;

/// What was read, and where it ended too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<T> {
    /// What was read.
    pub value: T,
    /// Where the file ends before it is whole.
    pub cut: Option<Cut>,
}

/// Where a file ends before it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes there are.
    pub bytes: u64,
    /// Lines or events that could be read.
    pub items: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    events: u64,
    record: TrialRecord,
}

/// Returns the bytes of a trial's file.
pub(super) fn encode_trial(record: &TrialRecord) -> Vec<u8> {
    let head = Head {
        events: record.trace.len() as u64,
        record: TrialRecord {
            trace: Vec::new(),
            ..record.clone()
        },
    };
    let mut text = json(&head);
    for stamped in &record.trace {
        text.push(b'\n');
        text.append(&mut json(stamped));
    }
    text.push(b'\n');
    pack(version::TRIAL, &text)
}

/// Reads a trial's file, or what is left of it.
pub(super) fn decode_trial(path: &Path, bytes: &[u8]) -> Result<Loaded<TrialRecord>, StoreError> {
    let text = unpack(path, version::TRIAL, bytes)?;
    let mut lines = whole_lines(&text);
    let head = lines
        .next()
        .and_then(|line| serde_json::from_slice::<Head>(line).ok());
    let Some(Head { events, mut record }) = head else {
        return Err(cut_early(path, version::TRIAL, bytes));
    };
    let trace = lines.map_while(|line| serde_json::from_slice::<Stamped>(line).ok());
    record.trace = trace
        .take(usize::try_from(events).unwrap_or(usize::MAX))
        .collect();
    let items = record.trace.len() as u64;
    let cut = (items < events).then_some(Cut {
        bytes: bytes.len() as u64,
        items,
    });
    Ok(Loaded { value: record, cut })
}

/// Returns the bytes of a file that holds one value.
pub(super) fn encode(format: &'static str, value: &impl Serialize) -> Vec<u8> {
    pack(format, &json(value))
}

/// Reads a file that holds one value.
pub(super) fn decode<T: DeserializeOwned>(
    path: &Path,
    format: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    let text = unpack(path, format, bytes)?;
    serde_json::from_slice(&text).map_err(|_| cut_early(path, format, bytes))
}

/// Reads a file of lines, or what is left of it.
pub(super) fn decode_lines<T: DeserializeOwned>(
    path: &Path,
    format: &'static str,
    bytes: &[u8],
) -> Result<Loaded<Vec<T>>, StoreError> {
    let mut lines = whole_lines(bytes);
    let head = format!("{{\"format\":\"{format}\"}}");
    if lines.next() != Some(head.as_bytes()) {
        return Err(cut_early(path, format, bytes));
    }
    let value: Vec<T> = lines
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect();
    let items = value.len() as u64;
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let whole = bytes.ends_with(b"\n") && ends == items + 1;
    let cut = (!whole).then_some(Cut {
        bytes: bytes.len() as u64,
        items,
    });
    Ok(Loaded { value, cut })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what the model stores has text keys and finite numbers")
}

fn pack(format: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{format}\n").into_bytes();
    let packed = zstd::bulk::compress(text, LEVEL);
    bytes.append(&mut packed.expect("compression within memory has nothing to fail on"));
    bytes
}

/// Unpacks as much as there is.
fn unpack(path: &Path, format: &'static str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let packed = bytes
        .strip_prefix(format.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"\n"));
    let packed = packed.ok_or_else(|| StoreError::Unreadable {
        path: path.to_owned(),
        expected: format,
        reason: "it does not begin with that line".to_owned(),
    })?;
    let mut text = Vec::new();
    if let Ok(decoder) = zstd::stream::read::Decoder::with_buffer(packed) {
        // An error here is the end of a cut file: what came before it counts.
        let _ = decoder.take(UNPACKED_BYTES_MAX).read_to_end(&mut text);
    }
    Ok(text)
}

/// Returns the lines that have an end.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    text[..end]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

fn cut_early(path: &Path, expected: &'static str, bytes: &[u8]) -> StoreError {
    StoreError::Unreadable {
        path: path.to_owned(),
        expected,
        reason: format!(
            "it ends after {} bytes, before anything can be read",
            bytes.len()
        ),
    }
}
