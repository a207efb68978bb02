//! Names and versions of every stored format. A stored file begins with its line.

/// First line of a schedule file.
pub const SCHEDULE: &str = "twiceproof schedule 1";
/// First line of a trial record; zstd-compressed JSON follows.
pub const TRIAL: &str = "twiceproof trial 1";
/// First line of a stored object's content; zstd-compressed JSON follows.
pub const CONTENT: &str = "twiceproof content 1";
/// First line of a stored baseline; zstd-compressed JSON follows.
pub const BASELINE: &str = "twiceproof baseline 1";
/// Value of `format` in `run.json`.
pub const RUN: &str = "twiceproof run 1";
/// Value of `schema` in target and scenario files.
pub const FILES: i64 = 1;
/// Value of `format` in the first line of `trials.ndjson`.
pub const TRIALS: &str = "twiceproof trials 1";
