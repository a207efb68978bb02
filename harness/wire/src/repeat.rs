//! Requests that reach the service twice: what a second connection must say for that.

/// One thing that is said on the second connection, and what ends the service's answer to it.
pub struct Part {
    /// The bytes; empty: the service speaks first.
    pub bytes: Vec<u8>,
    /// Returns how many of the bytes that came back are the answer, once it is whole; `is_end`: no
    /// more will come.
    pub end: fn(bytes: &[u8], is_end: bool) -> Option<usize>,
}
