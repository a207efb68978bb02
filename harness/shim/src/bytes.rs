//! Fields as bytes: numbers little-endian, texts and lists behind a length of four bytes.

use crate::{ITEMS_MAX, MESSAGE_MAX, TEXT_MAX, VERSION};

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The first byte is another version than ours.
    Version,
    /// The second byte names no message of this direction.
    Unknown,
    /// The message ends within a field.
    Short,
    /// Bytes follow the last field.
    Long,
    /// A field has a value that it cannot have, or exceeds its bound.
    Field,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Malformed::Version => "another version",
            Malformed::Unknown => "an unknown message",
            Malformed::Short => "a message cut short",
            Malformed::Long => "bytes behind the message",
            Malformed::Field => "a field out of its bounds",
        })
    }
}

impl std::error::Error for Malformed {}

/// Puts fields behind one another.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: u8) -> Self {
        Self(vec![VERSION, kind])
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    pub(crate) fn word(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn signed(&mut self, value: i32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn long(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.word(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.extend(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.word(u32::try_from(items.len()).unwrap_or(u32::MAX));
        for item in items {
            each(self, item);
        }
    }

    /// Returns the message, unless it is longer than a reader would take.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Malformed> {
        if self.0.len() > MESSAGE_MAX {
            return Err(Malformed::Field);
        }
        Ok(self.0)
    }
}

/// Takes fields off, checking each.
#[derive(Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the kind of message, and a reader of its fields.
    pub(crate) fn open(message: &'a [u8]) -> Result<(u8, Self), Malformed> {
        let mut reader = Self(message);
        if message.len() > MESSAGE_MAX {
            return Err(Malformed::Field);
        }
        if reader.byte()? != VERSION {
            return Err(Malformed::Version);
        }
        Ok((reader.byte()?, reader))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Short)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Field),
        }
    }

    pub(crate) fn word(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn signed(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(crate) fn long(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self, max: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.word()?).map_err(|_| Malformed::Field)?;
        if count > max {
            return Err(Malformed::Field);
        }
        Ok(count)
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, Malformed> {
        let count = self.count(TEXT_MAX)?;
        Ok(self.take(count)?.to_vec())
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.bytes()?).map_err(|_| Malformed::Field)
    }

    pub(crate) fn list<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.count(ITEMS_MAX)?;
        // Grows with what is really there, so a short message cannot ask for much memory.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(each(self)?);
        }
        Ok(items)
    }

    /// Checks that no bytes are left.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed::Long)
        }
    }
}
