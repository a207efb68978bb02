//! Bytes on their way through a tap, addressed by their offset in the stream.

use std::collections::VecDeque;
use std::io;

/// Bytes of one direction that were read and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: VecDeque<u8>,
    /// Stream offset of the first byte in `bytes`.
    begin: u64,
    /// Stream offset up to which bytes may be written.
    limit: u64,
}

impl Buffer {
    /// Appends what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Returns how many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the stream offset of the first byte that waits.
    pub(crate) fn begin(&self) -> u64 {
        self.begin
    }

    /// Returns the stream offset behind the last byte read.
    pub(crate) fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    /// Returns the stream offset up to which bytes may be written.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.max(self.begin)
    }

    /// Lets all bytes before this stream offset be written.
    pub(crate) fn permit(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }

    /// Returns the next bytes that may be written; empty if there are none.
    pub(crate) fn ready(&self) -> &[u8] {
        let permitted = self.limit.saturating_sub(self.begin);
        let permitted = usize::try_from(permitted).unwrap_or(usize::MAX);
        let first = self.bytes.as_slices().0;
        &first[..first.len().min(permitted)]
    }

    /// Returns whether bytes may be written.
    pub(crate) fn is_ready(&self) -> bool {
        self.limit > self.begin && !self.bytes.is_empty()
    }

    /// Drops the first `count` bytes: they were written, or shall not be.
    pub(crate) fn advance(&mut self, count: usize) {
        let count = count.min(self.bytes.len());
        self.bytes.drain(..count);
        self.begin += count as u64;
    }

    /// Counts bytes that went past the buffer, which is empty.
    pub(crate) fn skip(&mut self, count: usize) {
        self.begin += count as u64;
    }

    /// Copies all bytes that wait.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }

    /// Puts other bytes in the place of all that wait; the stream's end stays where it is.
    pub(crate) fn replace(&mut self, bytes: &[u8]) {
        self.begin = self.end() - bytes.len() as u64;
        self.bytes.clear();
        self.bytes.extend(bytes);
    }

    /// Shows the bytes between two stream offsets, as far as they wait, in order.
    pub(crate) fn visit(&self, begin: u64, end: u64, mut show: impl FnMut(&[u8])) {
        let place = |offset: u64| {
            let from_begin = offset.saturating_sub(self.begin);
            usize::try_from(from_begin)
                .unwrap_or(usize::MAX)
                .min(self.bytes.len())
        };
        let (from, to) = (place(begin), place(end));
        let (first, second) = self.bytes.as_slices();
        let middle = first.len();
        if from < to.min(middle) {
            show(&first[from..to.min(middle)]);
        }
        if from.max(middle) < to {
            show(&second[from.max(middle) - middle..to - middle]);
        }
    }

    /// Drops all bytes that wait.
    pub(crate) fn cut_all(&mut self) {
        self.advance(self.bytes.len());
    }

    /// Drops all bytes that may not be written yet.
    pub(crate) fn cut(&mut self) {
        let permitted =
            usize::try_from(self.limit.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        self.bytes.truncate(permitted);
    }

    /// Writes what may be written, until `write` would block. Returns how many bytes went.
    pub(crate) fn drain_into(
        &mut self,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut written = 0;
        while self.is_ready() {
            match write(self.ready()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.advance(count);
                    written += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permitted_bytes_go() {
        let mut buffer = Buffer::default();
        buffer.push(b"abcdef");
        assert!(buffer.ready().is_empty());
        buffer.permit(4);
        let mut out = Vec::new();
        let written = buffer.drain_into(|bytes| {
            let count = bytes.len().min(3);
            out.extend_from_slice(&bytes[..count]);
            Ok(count)
        });
        assert_eq!((written.unwrap(), out.as_slice()), (4, b"abcd".as_slice()));
        assert_eq!((buffer.begin(), buffer.end(), buffer.len()), (4, 6, 2));
        buffer.cut();
        assert_eq!(buffer.len(), 0);
    }

    #[test]
    fn a_writer_that_blocks_ends_the_turn() {
        let mut buffer = Buffer::default();
        buffer.push(b"abc");
        buffer.permit(3);
        let written = buffer.drain_into(|_| Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!((written.unwrap(), buffer.len()), (0, 3));
    }
}
