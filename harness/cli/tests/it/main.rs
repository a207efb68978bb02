//! What a user of the binary sees: help, errors, exit codes, and whole runs on the local backend.

mod check;
mod disk;
mod help;
mod kit;
mod list;
mod runs;
mod signals;
