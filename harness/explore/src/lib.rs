//! Which trial next, which step next, when to stop.
//!
//! The search knows neither containers nor sockets: it hands [`Assignment`]s to a [`Lab`] and learns from records.

pub mod lab;

pub use lab::{Assignment, Blame, Lab, LabError, Scheduler};
