//! A run, or one finding, as Markdown to paste into a ticket.

use crate::registry::PLAIN;
use crate::terminal::{self, Look};
use crate::view::{FindingView, RunView, ScenarioView};

/// Columns of a code block: what a ticket shows without a scroll bar.
const WIDTH: usize = 100;

/// Returns the whole run.
pub fn run(run: &RunView) -> String {
    let mut text = format!(
        "# Twiceproof {}\n\nrun `{}`, backend {}, {} cells, exit code {}\n",
        run.version, run.id, run.backend, run.cells, run.exit
    );
    for scenario in &run.scenarios {
        let (word, name) = (scenario.outcome.word(), prose(&scenario.name));
        text.push_str(&format!(
            "\n## {word} {name}\n\n{}\n\n",
            prose(&scenario.title)
        ));
        text.push_str(&fence(&terminal::scenario(scenario, LOOK)));
    }
    text
}

/// Returns one finding: `failure.md`.
pub fn finding(scenario: &ScenarioView, view: &FindingView) -> String {
    let (code, id) = (&view.finding.code, &view.finding.id);
    let look = Look {
        schedule_text: true,
        ..LOOK
    };
    format!(
        "# {code} {} in {}\n\nFinding `{id}`: {}\n\n{}",
        crate::codes::sentence(code),
        prose(&scenario.name),
        prose(&view.finding.message),
        fence(&terminal::failure(scenario, view, look)),
    )
}

const LOOK: Look = Look {
    width: WIDTH,
    palette: PLAIN,
    schedule_text: false,
    output: true,
};

/// Returns a code block that its content cannot end.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let ticks = "`".repeat((longest + 1).max(3));
    format!("{ticks}text\n{text}{ticks}\n")
}

/// Returns hostile text that Markdown shows as it is.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for character in crate::escape::show(text, 300).chars() {
        if "\\`*_{}[]<>()#+!|&~".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
