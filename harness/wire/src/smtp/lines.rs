//! Bytes to lines, and the end of a mail's body.

use super::LINE_BYTES_MAX;
use crate::Meaning;
use crate::marks::Marks;

/// A read position in one stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Offset of the next byte.
    pub(super) offset: u64,
    /// The end of the last mark.
    pub(super) marked: u64,
    part: Vec<u8>,
}

impl Lines {
    /// Takes a line, its end included, off the front of the bytes, or all of them if no line ends
    /// there.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        let room = LINE_BYTES_MAX - self.part.len();
        if length > room {
            self.skip(bytes, room);
            return Err("a line of more than 64 KiB");
        }
        self.part.extend_from_slice(&bytes[..length]);
        self.skip(bytes, length);
        Ok(end.map(|_| std::mem::take(&mut self.part)))
    }

    /// Returns whether a line has begun.
    pub(super) fn has_part(&self) -> bool {
        !self.part.is_empty()
    }

    /// Takes so many bytes off the front of the bytes.
    pub(super) fn skip(&mut self, bytes: &mut &[u8], length: usize) {
        self.offset += length as u64;
        *bytes = &bytes[length..];
    }

    /// Marks all that was read since the last mark, if there is any.
    pub(super) fn mark_rest(&mut self, meaning: Meaning, marks: &mut Marks<'_>) {
        if self.offset > self.marked {
            self.marked = self.offset;
            marks.push(self.offset, meaning);
        }
    }
}

/// How much of the end of a body was seen last: a dot alone on a line, whose ends are CR and LF.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum BodyEnd {
    /// The start of a line, which the body begins with.
    #[default]
    Line,
    /// Anything else.
    Text,
    /// A CR within the text.
    TextCr,
    /// The dot.
    Dot,
    /// The CR behind the dot.
    DotCr,
}

impl BodyEnd {
    /// Returns how many of the bytes belong to the body, and whether it ends with them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            *self = match (*self, byte) {
                (Self::DotCr, b'\n') => return (at + 1, true),
                (Self::TextCr, b'\n') => Self::Line,
                (Self::Line, b'.') => Self::Dot,
                (Self::Dot, b'\r') => Self::DotCr,
                (_, b'\r') => Self::TextCr,
                _ => Self::Text,
            };
        }
        (bytes.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_bodies() {
        #[track_caller]
        fn check(body: &[u8], expect: Option<usize>) {
            let (length, is_end) = BodyEnd::default().find(body);
            assert_eq!(is_end.then_some(length), expect);
        }
        check(b".\r\n", Some(3));
        check(b"a\r\n.\r\nQUIT\r\n", Some(6));
        check(b"a\r\n..\r\n.\r\n", Some(10));
        check(b"a\r\n.b\r\n", None);
        check(b"a\n.\n", None);
        check(b"a\r\r\n.\r\n", Some(7));
        check(b"\r\n.\r\r\n.\r\n", Some(9));
    }
}
