//! Bytes to frames: a kind, a length, a body that is skipped but for its start.

/// What reading came to.
#[derive(Debug)]
pub(super) enum Frame {
    /// A message's header is complete. Its length field counts itself, and nobody has checked it
    /// yet.
    Header(Header),
    /// More of a body was read, and more of it will follow.
    Part,
    /// The message is complete; this is the kept start of its body.
    Body(Vec<u8>),
}

/// The header of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Its kind, 0 where it has none, as at start-up.
    pub(super) kind: u8,
    /// Offset of the message's first byte.
    pub(super) start: u64,
    /// How many bytes follow the header; negative is nonsense.
    pub(super) body_bytes: i64,
}

/// A read position in one stream.
#[derive(Debug)]
pub(super) struct Framing {
    /// Offset of the next byte.
    pub(super) offset: u64,
    /// Bytes of a header: 4 at start-up, then 5.
    header_bytes: usize,
    header: [u8; 5],
    header_have: usize,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    left: u64,
    kept: Vec<u8>,
    keep_max: usize,
}

impl Framing {
    /// Begins with messages that have no kind.
    pub(super) fn startup() -> Self {
        Self {
            offset: 0,
            header_bytes: 4,
            header: [0; 5],
            header_have: 0,
            body: None,
        }
    }

    /// Begins with messages that have a kind.
    pub(super) fn typed() -> Self {
        Self {
            header_bytes: 5,
            ..Self::startup()
        }
    }

    /// From the next message on, messages have a kind.
    pub(super) fn expect_kinds(&mut self) {
        self.header_bytes = 5;
    }

    /// Returns whether no message has begun.
    pub(super) fn is_between(&self) -> bool {
        self.header_have == 0 && self.body.is_none()
    }

    /// Accepts the header just returned; of its body, so many bytes are kept.
    pub(super) fn accept(&mut self, header: Header, keep_max: usize) {
        self.body = Some(Body {
            left: u64::try_from(header.body_bytes).unwrap_or(0),
            kept: Vec::new(),
            keep_max,
        });
    }

    /// Reads on, and takes what it read off the front of the bytes. After a header comes
    /// [`Self::accept`].
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        if let Some(body) = &mut self.body {
            let length = (bytes.len() as u64).min(body.left) as usize;
            if length == 0 && body.left > 0 {
                return None;
            }
            let (read, rest) = bytes.split_at(length);
            let keep = (body.keep_max - body.kept.len()).min(length);
            body.kept.extend_from_slice(&read[..keep]);
            body.left -= length as u64;
            self.offset += length as u64;
            *bytes = rest;
            if body.left > 0 {
                return Some(Frame::Part);
            }
            return self.body.take().map(|body| Frame::Body(body.kept));
        }
        let length = bytes.len().min(self.header_bytes - self.header_have);
        let (read, rest) = bytes.split_at(length);
        self.header[self.header_have..self.header_have + length].copy_from_slice(read);
        self.header_have += length;
        self.offset += length as u64;
        *bytes = rest;
        if self.header_have < self.header_bytes {
            return None;
        }
        self.header_have = 0;
        let [a, b, c, d, e] = self.header;
        let (kind, length) = match self.header_bytes {
            4 => (0, [a, b, c, d]),
            _ => (a, [b, c, d, e]),
        };
        Some(Frame::Header(Header {
            kind,
            start: self.offset - self.header_bytes as u64,
            body_bytes: i64::from(i32::from_be_bytes(length)) - 4,
        }))
    }
}

/// Takes a string that ends in a zero byte, or with the bytes, off their front.
pub(super) fn take_string<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let length = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let string = &bytes[..length];
    *bytes = bytes.get(length + 1..).unwrap_or_default();
    string
}

/// Takes an integer off the front of the bytes, if there are enough of them.
pub(super) fn take_i32(bytes: &mut &[u8]) -> Option<i32> {
    let (integer, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*integer))
}
