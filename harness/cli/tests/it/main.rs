//! What a user of the binary sees: help, errors, exit codes, and whole runs on the local backend.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_input;
mod check;
mod disk;
mod explain;
mod faults;
mod help;
mod import;
mod kit;
mod known;
mod list;
mod real;
mod regressions;
mod review;
mod runs;
mod signals;
