//! Taps: where traffic is read and held.

pub mod buffer;
mod direction;
pub mod file;
pub(crate) mod locks;
pub mod rules;
pub mod stream;
pub mod talk;
pub mod tcp;
