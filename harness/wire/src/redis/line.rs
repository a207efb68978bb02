//! Bytes to lines.

use super::LINE_BYTES_MAX;
use std::borrow::Cow;

/// A line of which the end may not have come yet.
#[derive(Debug, Default)]
pub(super) struct Line {
    part: Vec<u8>,
}

impl Line {
    /// Takes a line, its end `\n` included, off the front of the bytes, or all of them if none ends
    /// there; counts what it takes. One that lies whole in the bytes is not copied.
    pub(super) fn take<'b>(
        &mut self,
        bytes: &mut &'b [u8],
        offset: &mut u64,
    ) -> Result<Option<Cow<'b, [u8]>>, &'static str> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        let room = LINE_BYTES_MAX - self.part.len();
        let taken;
        (taken, *bytes) = bytes.split_at(length.min(room));
        *offset += taken.len() as u64;
        if length <= room && end.is_some() && self.part.is_empty() {
            return Ok(Some(Cow::Borrowed(taken)));
        }
        self.part.extend_from_slice(taken);
        match end {
            _ if length > room => Err("a line of more than 64 KiB"),
            Some(_) => Ok(Some(Cow::Owned(std::mem::take(&mut self.part)))),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_any_parts() {
        let stream = b"*1\r\n\nab\r\ncd";
        for split in 0..=stream.len() {
            let (mut line, mut offset, mut lines) = (Line::default(), 0, Vec::new());
            for mut bytes in [&stream[..split], &stream[split..]] {
                while let Some(taken) = line.take(&mut bytes, &mut offset).unwrap() {
                    lines.push(taken.into_owned());
                }
                assert!(bytes.is_empty(), "split at {split}");
            }
            assert_eq!(
                lines,
                [&b"*1\r\n"[..], b"\n", b"ab\r\n"],
                "split at {split}"
            );
            assert_eq!((line.part.as_slice(), offset), (&b"cd"[..], 11));
        }
    }

    #[test]
    fn lines_are_bounded() {
        let long = vec![b'a'; LINE_BYTES_MAX + 1];
        let (mut line, mut offset) = (Line::default(), 0);
        let mut bytes = &long[..LINE_BYTES_MAX];
        assert!(line.take(&mut bytes, &mut offset).unwrap().is_none());
        let mut bytes = &long[LINE_BYTES_MAX..];
        assert!(line.take(&mut bytes, &mut offset).is_err());
    }
}
