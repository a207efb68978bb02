//! Exit codes.

use std::process::ExitCode;
use twiceproof_report::view::Outcome;

/// How the program ends. Several at once: the one that stands first here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Our own bug.
    Harness,
    /// SIGTERM: partial results are stored and marked.
    Terminated,
    /// SIGINT: partial results are stored and marked.
    Interrupted,
    /// A service, an image or the backend cannot start.
    Environment,
    /// A clean run fails or hangs, or clean runs differ beyond what can be masked.
    Baseline,
    /// Flags, target file or scenario file invalid.
    Usage,
    /// A violation where a pass is expected, or a complete search without the expected one.
    Fail,
    /// It could not be told.
    Inconclusive,
    /// No scenario was selected.
    Nothing,
    /// Every scenario ended as it expects, within its stated bounds.
    Ok,
}

/// Every exit code with its number and what it means, in the order in which they win.
pub(crate) const EXITS: &[(Exit, u8, &str)] = &[
    (Exit::Harness, 70, "a bug of twiceproof"),
    (
        Exit::Terminated,
        143,
        "SIGTERM: partial results are stored and marked",
    ),
    (
        Exit::Interrupted,
        130,
        "SIGINT: partial results are stored and marked",
    ),
    (
        Exit::Environment,
        6,
        "a service, an image or the backend cannot start; no room on the disk",
    ),
    (
        Exit::Baseline,
        4,
        "a clean run fails or hangs, or clean runs differ",
    ),
    (
        Exit::Usage,
        2,
        "flags, target file or scenario file invalid",
    ),
    (
        Exit::Fail,
        1,
        "a violation where a pass is expected, or the expected one is missing",
    ),
    (
        Exit::Inconclusive,
        3,
        "could not tell: budget, divergence, fault without effect, opaque link",
    ),
    (Exit::Nothing, 5, "no scenario was selected"),
    (
        Exit::Ok,
        0,
        "every scenario ended as it expects, within its stated bounds",
    ),
];

impl Exit {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        let entry = EXITS.iter().find(|(exit, _, _)| *exit == self);
        entry.expect("every exit is listed").1
    }

    /// Returns the exit of a scenario that ended so.
    pub(crate) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Exit::Ok,
            Outcome::Fail => Exit::Fail,
            Outcome::Inconclusive => Exit::Inconclusive,
            Outcome::Baseline => Exit::Baseline,
            Outcome::Environment => Exit::Environment,
            Outcome::Usage => Exit::Usage,
            Outcome::Interrupted => Exit::Interrupted,
            Outcome::Harness => Exit::Harness,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Returns the table for the end of the help page.
pub(crate) fn table() -> String {
    let mut lines = vec!["Exit codes (several at once: the first of these):".to_owned()];
    lines.extend(
        EXITS
            .iter()
            .map(|(_, code, doc)| format!("  {code:>3}  {doc}")),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_exits() {
        insta::assert_snapshot!(table(), @r"
        Exit codes (several at once: the first of these):
           70  a bug of twiceproof
          143  SIGTERM: partial results are stored and marked
          130  SIGINT: partial results are stored and marked
            6  a service, an image or the backend cannot start; no room on the disk
            4  a clean run fails or hangs, or clean runs differ
            2  flags, target file or scenario file invalid
            1  a violation where a pass is expected, or the expected one is missing
            3  could not tell: budget, divergence, fault without effect, opaque link
            5  no scenario was selected
            0  every scenario ended as it expects, within its stated bounds
        ");
    }

    #[test]
    fn the_order_of_the_table_is_the_order_of_the_type() {
        assert!(EXITS.is_sorted_by_key(|(exit, _, _)| *exit));
    }
}
