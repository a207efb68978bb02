//! Bytes to lines that end in CR and LF, and in nothing else.

use super::Flaw;

/// A line of which the end may not have come yet.
#[derive(Debug, Default)]
pub(super) struct Line {
    part: Vec<u8>,
}

impl Line {
    /// Takes a line off the front of the bytes, or all of them if none ends there. Returns it
    /// without its end. At most `length_max` bytes, the end included.
    pub(super) fn take(
        &mut self,
        bytes: &mut &[u8],
        length_max: usize,
    ) -> Result<Option<Vec<u8>>, Flaw> {
        let room = length_max.saturating_sub(self.part.len());
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        let taken;
        (taken, *bytes) = bytes.split_at(length.min(room));
        if self.part.is_empty() && taken.first() == Some(&0x16) {
            return Err("encrypted (TLS)");
        }
        if taken.iter().any(|byte| is_strange(*byte)) {
            return Err("control characters where HTTP has text");
        }
        self.part.extend_from_slice(taken);
        if length > room {
            return Err("a head or line that is too long");
        }
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.part);
        line.pop();
        if line.pop() != Some(b'\r') {
            return Err("a line that ends in LF alone");
        }
        if line.contains(&b'\r') {
            return Err("a CR within a line");
        }
        Ok(Some(line))
    }

    /// Returns whether no line has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.part.is_empty()
    }
}

/// Returns whether the byte has no place in a line, its end aside.
fn is_strange(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}
