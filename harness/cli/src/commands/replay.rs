//! `replay`: one schedule again, judged as it was found.

use super::run::{BenchArgs, shown, utc_now};
use crate::args::{self, Global};
use crate::campaign;
use crate::events::milliseconds;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::{Progress, Screen};
use crate::signals::Signals;
use crate::stored::{self, Found, Opened};
use crate::{environment, view, world};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use twiceproof_explore::campaign::{ReplayAsked, ReplayResult, replay};
use twiceproof_explore::trigger::Settings;
use twiceproof_explore::{CampaignSpec, Control, Mode};
use twiceproof_lab::store::{Redactor, RunFolder};
use twiceproof_model::{Finding, Scenario, Schedule, Verdict};
use twiceproof_report::terminal::{self, Look};
use twiceproof_report::view::{CauseView, FindingView, ScenarioView};

/// Run one schedule again: that of a finding, or one in a file
#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A finding as reports name it, SCENARIO/ID or ID, or a schedule file
    pub(crate) what: String,
    /// The scenario that a file's schedule belongs to
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) times: u32,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs, global: &Global) -> Result<Exit, Failure> {
    let runs_dir = args.bench.runs_dir.as_deref();
    let opened = stored::open(&args.what, args.scenario.as_deref(), runs_dir, global)?;
    let Opened {
        project,
        runs,
        found,
        schedule,
        scenario,
    } = opened;
    let signals = Signals::listen()?;
    let screen = Screen::new(Progress::None, global);
    let begun = Instant::now();
    let (result, folder) = perform(
        &project, &runs, &scenario, &schedule, &found, args, &signals,
    )?;
    let view = views(&scenario, &result, &found, milliseconds(begun), &folder);
    let look = Look {
        width: args::width(),
        palette: screen.palette(),
        schedule_text: environment::is_ci(),
        output: true,
    };
    screen.verdict(&text(&view, &result, look));
    let signal = signals.which().map(|(_, exit)| exit);
    Ok(signal.unwrap_or(Exit::of(view.outcome)))
}

fn perform(
    project: &Project,
    runs: &Path,
    scenario: &Scenario,
    schedule: &Schedule,
    found: &Found,
    args: &ReplayArgs,
    signals: &Signals,
) -> Result<(ReplayResult, PathBuf), Failure> {
    let run = RunFolder::create(runs, &utc_now(), schedule.seed)?;
    let store = Arc::new(run.scenario(&scenario.name)?);
    let redactor = Redactor::new(&scenario.target, Settings::of(scenario).attempts);
    let keep = campaign::keeper(&store, &redactor);
    let cells = args.bench.cells.unwrap_or(1);
    let settings = args.bench.settings(cells);
    let mut lab = world::lab(scenario, &settings, keep, campaign::interrupted(signals))?;
    let begun = Instant::now();
    let elapsed = || begun.elapsed();
    let interrupted = || signals.came();
    let control = Control {
        elapsed: &elapsed,
        interrupted: &interrupted,
        observer: &mut |_| {},
    };
    let trace = found.trace.as_deref();
    let instances = found.instances;
    let (mode, times) = (Mode::Strict, args.times);
    let asked = ReplayAsked {
        schedule,
        mode,
        trace,
        instances,
        times,
    };
    let result = replay(&CampaignSpec::from(scenario), &mut lab, &asked, control);
    Ok((result, shown(project, &run.path).join(&scenario.name)))
}

/// Returns the facts of the replays: each finding once, with how many replays show it.
fn views(
    scenario: &Scenario,
    result: &ReplayResult,
    found: &Found,
    elapsed_ms: u64,
    folder: &Path,
) -> ScenarioView {
    let redactor = Redactor::new(&scenario.target, Settings::of(scenario).attempts);
    let mut view = view::replayed(scenario, &result.outcome, elapsed_ms);
    view.trials = u32::try_from(result.trials.len()).unwrap_or(u32::MAX);
    for (record, verdict) in &result.trials {
        match verdict {
            Verdict::Pass => {}
            Verdict::Inconclusive(reasons) => {
                let new = reasons
                    .iter()
                    .filter(|reason| !view.reasons.contains(reason));
                let new: Vec<_> = new.cloned().collect();
                view.reasons.extend(new);
            }
            Verdict::Violation(findings) => {
                for finding in findings {
                    let causes = result.causes.get(&finding.id);
                    let causes = view::causes(causes.map_or(&[][..], Vec::as_slice));
                    add(&mut view, (finding, causes), record, &redactor, folder);
                }
            }
        }
    }
    let times = view.trials;
    for one in &mut view.findings {
        one.replayed.1 = times;
    }
    if let Some(id) = &found.finding
        && !view.findings.is_empty()
        && view.findings.iter().all(|one| one.finding.id != *id)
    {
        let text = format!("finding {id} did not show again; what showed is listed here");
        view.reasons.push(("TP-I03".to_owned(), text));
    }
    view
}

fn add(
    view: &mut ScenarioView,
    (finding, causes): (&Finding, Vec<CauseView>),
    record: &twiceproof_model::TrialRecord,
    redactor: &Redactor,
    folder: &Path,
) {
    if let Some(known) = view
        .findings
        .iter_mut()
        .find(|known| known.finding.id == finding.id)
    {
        known.trials += 1;
        known.replayed.0 += 1;
        return;
    }
    let mut record = record.clone();
    record
        .outputs
        .values_mut()
        .for_each(|output| redactor.output(output));
    view.findings.push(FindingView {
        finding: finding.clone(),
        record,
        replayed: (1, 1),
        diverged: None,
        causes,
        orders: Vec::new(),
        shrunk: None,
        trials: 1,
        folder: folder.join("trials").display().to_string(),
        regression: String::new(),
    });
}

/// Returns what is printed: the verdict with its table, then the fingerprints.
fn text(view: &ScenarioView, result: &ReplayResult, look: Look) -> String {
    let mut text = if view.findings.is_empty() {
        terminal::scenario(view, look)
    } else {
        terminal::findings(view, look)
    };
    let mut fingerprints: Vec<(String, u32)> = Vec::new();
    for (record, _) in &result.trials {
        let fingerprint = record.fingerprint.to_string();
        match fingerprints
            .iter_mut()
            .find(|(known, _)| *known == fingerprint)
        {
            Some((_, count)) => *count += 1,
            None => fingerprints.push((fingerprint, 1)),
        }
    }
    for (fingerprint, count) in fingerprints {
        text.push_str(&format!(
            "  fingerprint {fingerprint}   {count} of {}\n",
            result.trials.len()
        ));
    }
    for (record, _) in &result.trials {
        if let Some(divergence) = &record.divergence {
            let (line, wanted) = (divergence.line, &divergence.wanted);
            let wanted = twiceproof_report::escape::show(wanted, 90);
            text.push_str(&format!(
                "  TP-I03 line {line} of the schedule: {wanted} was not on offer\n"
            ));
            for offered in divergence.offered.iter().take(8) {
                let offered = twiceproof_report::escape::show(offered, 100);
                text.push_str(&format!("         there was  {offered}\n"));
            }
            break;
        }
    }
    text
}
