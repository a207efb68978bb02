//! Bodies: where they end, and which of their bytes are content.

use super::Flaw;
use super::head::{Framing, HEAD_BYTES_MAX, header};
use super::line::Line;

/// Longest line that gives a chunk's size, extensions included.
const CHUNK_LINE_BYTES_MAX: usize = 16 << 10;
/// Most hexadecimal digits of a chunk's size.
const CHUNK_DIGITS_MAX: usize = 15;

/// A body that is being read.
#[derive(Debug)]
pub struct Body {
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many more bytes.
    Length(u64),
    /// All up to the end of the stream.
    ToEnd,
    /// The line with a chunk's size.
    Size(Line),
    /// So many more bytes of a chunk.
    Chunk(u64),
    /// What of the line's end behind a chunk is still to come.
    ChunkEnd(&'static [u8]),
    /// Trailers, of which so many more bytes may come.
    Trailers(Line, usize),
    /// Nothing more.
    Done(Last),
}

/// What a body ended with.
#[derive(Clone, Copy, Debug)]
enum Last {
    /// Its last byte of content.
    Content,
    /// What frames it, or nothing.
    Frame,
}

impl Body {
    /// Begins a body with this framing.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done(Last::Frame),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size(Line::default()),
            Framing::ToEnd => State::ToEnd,
        };
        Self { state }
    }

    /// Returns whether all of it was read.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// Returns whether it ends where the stream does.
    pub fn ends_with_stream(&self) -> bool {
        matches!(self.state, State::ToEnd)
    }

    /// Returns how many of the bytes taken last may still be told to make no sense, or end the
    /// body; `None` where these began in a former call.
    pub(super) fn unsettled(&self) -> Option<u64> {
        match &self.state {
            State::Length(_) | State::ToEnd | State::Chunk(_) => Some(0),
            State::Size(line) if line.is_empty() => Some(0),
            State::ChunkEnd(due) if due.len() == 2 => Some(0),
            State::Done(Last::Content) => Some(1),
            _ => None,
        }
    }

    /// Takes bytes off the front as far as they belong together; returns those that are content.
    /// To be called again while bytes are left and the body is not done.
    pub fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<&'a [u8], Flaw> {
        match &mut self.state {
            State::Done(_) => Ok(&[]),
            State::ToEnd => Ok(std::mem::take(bytes)),
            State::Length(left) => {
                let content = split(bytes, left);
                if *left == 0 {
                    self.state = State::Done(Last::Content);
                }
                Ok(content)
            }
            State::Chunk(left) => {
                let content = split(bytes, left);
                if *left == 0 {
                    self.state = State::ChunkEnd(b"\r\n");
                }
                Ok(content)
            }
            State::Size(line) => {
                if let Some(line) = line.take(bytes, CHUNK_LINE_BYTES_MAX)? {
                    self.state = match chunk_size(&line)? {
                        0 => State::Trailers(Line::default(), HEAD_BYTES_MAX),
                        size => State::Chunk(size),
                    };
                }
                Ok(&[])
            }
            State::ChunkEnd(due) => {
                while let ([first, rest @ ..], [wanted, more @ ..]) = (*bytes, *due) {
                    if first != wanted {
                        return Err("a chunk that is longer than its size");
                    }
                    (*bytes, *due) = (rest, more);
                }
                if due.is_empty() {
                    self.state = State::Size(Line::default());
                }
                Ok(&[])
            }
            State::Trailers(line, room) => {
                if let Some(line) = line.take(bytes, *room)? {
                    *room -= (line.len() + 2).min(*room);
                    if line.is_empty() {
                        self.state = State::Done(Last::Frame);
                    } else {
                        header(&line)?;
                    }
                }
                Ok(&[])
            }
        }
    }
}

/// Takes at most `left` bytes off the front, and counts them.
fn split<'a>(bytes: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let length = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    let content;
    (content, *bytes) = bytes.split_at(length);
    *left -= length as u64;
    content
}

/// Reads the line before a chunk: its size, and extensions that mean nothing here.
fn chunk_size(line: &[u8]) -> Result<u64, Flaw> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (digits, extensions) = line.split_at(digits);
    let is_right = matches!(extensions.trim_ascii_start(), [] | [b';', ..]);
    if digits.is_empty() || digits.len() > CHUNK_DIGITS_MAX || !is_right {
        return Err("no size of a chunk");
    }
    let text = std::str::from_utf8(digits).map_err(|_| "no size of a chunk")?;
    u64::from_str_radix(text, 16).map_err(|_| "no size of a chunk")
}
