//! Every report format. A new one is a file beside this one, its `mod` line in `lib.rs`, and a line
//! here.

use crate::view::RunView;
use crate::{Palette, json, markdown, terminal};

/// A way to write a whole run down.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// One sentence: what it is for.
    pub doc: &'static str,
    /// The file it is stored as, below the run's folder; empty where it is not stored.
    pub file: &'static str,
    /// Returns the run in this format. Equal runs give equal bytes.
    pub render: fn(&RunView) -> String,
}

/// The formats, in the order in which the reference lists them.
pub const FORMATS: &[Format] = &[
    Format {
        name: "terminal",
        doc: "text for a person: verdicts, schedules, differences, what to run next",
        file: "",
        render: |run| {
            terminal::run(
                run,
                terminal::Look {
                    width: 100,
                    ..terminal::Look::default()
                },
            )
        },
    },
    Format {
        name: "markdown",
        doc: "the same as Markdown, to paste into a ticket",
        file: "report.md",
        render: markdown::run,
    },
    Format {
        name: "json",
        doc: "the same for programs: scenarios, counts, findings",
        file: "run.json",
        render: |run| json::to_text(&json::run(run)),
    },
];

/// Returns the format with this name.
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The styles of files.
pub(crate) const PLAIN: Palette = Palette::PLAIN;
