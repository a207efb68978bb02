//! A run as text for a person at a terminal.

use crate::claim;
use crate::codes::sentence;
use crate::covered::{LISTED_MAX, covered, known_words, section};
use crate::escape::{columns, count, cut, pad, seconds, show, thousands, wrap};
use crate::palette::{Palette, paint};
use crate::rows::{calm_runs, exits, rows};
use crate::state;
use crate::table::{WIDTH_MAX, table};
use crate::view::{FindingView, Outcome, RunView, ScenarioView};
use crate::why;
use twiceproof_model::scenario::Expect;
use twiceproof_model::{InstanceId, TrialRecord};

/// The most findings of a scenario that are shown in full.
const FINDINGS_MAX: usize = 5;
/// The most lines of an instance's output that are shown.
const OUTPUT_LINES_MAX: usize = 8;
/// The lines of a failure begin behind this.
const INDENT: &str = "      ";

/// How the text looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns of the terminal; at most 120 are used.
    pub width: usize,
    /// Its colours.
    pub palette: Palette,
    /// Whether the schedule's text is printed, so that a lost artefact is no loss.
    pub schedule_text: bool,
    /// Whether the last lines of what instances wrote are printed.
    pub output: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: WIDTH_MAX,
            palette: Palette::PLAIN,
            schedule_text: false,
            output: true,
        }
    }
}

/// Returns the text of a whole run.
pub fn run(run: &RunView, look: Look) -> String {
    let mut text = run
        .scenarios
        .iter()
        .map(|one| scenario(one, look) + "\n")
        .collect::<String>();
    text.push_str(&summary(run, look));
    text
}

/// Returns the last lines of a run: how many ended how, and where the files are.
pub fn summary(run: &RunView, look: Look) -> String {
    let mut words = Vec::new();
    for (outcome, word) in SUMMARY {
        let number = run
            .scenarios
            .iter()
            .filter(|one| one.outcome == *outcome)
            .count();
        if number > 0 {
            words.push(format!("{number} {word}"));
        }
    }
    let trials: u64 = run.scenarios.iter().map(|one| u64::from(one.trials)).sum();
    let mut text = format!(
        "{}  {}: {}   {} in {}   seed {}   exit code {}\n",
        paint(look.palette.head, "Summary"),
        count(run.scenarios.len() as u64, "scenario"),
        if words.is_empty() {
            "none ended".to_owned()
        } else {
            words.join(", ")
        },
        count(trials, "trial"),
        seconds(run.elapsed_ms),
        run.scenarios.first().map_or(0, |one| one.seed),
        run.exit,
    );
    if let Some(signal) = &run.interrupted {
        text.push_str(&format!(
            "         ended early by {signal}: what was found so far is kept\n"
        ));
    }
    text.push_str(&format!("         {}\n", show(&run.folder, 100)));
    text
}

const SUMMARY: &[(Outcome, &str)] = &[
    (Outcome::Pass, "passed"),
    (Outcome::Fail, "failed"),
    (Outcome::Inconclusive, "inconclusive"),
    (Outcome::Baseline, "without a baseline"),
    (Outcome::Environment, "could not start"),
    (Outcome::Usage, "with wrong input"),
    (Outcome::Interrupted, "cut short"),
    (Outcome::Harness, "met a bug of twiceproof"),
];

/// Returns the text of one scenario.
pub fn scenario(scenario: &ScenarioView, look: Look) -> String {
    let expected = scenario.expect == Expect::Violation;
    match scenario.outcome {
        Outcome::Fail if !scenario.findings.is_empty() => findings(scenario, look),
        Outcome::Pass if expected && !scenario.findings.is_empty() => lesson(scenario, look),
        Outcome::Pass => pass(scenario, look),
        _ => other(scenario, look),
    }
}

/// Returns every finding: the first ones in full, the rest a line each.
pub fn findings(scenario: &ScenarioView, look: Look) -> String {
    let mut text = String::new();
    let (known, new): (Vec<&FindingView>, Vec<&FindingView>) =
        (scenario.findings.iter()).partition(|view| scenario.is_known(view));
    let (full, rest) = why::grouped(&new, FINDINGS_MAX);
    for view in full {
        text.push_str(&failure(scenario, view, look));
    }
    let rest = rest.into_iter().map(|view| ("also", view));
    for (word, view) in rest.chain(known.into_iter().map(|view| ("known", view))) {
        let code = &view.finding.code;
        let line = format!(
            "{INDENT}{word} {code} {}   finding {}   {}",
            sentence(code),
            view.finding.id,
            why::codes(view),
        );
        let line = line.trim_end();
        text.push_str(&cut(line, look.width.min(WIDTH_MAX)));
        text.push('\n');
    }
    for (code, reason) in scenario.reasons.iter().take(LISTED_MAX) {
        let reason = format!("{INDENT}{}", format!("{code} {}", show(reason, 200)).trim());
        text.push_str(&cut(&reason, look.width.min(WIDTH_MAX)));
        text.push('\n');
    }
    if !scenario.stages.is_empty() {
        text.push_str(&covered(scenario, look).join("\n"));
        text.push('\n');
    }
    text
}

/// Returns the failure message of one finding.
pub fn failure(scenario: &ScenarioView, view: &FindingView, look: Look) -> String {
    let width = look.width.clamp(40, WIDTH_MAX);
    let palette = &look.palette;
    let finding = &view.finding;
    let rows = rows(&view.record, &finding.events);
    let word = if scenario.outcome == Outcome::Pass {
        "FOUND"
    } else {
        "FAIL"
    };
    let mut lines = vec![first_line(word, scenario, width, palette)];
    lines.push(format!(
        "{INDENT}{} {}     finding {}     {}",
        finding.code,
        headline(finding.code.as_str(), &finding.message),
        finding.id,
        replayed(view),
    ));
    if let Some(known) = scenario.known(&finding.id) {
        let known = wrap(&known_words(known), width - 6);
        lines.extend(known.iter().map(|line| format!("{INDENT}{line}")));
    }
    if let Some(diverged) = &view.diverged {
        lines.push(cut(
            &format!("{INDENT}a replay went another way: {}", show(diverged, 90)),
            width,
        ));
    }
    if finding.message != sentence(&finding.code) {
        let message = wrap(&show(&finding.message, 400), width - 6);
        lines.extend(message.iter().map(|line| format!("{INDENT}{line}")));
    }
    lines.push(format!(
        "  {}  {}, {}{}   (trial {}, stage {}; {})",
        paint(palette.head, "Schedule"),
        count(rows.steps, "step"),
        count(rows.faults, "fault"),
        why::shrunk(view),
        view.record.trial,
        show(&view.record.stage, 20),
        count(u64::from(view.trials), "trial") + " show it",
    ));
    lines.extend(table(&rows.main, view.record.instances, width, palette));
    lines.extend(why::orders(view, width));
    let calm = calm_runs(&view.record);
    if !calm.is_empty() {
        lines.push(format!("    afterwards  {}", calm.join(", ")));
    }
    lines.extend(state::lines(finding, &rows, width, palette));
    lines.extend(why::lines(scenario, view, width, palette));
    let odd = exits(&view.record);
    if !odd.is_empty() {
        lines.push(cut(
            &format!("  {}  {}", paint(palette.head, "Exits"), odd.join(", ")),
            width,
        ));
    }
    if look.output {
        lines.extend(outputs(&view.record, width, palette));
    }
    if look.schedule_text {
        lines.push(format!("  {}", paint(palette.head, "Schedule file")));
        lines.extend(
            view.record
                .schedule
                .lines()
                .map(|line| format!("    {}", show(line, 110))),
        );
    }
    lines.extend(reproduce(scenario, view, palette));
    lines.join("\n") + "\n"
}

fn first_line(word: &str, scenario: &ScenarioView, width: usize, palette: &Palette) -> String {
    let style = match scenario.outcome {
        Outcome::Pass => palette.good,
        Outcome::Inconclusive | Outcome::Interrupted => palette.warn,
        _ => palette.bad,
    };
    let word = pad(word, 4);
    let name = format!(
        "  {}: {}",
        show(&scenario.name, 60),
        show(&scenario.title, 60)
    );
    let path = show(&scenario.path, 60);
    let used = columns(&word) + columns(&name);
    let gap = width.saturating_sub(used + columns(&path));
    if gap < 2 {
        return format!(
            "{}{}\n{INDENT}{path}",
            paint(style, &word),
            cut(&name, width - columns(&word))
        );
    }
    format!(
        "{}{name}{}{}",
        paint(style, word),
        " ".repeat(gap),
        paint(palette.dim, path)
    )
}

/// Returns why several runs were started.
pub(crate) fn why_twice(scenario: &ScenarioView) -> String {
    let (code, text) = &scenario.why_twice;
    if code.is_empty() {
        return String::new();
    }
    format!("{code} {}", show(text, 200))
}

/// Returns whether more than one instance was started, calm runs aside.
pub(crate) fn ran_twice(record: &TrialRecord) -> bool {
    record.exits.len() > 1
}

/// Returns the sentence of the code, or the finding's own where the code has none.
fn headline<'a>(code: &str, message: &'a str) -> &'a str
where
    'static: 'a,
{
    match sentence(code) {
        "" => message,
        known => known,
    }
}

fn replayed(view: &FindingView) -> String {
    match view.replayed {
        (_, 0) => "not replayed".to_owned(),
        (same, of) => format!("replayed {same} of {of}"),
    }
}

/// Returns the last lines that each instance wrote.
fn outputs(record: &TrialRecord, width: usize, palette: &Palette) -> Vec<String> {
    let mut lines = Vec::new();
    for (instance, output) in &record.outputs {
        let text = if output.tail.is_empty() {
            &output.head
        } else {
            &output.tail
        };
        let all: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        if all.is_empty() {
            continue;
        }
        let shown = &all[all.len().saturating_sub(OUTPUT_LINES_MAX)..];
        let head = paint(palette.head, format!("Output of {}", label(*instance)));
        lines.push(format!("  {head}  {} bytes", thousands(output.bytes)));
        lines.extend(
            shown
                .iter()
                .map(|line| format!("    {}", show(line, width - 4))),
        );
    }
    lines
}

fn label(instance: InstanceId) -> String {
    instance.to_string()
}

fn reproduce(scenario: &ScenarioView, view: &FindingView, palette: &Palette) -> Vec<String> {
    let head = paint(palette.head, "Reproduce");
    let mut lines = vec![format!("  {head}  {}", replay_command(scenario, view))];
    if !view.folder.is_empty() {
        lines.push(format!(
            "             {}/finding.schedule",
            show(&view.folder, 100)
        ));
    }
    if !view.regression.is_empty() {
        let file = show(&view.regression, 100);
        lines.push(format!(
            "             {file}   replayed first by later runs"
        ));
    }
    lines
}

/// Returns the command that replays a finding.
pub fn replay_command(scenario: &ScenarioView, view: &FindingView) -> String {
    format!(
        "twiceproof replay {}/{}",
        show(&scenario.name, 80),
        view.finding.id
    )
}

/// A violation that was expected: short, with the way to see it.
fn lesson(scenario: &ScenarioView, look: Look) -> String {
    let palette = &look.palette;
    let width = look.width.clamp(40, WIDTH_MAX);
    let mut lines = vec![first_line("PASS", scenario, width, palette)];
    lines.push(format!(
        "{INDENT}violation found, as expected: {} in {}, {}",
        count(scenario.findings.len() as u64, "finding"),
        count(u64::from(scenario.trials), "trial"),
        seconds(scenario.elapsed_ms),
    ));
    for view in scenario.findings.iter().take(FINDINGS_MAX) {
        let code = &view.finding.code;
        let told = show(&view.finding.message, 90);
        lines.push(cut(
            &format!("{INDENT}{code} {told}   {}", replayed(view)),
            width,
        ));
        lines.push(format!("{INDENT}       {}", replay_command(scenario, view)));
    }
    let shown = scenario.findings.iter().any(|view| ran_twice(&view.record));
    if shown {
        lines.extend(section("Ran twice", &why_twice(scenario), look));
    }
    lines.extend(section("Causes", &why::of_all(&scenario.findings), look));
    lines.extend(covered(scenario, look));
    lines.join("\n") + "\n"
}

fn pass(scenario: &ScenarioView, look: Look) -> String {
    let width = look.width.clamp(40, WIDTH_MAX);
    let mut lines = vec![first_line("PASS", scenario, width, &look.palette)];
    let found = match scenario.findings.len() {
        0 => "no violation".to_owned(),
        known => format!("no violation but {}", count(known as u64, "known finding")),
    };
    lines.push(format!(
        "{INDENT}{found} in {}, {}",
        count(u64::from(scenario.trials), "trial"),
        seconds(scenario.elapsed_ms)
    ));
    for view in &scenario.findings {
        let code = &view.finding.code;
        let line = format!(
            "{INDENT}known {code} {}   {}",
            sentence(code),
            replay_command(scenario, view)
        );
        lines.push(cut(&line, width));
    }
    lines.extend(section("Claim", &claim::words(scenario), look));
    lines.extend(covered(scenario, look));
    lines.join("\n") + "\n"
}

/// A scenario that ended in neither a pass nor findings.
fn other(scenario: &ScenarioView, look: Look) -> String {
    let width = look.width.clamp(40, WIDTH_MAX);
    let palette = &look.palette;
    let mut lines = vec![first_line(
        scenario.outcome.word(),
        scenario,
        width,
        palette,
    )];
    if scenario.outcome == Outcome::Fail && scenario.expect == Expect::Violation {
        let trials = count(u64::from(scenario.trials), "trial");
        lines.push(format!(
            "{INDENT}a violation was expected, and {trials} found none"
        ));
    }
    for (code, text) in scenario.reasons.iter().take(LISTED_MAX) {
        let mut text = text.lines();
        let first = format!("{code} {}", show(text.next().unwrap_or(""), 400));
        lines.extend(
            wrap(first.trim(), width - 6)
                .iter()
                .map(|line| format!("{INDENT}{line}")),
        );
        lines.extend(
            text.take(20)
                .map(|line| format!("{INDENT}  {}", show(line, width - 8))),
        );
    }
    if scenario.reasons.len() > LISTED_MAX {
        let more = (scenario.reasons.len() - LISTED_MAX) as u64;
        lines.push(format!("{INDENT}and {}", count(more, "further reason")));
    }
    if !scenario.hint.is_empty() {
        let hint = wrap(&show(&scenario.hint, 600), width - 12);
        let mut hint = hint.into_iter();
        lines.push(format!("{INDENT}help: {}", hint.next().unwrap_or_default()));
        lines.extend(hint.map(|line| format!("{INDENT}      {line}")));
    }
    lines.extend(covered(scenario, look));
    lines.join("\n") + "\n"
}
