//! Lines that appear while a run goes on.

use crate::escape::{count, cut, pad, seconds, show, thousands};
use crate::palette::{Palette, paint};
use crate::view::{Outcome, RegressionView, ScenarioView};
use twiceproof_model::scenario::Expect;

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Number of the scenario that runs, from 1.
    pub scenario: u32,
    /// How many there are.
    pub scenarios: u32,
    /// Its name.
    pub name: String,
    /// The stage it is in.
    pub stage: String,
    /// Its trials so far.
    pub trials: u32,
    /// How long it has run.
    pub elapsed_ms: u64,
    /// How many scenarios failed so far.
    pub failed: u32,
}

/// Returns the first line of a run.
pub fn head(version: &str, seed: u64, backend: &str, cells: u32, folder: &str) -> String {
    let folder = show(folder, 80);
    format!("twiceproof {version}   seed {seed}   backend {backend}   cells {cells}   {folder}")
}

/// Returns the line of a baseline, for a terminal.
pub fn baseline(name: &str, requests: u64, elapsed_ms: u64, services: &[String]) -> String {
    let services = services
        .iter()
        .map(|one| show(one, 30))
        .collect::<Vec<_>>()
        .join(", ");
    let name = pad(&show(name, 40), 24);
    let requests = count(requests, "request");
    let line = format!(
        "   baseline  {name}  clean runs equal   {requests}   {}",
        seconds(elapsed_ms)
    );
    cut(&format!("{line}   {services}"), 120)
}

/// Returns the line of a schedule that an earlier run kept, replayed.
pub fn regression(scenario: &str, one: &RegressionView) -> String {
    let name = format!("{}/{}", show(scenario, 60), show(&one.finding, 20));
    let line = format!(" regression  {}  {}", pad(&name, 24), one.end.words());
    let note = match one.note.as_str() {
        "" => String::new(),
        note => format!("   {}", show(note, 120)),
    };
    cut(&format!("{line}{note}"), 120)
}

/// Returns the line of a scenario that ended, for a terminal.
pub fn ended(scenario: &ScenarioView, palette: &Palette) -> String {
    let style = match scenario.outcome {
        Outcome::Pass => palette.good,
        Outcome::Inconclusive | Outcome::Interrupted => palette.warn,
        _ => palette.bad,
    };
    let word = paint(style, format!("{:>11}", scenario.outcome.word()));
    let name = pad(&show(&scenario.name, 40), 24);
    let what = match scenario.findings.first() {
        Some(view) if scenario.expect == Expect::Violation => {
            format!("{} as expected", view.finding.code)
        }
        Some(_) if scenario.outcome == Outcome::Pass => {
            let known = scenario.findings.len() as u64;
            format!("{} known", count(known, "finding"))
        }
        Some(view) => format!(
            "trial {}   {} {}",
            view.record.trial,
            view.finding.code,
            crate::codes::sentence(&view.finding.code)
        ),
        None => scenario
            .reasons
            .first()
            .map_or_else(String::new, |(code, text)| {
                format!("{code} {}", show(text.lines().next().unwrap_or(""), 60))
            }),
    };
    let trials = count(u64::from(scenario.trials), "trial");
    let words = [what, trials, seconds(scenario.elapsed_ms)];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{word}  {name}  {}", words.join("   "))
}

/// Returns the line of a scenario that ended, for a log: `[ 3/12] PASS close/daily trials=412
/// 38.1s`.
pub fn ended_plain(number: u32, of: u32, scenario: &ScenarioView) -> String {
    let mut line = format!("{} {}", place(number, of), scenario.outcome.word());
    line.push_str(&format!(" {}", show(&scenario.name, 80)));
    for view in scenario.findings.iter().take(5) {
        let finding = &view.finding;
        line.push_str(&format!(
            " {} trial={} finding={}",
            finding.code, view.record.trial, finding.id
        ));
        if scenario.is_known(view) {
            line.push_str(" known");
        }
        if view.replayed.1 > 0 {
            line.push_str(&format!(" replay={}/{}", view.replayed.0, view.replayed.1));
        }
    }
    for (code, _) in scenario.reasons.iter().take(5) {
        line.push_str(&format!(" {code}"));
    }
    line.push_str(&format!(" trials={}", scenario.trials));
    for stage in &scenario.stages {
        match &stage.covered {
            Some((_, done, of)) => line.push_str(&format!(" {}={done}/{of}", stage.name)),
            None => line.push_str(&format!(" {}={}", stage.name, stage.trials)),
        }
    }
    format!("{line} {}", seconds(scenario.elapsed_ms).replace(' ', ""))
}

/// Returns the heartbeat for a log: `[ 5/12] .... order/status trials=188 stage=crash
/// elapsed=2m10s`.
pub fn heartbeat(standing: &Standing) -> String {
    format!(
        "{} .... {} trials={} stage={} elapsed={}",
        place(standing.scenario, standing.scenarios),
        show(&standing.name, 80),
        standing.trials,
        show(&standing.stage, 20),
        seconds(standing.elapsed_ms).replace(' ', "")
    )
}

/// Returns what stands beside the bar of a terminal.
pub fn bar(standing: &Standing) -> String {
    format!(
        "{}   {}   {} trials   {} failed",
        show(&standing.name, 40),
        show(&standing.stage, 20),
        thousands(u64::from(standing.trials)),
        standing.failed
    )
}

fn place(number: u32, of: u32) -> String {
    let width = of.to_string().len();
    format!("[{number:>width$}/{of}]")
}
