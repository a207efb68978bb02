//! What is said of a finding beside its steps: why it ran twice, why the data broke although it
//! did, what it was before it was shrunk.

use crate::escape::{count, show, wrap};
use crate::palette::{Palette, paint};
use crate::terminal::{ran_twice, why_twice};
use crate::view::{CauseView, FindingView, ScenarioView};
use std::collections::BTreeSet;
use twiceproof_model::Finding;

/// The longest sentence of a cause, in columns.
const TEXT_MAX: usize = 300;

/// Returns the answers to both questions, each line at most `width` wide.
pub(crate) fn lines(
    scenario: &ScenarioView,
    view: &FindingView,
    width: usize,
    palette: &Palette,
) -> Vec<String> {
    let is_data = |cause: &&CauseView| cause.code.starts_with('D');
    let (data, twice): (Vec<&CauseView>, Vec<&CauseView>) = view.causes.iter().partition(is_data);
    let mut lines = Vec::new();
    if !twice.is_empty() || ran_twice(&view.record) {
        lines.push(format!(
            "  {}",
            paint(palette.head, "Why did it run twice?")
        ));
        if twice.iter().all(|cause| !cause.code.starts_with('T')) && ran_twice(&view.record) {
            let trigger = why_twice(scenario);
            lines.extend(wrapped(&trigger, width).filter(|_| !trigger.is_empty()));
        }
        lines.extend(twice.iter().flat_map(|cause| one(cause, width)));
    }
    if is_about_data(&view.finding) {
        let head = "Why did the data break although it ran twice?";
        lines.push(format!("  {}", paint(palette.head, head)));
        if data.is_empty() {
            lines.push("    no known cause fits what the steps show".to_owned());
        }
        lines.extend(data.iter().flat_map(|cause| one(cause, width)));
    }
    if !view.causes.is_empty() {
        let pages = view.causes.iter().map(|cause| cause.code.as_str());
        let pages: Vec<&str> = pages.collect();
        lines.push(format!("    more: twiceproof explain {}", pages.join(" ")));
    }
    lines
}

fn is_about_data(finding: &Finding) -> bool {
    finding.differences_total > 0 || finding.code == "TP-V04"
}

fn one(cause: &CauseView, width: usize) -> Vec<String> {
    let basis = if cause.hypothesis {
        "   hypothesis"
    } else {
        ""
    };
    let mut lines = vec![format!("    {} {}{basis}", cause.code, cause.title)];
    let text = show(&cause.text, TEXT_MAX);
    lines.extend(
        wrap(&text, width.saturating_sub(7))
            .iter()
            .map(|line| format!("       {line}")),
    );
    if cause.hypothesis {
        let remedy = format!("instead: {}", show(&cause.remedy, TEXT_MAX));
        let remedy = wrap(&remedy, width.saturating_sub(7));
        lines.extend(remedy.iter().map(|line| format!("       {line}")));
    }
    lines
}

fn wrapped(text: &str, width: usize) -> impl Iterator<Item = String> {
    let lines = wrap(text, width.saturating_sub(4)).into_iter();
    lines.map(|line| format!("    {line}"))
}

/// Returns the orders that matter: any other steps may go lowest instance first.
pub(crate) fn orders(view: &FindingView, width: usize) -> Vec<String> {
    let orders = view.orders.iter().enumerate();
    let lines = orders.flat_map(|(at, order)| {
        let head = if at == 0 { "it takes" } else { "and" };
        let wrapped = wrap(&show(order, TEXT_MAX), width.saturating_sub(16));
        let lines = wrapped.into_iter().enumerate();
        lines.map(move |(line, text)| {
            let head = if line == 0 { head } else { "" };
            format!("    {head:<10}  {text}")
        })
    });
    lines.collect()
}

/// Returns what the schedule was before it was shrunk.
pub(crate) fn shrunk(view: &FindingView) -> String {
    let Some((steps, faults, tries)) = view.shrunk else {
        return String::new();
    };
    let (steps, faults) = (count(steps.into(), "step"), count(faults.into(), "fault"));
    format!("   from {steps}, {faults} in {}", tried(tries))
}

fn tried(tries: u32) -> String {
    match tries {
        1 => "1 try".to_owned(),
        _ => format!("{tries} tries"),
    }
}

/// Returns the codes of a finding's causes, in a row.
pub(crate) fn codes(view: &FindingView) -> String {
    let codes: Vec<&str> = view
        .causes
        .iter()
        .map(|cause| cause.code.as_str())
        .collect();
    codes.join(" ")
}

/// Returns every cause of the findings, each once.
pub(crate) fn of_all(findings: &[FindingView]) -> String {
    let causes = findings.iter().flat_map(|view| &view.causes);
    let causes = causes.filter(|cause| cause.hypothesis);
    let words: BTreeSet<String> = causes
        .map(|cause| format!("{} {}", cause.code, cause.title))
        .collect();
    if words.is_empty() {
        return String::new();
    }
    words.into_iter().collect::<Vec<_>>().join("; ") + " (hypotheses)"
}

/// Returns the findings to show in full, at most so many: the first of each set of causes, and
/// those without any; then the rest.
pub(crate) fn grouped<'f>(
    findings: &[&'f FindingView],
    full_max: usize,
) -> (Vec<&'f FindingView>, Vec<&'f FindingView>) {
    let mut seen = BTreeSet::new();
    let (mut full, mut rest) = (Vec::new(), Vec::new());
    for view in findings.iter().copied() {
        let is_first = view.causes.is_empty() || seen.insert((codes(view), &view.finding.objects));
        if is_first && full.len() < full_max {
            full.push(view);
        } else {
            rest.push(view);
        }
    }
    (full, rest)
}
