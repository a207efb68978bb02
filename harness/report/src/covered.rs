//! The end of a scenario's text: what was covered in numbers, and what was not.

use crate::escape::{count, pad, show, thousands, wrap};
use crate::palette::paint;
use crate::table::WIDTH_MAX;
use crate::terminal::Look;
use crate::view::{KnownState, KnownView, RegressionView, ScenarioView, StageView};

/// The most entries of a list that stand in a line.
pub(crate) const LISTED_MAX: usize = 12;

/// Returns what was covered in numbers, and what was not.
pub(crate) fn covered(scenario: &ScenarioView, look: Look) -> Vec<String> {
    let all = Some(&scenario.interleavings).filter(|all| !all.is_empty());
    let stages = scenario.stages.iter().map(stage_words);
    let stages = all.cloned().into_iter().chain(stages);
    let stages = stages.collect::<Vec<_>>();
    let counts = scenario.counts.iter().map(|one| {
        let words = count(one.number, &one.noun);
        if one.rest.is_empty() {
            words
        } else {
            format!("{words} {}", one.rest)
        }
    });
    let masks = scenario.masks.iter().take(LISTED_MAX);
    let masks = masks.map(|(column, why)| format!("{} ({})", show(column, 50), show(why, 50)));
    let mut masks = masks.collect::<Vec<_>>();
    if scenario.masks.len() > LISTED_MAX {
        masks.push(format!("and {} more", scenario.masks.len() - LISTED_MAX));
    }
    let mut not = Vec::new();
    if !scenario.stages_absent.is_empty() {
        not.push(format!(
            "stages not run: {}",
            scenario.stages_absent.join(" ")
        ));
    }
    not.extend(
        scenario
            .unseen
            .iter()
            .take(LISTED_MAX)
            .map(|one| show(one, 160)),
    );
    let regressions = scenario.regressions.iter().map(regression_words);
    let regressions = regressions.collect::<Vec<_>>().join("; ");
    let known = scenario.known.iter().map(known_words);
    let known = known.collect::<Vec<_>>().join("; ");
    let mut lines = section("Known", &known, look);
    lines.extend(section("Regressions", &regressions, look));
    lines.extend(section("Covered", &stages.join("; "), look));
    lines.extend(section(
        "Counts",
        &counts.collect::<Vec<_>>().join("; "),
        look,
    ));
    lines.extend(section("Not covered", &not.join("; "), look));
    lines.extend(section("Masked", &masks.join("; "), look));
    lines
}

/// Returns what the scenario's file says of a finding, and whether it still holds.
pub(crate) fn known_words(one: &KnownView) -> String {
    let id = show(&one.finding, 20);
    let why = format!("{}: {}", show(&one.ticket, 60), show(&one.reason, 120));
    match one.state {
        KnownState::Found => format!("{id} until {} ({why})", one.until),
        KnownState::Expired => format!(
            "{id} was known until {}, and fails again since {} ({why})",
            one.until, one.since
        ),
        KnownState::NotFound => {
            format!("{id} was not found: remove it from the file if it is mended ({why})")
        }
    }
}

/// Returns what came of one schedule that an earlier run kept.
fn regression_words(one: &RegressionView) -> String {
    let words = format!("{} {}", show(&one.finding, 20), one.end.words());
    match one.note.as_str() {
        "" => words,
        note => format!("{words} ({})", show(note, 160)),
    }
}

fn stage_words(stage: &StageView) -> String {
    let cut = if stage.complete { "" } else { ", cut short" };
    let trials = count(u64::from(stage.trials), "trial");
    match &stage.covered {
        Some((what, done, of)) => {
            let (done, of) = (thousands(*done), thousands(*of));
            format!(
                "{} {done} of {of} {} in {trials}{cut}",
                stage.name,
                show(what, 30)
            )
        }
        None => format!("{} {trials}{cut}", stage.name),
    }
}

/// Returns a text under its head, in as many lines as it takes; none where it is empty.
pub(crate) fn section(head: &str, text: &str, look: Look) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let width = look.width.clamp(40, WIDTH_MAX) - 15;
    let mut lines = wrap(text, width).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut out = vec![format!(
        "  {}  {first}",
        paint(look.palette.head, pad(head, 11))
    )];
    out.extend(lines.map(|line| format!("               {line}")));
    out
}
