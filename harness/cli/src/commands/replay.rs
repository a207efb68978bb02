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
use crate::{environment, view, world};
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use twiceproof_explore::campaign::{ReplayAsked, ReplayResult, replay};
use twiceproof_explore::trigger::Settings;
use twiceproof_explore::{CampaignSpec, Control, Mode};
use twiceproof_lab::store::{Redactor, RunFolder, Store};
use twiceproof_model::{Finding, Scenario, Schedule, Trace, Verdict};
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

/// A schedule with what is known of where it comes from.
struct Found {
    path: PathBuf,
    scenario: Option<String>,
    /// The id of its finding.
    finding: Option<String>,
    /// The trace that it was made from.
    trace: Option<Trace>,
    /// How many instances took part.
    instances: Option<u8>,
}

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let runs = project.runs(args.bench.runs_dir.as_deref());
    let found = find(&project, &runs, args, global)?;
    let schedule = read(&project, &found.path)?;
    let name = scenario_of(&project, args, &found, &schedule)?;
    let scenario = project.scenario(&name);
    let scenario = scenario.map_err(|flaws| project.draw(&[flaws], args::width()))?;
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
        shrunk: None,
        trials: 1,
        folder: folder.join("trials").display().to_string(),
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

fn read(project: &Project, path: &Path) -> Result<Schedule, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::unreadable(path, &error))?;
    let text = String::from_utf8_lossy(&bytes);
    Schedule::parse_known(&text, &project.registries.kinds()).map_err(|flaw| {
        let mut failure = Failure::usage("the schedule file has an error", "");
        failure.body = flaw.in_file(path).render(&text, args::width()) + "\n";
        failure
    })
}

/// Finds the schedule that the argument names.
fn find(
    project: &Project,
    runs: &Path,
    args: &ReplayArgs,
    global: &Global,
) -> Result<Found, Failure> {
    let file = global
        .folder
        .as_deref()
        .unwrap_or(Path::new("."))
        .join(&args.what);
    if file.is_file() {
        return Ok(of_file(&fs::canonicalize(&file).unwrap_or(file)));
    }
    let (scenario, id) = match args.what.rsplit_once('/') {
        Some((scenario, id)) => (Some(scenario), id),
        None => (None, args.what.as_str()),
    };
    for run in super::list::run_folders(runs) {
        let place = match scenario {
            Some(scenario) => Some(run.join(scenario).join(id)),
            None => search(&run, id, 0),
        };
        let path = place.map(|place| place.join("finding.schedule"));
        if let Some(path) = path.filter(|path| path.is_file()) {
            return Ok(of_file(&path));
        }
    }
    let committed = project.root.join("scenarios").join("regressions");
    if let Some(scenario) = scenario {
        let path = committed.join(scenario).join(format!("{id}.schedule"));
        if path.is_file() {
            let name = Some(scenario.to_owned());
            return Ok(Found {
                scenario: name,
                finding: Some(id.to_owned()),
                ..of_file(&path)
            });
        }
    }
    Err(Failure::usage(
        format!("no finding and no schedule file `{}`", args.what),
        "`twiceproof list findings` prints those of stored runs",
    ))
}

/// Looks for the folder of a finding below a run's.
fn search(folder: &Path, id: &str, depth: usize) -> Option<PathBuf> {
    const DEPTH_MAX: usize = 8;
    if folder.join(id).join("finding.schedule").is_file() {
        return Some(folder.join(id));
    }
    if depth >= DEPTH_MAX {
        return None;
    }
    let entries = fs::read_dir(folder).ok()?.flatten();
    let skip = |name: &std::ffi::OsStr| name == "trials" || name == "contents";
    let folders = entries.filter(|entry| !skip(&entry.file_name()) && entry.path().is_dir());
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
        .iter()
        .find_map(|folder| search(folder, id, depth + 1))
}

/// Returns what the place of a schedule file tells: a finding's folder knows scenario and trial.
fn of_file(path: &Path) -> Found {
    let mut found = Found {
        path: path.to_owned(),
        scenario: None,
        finding: None,
        trace: None,
        instances: None,
    };
    let Some(folder) = path.parent() else {
        return found;
    };
    let diff = fs::read(folder.join("diff.json")).ok();
    let Some(diff) = diff.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()) else {
        return found;
    };
    found.finding = diff["finding"]["id"].as_str().map(str::to_owned);
    let Some(scenario) = folder.parent() else {
        return found;
    };
    let run = scenario
        .ancestors()
        .find(|folder| folder.join("events.ndjson").exists());
    let name = run.and_then(|run| scenario.strip_prefix(run).ok());
    found.scenario = name.map(|name| name.display().to_string());
    let trial = diff["trial"]
        .as_u64()
        .and_then(|trial| u32::try_from(trial).ok());
    let store = Store::open(scenario).ok();
    if let (Some(store), Some(trial)) = (store, trial)
        && let Ok(loaded) = store.load_trial(trial)
        && loaded.cut.is_none()
    {
        found.instances = Some(loaded.value.instances);
        found.trace = Some(loaded.value.trace);
    }
    found
}

/// Returns the scenario of the schedule: as asked, by its folder, or the only one of its target.
fn scenario_of(
    project: &Project,
    args: &ReplayArgs,
    found: &Found,
    schedule: &Schedule,
) -> Result<String, Failure> {
    if let Some(name) = args.scenario.clone().or_else(|| found.scenario.clone()) {
        return Ok(name);
    }
    let hint = "name the scenario with --scenario";
    let Some((target, _)) = &schedule.target else {
        return Err(Failure::usage("the schedule names no target", hint));
    };
    let names = project.scenario_names()?;
    let of_target = names.into_iter().filter(|name| {
        project
            .scenario(name)
            .is_ok_and(|scenario| scenario.target.name == *target)
    });
    let mut of_target: Vec<String> = of_target.collect();
    match of_target.len() {
        1 => Ok(of_target.remove(0)),
        0 => Err(Failure::usage(
            format!("no scenario has the target {target}"),
            hint,
        )),
        _ => {
            let message = format!("several scenarios have the target {target}");
            Err(Failure::usage(
                message,
                format!("{hint}: {}", of_target.join(", ")),
            ))
        }
    }
}
