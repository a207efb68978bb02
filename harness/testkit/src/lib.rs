//! For tests alone: a lab in memory, a bank of small jobs with known bugs, generators and snapshot
//! filters.

pub mod arbitrary;
pub mod bank;
pub mod filters;
pub mod toy;

pub use bank::{BANK, Entry, entry};
pub use toy::{Op, ToyLab};
