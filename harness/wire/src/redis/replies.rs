//! The service's stream: bytes to the values of RESP2 and RESP3, of any shape.

use super::COUNT_MAX;
use super::line::Line;
use super::requests::number;

/// Most bytes of a text that are kept: an error's first word, a channel.
const TEXT_BYTES_MAX: usize = 256;
/// Most values within one another.
const DEPTH_MAX: usize = 128;
/// Longest text that is waited for whole, in bytes: a longer one passes on as it comes, but for its
/// end.
pub(super) const STREAM_BYTES_MIN: u64 = 64 << 10;
/// Longest text, in bytes: the server's own bound.
const BULK_BYTES_MAX: u64 = 512 << 20;

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A status: `+OK`.
    Status(Vec<u8>),
    /// An error.
    Error(Vec<u8>),
    /// An integer.
    Integer(i64),
    /// A text, of which this is the start.
    Text(Vec<u8>),
    /// Null, of whatever type.
    Null,
    /// An array, a set, a map, a push: so many values.
    Many(u64),
    /// Anything else: a double, a boolean.
    Other,
}

/// What reading came to.
#[derive(Debug)]
pub(super) enum Piece {
    /// An array or its like began.
    Begin {
        /// How many arrays it is in.
        depth: usize,
        /// Whether it is a push.
        is_push: bool,
        /// How many values it has.
        count: u64,
    },
    /// A long text began, or goes on; nobody waits for it whole.
    Stream,
    /// A value without parts, or one whose parts are complete.
    Value {
        /// How many arrays it is in.
        depth: usize,
        /// What it is; an array's was told when it began.
        shape: Option<Shape>,
        /// Whether no other value follows in any of the arrays that it is in.
        is_last: bool,
    },
}

#[derive(Debug)]
struct Bulk {
    /// Bytes to come, with the line end behind it.
    left: u64,
    is_long: bool,
    is_error: bool,
    kept: Vec<u8>,
    last: [u8; 2],
}

/// The stream of the service.
#[derive(Debug, Default)]
pub(super) struct Replies {
    /// Offset of the next byte.
    pub(super) offset: u64,
    /// The end of the last mark.
    pub(super) marked: u64,
    line: Line,
    bulk: Option<Bulk>,
    /// How many values are to come of each array that is not complete, the outermost first.
    levels: Vec<u64>,
    /// Whether the innermost array is complete and was not told so yet.
    is_closing: bool,
}

impl Replies {
    /// Reads on, and takes what it read off the front of the bytes.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Piece>, &'static str> {
        loop {
            if let Some(piece) = self.close() {
                return Ok(Some(piece));
            }
            if let Some(bulk) = &mut self.bulk {
                // The line end of a long text is a piece of its own: it may end a reply.
                let body = bulk.left.saturating_sub(2);
                let bound = match body {
                    0 => bulk.left,
                    _ if bulk.is_long => body,
                    _ => bulk.left,
                };
                let length = (bytes.len() as u64).min(bound) as usize;
                if length == 0 {
                    return Ok(None);
                }
                let (read, rest) = bytes.split_at(length);
                *bytes = rest;
                self.offset += length as u64;
                bulk.take(read);
                if bulk.left > 0 {
                    if bulk.is_long && bulk.left >= 2 {
                        return Ok(Some(Piece::Stream));
                    }
                    continue;
                }
                let Some(bulk) = self.bulk.take() else {
                    return Ok(None);
                };
                if bulk.last != *b"\r\n" {
                    return Err("no reply of Redis");
                }
                let shape = match bulk.is_error {
                    true => Shape::Error(bulk.kept),
                    false => Shape::Text(bulk.kept),
                };
                return Ok(Some(self.value(shape)));
            }
            let Some(line) = self.line.take(bytes, &mut self.offset)? else {
                return Ok(None);
            };
            let line = line.strip_suffix(b"\r\n").ok_or("no reply of Redis")?;
            if let Some(piece) = self.take_line(line)? {
                return Ok(Some(piece));
            }
        }
    }

    /// Takes the first line of a value; `None` where more of it must come first.
    fn take_line(&mut self, line: &[u8]) -> Result<Option<Piece>, &'static str> {
        let Some((&kind, text)) = line.split_first() else {
            return Err("no reply of Redis");
        };
        let short = || text[..text.len().min(TEXT_BYTES_MAX)].to_vec();
        let shape = match kind {
            b'+' => Shape::Status(short()),
            b'-' => Shape::Error(short()),
            b':' => Shape::Integer(number(text).ok_or("no reply of Redis")?),
            b'_' => Shape::Null,
            b',' | b'#' | b'(' => Shape::Other,
            b'$' | b'!' | b'=' => match number(text) {
                Some(-1) => Shape::Null,
                Some(length @ 0..) if length as u64 <= BULK_BYTES_MAX => {
                    self.bulk = Some(Bulk {
                        left: length as u64 + 2,
                        is_long: length as u64 > STREAM_BYTES_MIN,
                        is_error: kind == b'!',
                        kept: Vec::new(),
                        last: [0; 2],
                    });
                    return Ok(None);
                }
                _ => return Err("no reply of Redis"),
            },
            b'*' | b'~' | b'>' | b'%' => match number(text) {
                Some(-1) if kind == b'*' => Shape::Null,
                Some(count @ 0..) if count <= COUNT_MAX as i64 * 1024 => {
                    return self.begin(kind, count as u64).map(Some);
                }
                _ => return Err("no reply of Redis"),
            },
            _ => return Err("no reply of Redis"),
        };
        Ok(Some(self.value(shape)))
    }

    fn begin(&mut self, kind: u8, count: u64) -> Result<Piece, &'static str> {
        if self.levels.len() >= DEPTH_MAX {
            return Err("a reply of more than 128 levels");
        }
        let depth = self.levels.len();
        let values = if kind == b'%' { count * 2 } else { count };
        self.levels.push(values);
        self.is_closing = values == 0;
        Ok(Piece::Begin {
            depth,
            is_push: kind == b'>',
            count,
        })
    }

    /// Counts a value.
    fn value(&mut self, shape: Shape) -> Piece {
        let depth = self.levels.len();
        self.count();
        Piece::Value {
            depth,
            shape: Some(shape),
            is_last: self.is_last(),
        }
    }

    /// Returns whether nothing but ends of arrays is to come.
    fn is_last(&self) -> bool {
        match self.levels.split_last() {
            Some((inner, outer)) => *inner == 0 && outer.iter().all(|left| *left == 1),
            None => true,
        }
    }

    fn count(&mut self) {
        if let Some(left) = self.levels.last_mut() {
            *left = left.saturating_sub(1);
            self.is_closing = *left == 0;
        }
    }

    /// Tells the end of the innermost array, where it is due.
    fn close(&mut self) -> Option<Piece> {
        if !std::mem::take(&mut self.is_closing) {
            return None;
        }
        self.levels.pop();
        let depth = self.levels.len();
        self.count();
        Some(Piece::Value {
            depth,
            shape: None,
            is_last: self.is_last(),
        })
    }
}

impl Bulk {
    fn take(&mut self, bytes: &[u8]) {
        // The line end is no part of the text.
        let body = self.left.saturating_sub(2).min(bytes.len() as u64) as usize;
        let keep = (TEXT_BYTES_MAX - self.kept.len()).min(body);
        self.kept.extend_from_slice(&bytes[..keep]);
        self.left -= bytes.len() as u64;
        for byte in &bytes[bytes.len().saturating_sub(2)..] {
            self.last = [self.last[1], *byte];
        }
    }
}
