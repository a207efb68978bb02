//! Content hashes: SHA-256, cut to 128 bits, printed as 32 hex digits (FIPS 180-4).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The hash of some content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// Returns the hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher(Sha256::new());
        hasher.0.update(bytes);
        hasher.finish()
    }

    /// Returns the first 8 hex digits: what a person reads and types.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest of 32 hex digits")]
pub struct NotADigest(String);

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(NotADigest(text));
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            match u8::from_str_radix(&text[2 * index..2 * index + 2], 16) {
                Ok(value) => *byte = value,
                Err(_) => return Err(NotADigest(text)),
            }
        }
        Ok(Self(bytes))
    }
}

/// Hashes a sequence of fields, so that no two sequences run together.
pub struct Hasher(Sha256);

impl Hasher {
    /// Starts a hash for this purpose; other purposes give other hashes for the same fields.
    pub fn new(purpose: &str) -> Self {
        let mut hasher = Self(Sha256::new());
        hasher.field(purpose);
        hasher
    }

    /// Adds a field of text.
    pub fn field(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds a field of bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Returns the hash of all fields.
    pub fn finish(self) -> Digest {
        let full = self.0.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&full[..16]);
        Digest(bytes)
    }
}
