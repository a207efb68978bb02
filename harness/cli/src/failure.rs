//! Errors that end the program, as a person reads them.

use crate::args::Color;
use crate::exit::Exit;
use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use twiceproof_explore::{Blame, LabError};
use twiceproof_lab::store::StoreError;
use twiceproof_report::escape::escape;
use twiceproof_report::palette::paint;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What it ends with.
    pub(crate) exit: Exit,
    /// What was tried and what came of it. Its lines are safe to show.
    pub(crate) message: String,
    /// What to do; may be empty.
    pub(crate) hint: String,
    /// Further text that stands as it is: drawn diagnostics.
    pub(crate) body: String,
}

impl Failure {
    /// Returns the failure of something that the user wrote or asked for.
    pub(crate) fn usage(message: impl Display, hint: impl Display) -> Self {
        Self::new(Exit::Usage, message, hint)
    }

    /// Returns the failure of the machine.
    pub(crate) fn environment(message: impl Display, hint: impl Display) -> Self {
        Self::new(Exit::Environment, message, hint)
    }

    /// Returns a failure.
    pub(crate) fn new(exit: Exit, message: impl Display, hint: impl Display) -> Self {
        let message = message
            .to_string()
            .lines()
            .map(escape)
            .collect::<Vec<_>>()
            .join("\n");
        Self {
            exit,
            message,
            hint: escape(&hint.to_string()),
            body: String::new(),
        }
    }

    /// Returns the failure of a file that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::usage(format!("cannot read {}: {error}", path.display()), "")
    }

    /// Prints it to standard error.
    pub(crate) fn print(&self, color: Color) {
        let palette = color.palette(&std::io::stderr());
        let mut err = anstream::AutoStream::new(std::io::stderr(), color.choice()).lock();
        let mut text = self.body.clone();
        text.push_str(&format!(
            "{}: {}\n",
            paint(palette.bad, "error"),
            self.message
        ));
        if !self.hint.is_empty() {
            text.push_str(&format!(
                " {}: {}\n",
                paint(palette.head, "help"),
                self.hint
            ));
        }
        // Nobody is left to tell where standard error is gone.
        let _ = err.write_all(text.as_bytes());
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        let exit = match error.blame {
            Blame::Environment => Exit::Environment,
            Blame::Input => Exit::Usage,
            Blame::Interrupted => Exit::Interrupted,
            Blame::Harness => Exit::Harness,
        };
        Self::new(exit, error.message, error.hint)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        LabError::from(error).into()
    }
}
