//! Schedules that runs stored, and what their places tell of them.

use crate::args::{self, Global};
use crate::commands::list::run_folders;
use crate::failure::Failure;
use crate::project::Project;
use crate::regressions;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use twiceproof_lab::store::Store;
use twiceproof_model::{Scenario, Schedule, Trace};

/// A schedule with what is known of where it comes from.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) scenario: Option<String>,
    /// The id of its finding.
    pub(crate) finding: Option<String>,
    /// The trace that it was made from.
    pub(crate) trace: Option<Trace>,
    /// How many instances took part.
    pub(crate) instances: Option<u8>,
}

/// A stored schedule that a user names, with all that running it again takes.
pub(crate) struct Opened {
    pub(crate) project: Project,
    /// The folder of runs.
    pub(crate) runs: PathBuf,
    pub(crate) found: Found,
    pub(crate) schedule: Schedule,
    pub(crate) scenario: Scenario,
}

/// Opens what a user names by `what`; a file's schedule belongs to the scenario of this name.
pub(crate) fn open(
    what: &str,
    scenario: Option<&str>,
    runs_dir: Option<&Path>,
    global: &Global,
) -> Result<Opened, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let runs = project.runs(runs_dir);
    let found = find(&project, &runs, what, global)?;
    let schedule = read(&project, &found.path)?;
    let name = scenario_of(&project, scenario, &found, &schedule)?;
    let scenario = project.scenario(&name);
    let scenario = scenario.map_err(|flaws| project.draw(&[flaws], args::width()))?;
    Ok(Opened {
        project,
        runs,
        found,
        schedule,
        scenario,
    })
}

/// Reads a schedule file.
pub(crate) fn read(project: &Project, path: &Path) -> Result<Schedule, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::unreadable(path, &error))?;
    let text = String::from_utf8_lossy(&bytes);
    Schedule::parse_known(&text, &project.registries.kinds()).map_err(|flaw| {
        let mut failure = Failure::usage("the schedule file has an error", "");
        failure.body = flaw.in_file(path).render(&text, args::width()) + "\n";
        failure
    })
}

/// Finds the schedule that a user names: a finding as reports name it, or a file.
pub(crate) fn find(
    project: &Project,
    runs: &Path,
    what: &str,
    global: &Global,
) -> Result<Found, Failure> {
    let file = global
        .folder
        .as_deref()
        .unwrap_or(Path::new("."))
        .join(what);
    if file.is_file() {
        return Ok(of_file(project, &fs::canonicalize(&file).unwrap_or(file)));
    }
    let (scenario, id) = match what.rsplit_once('/') {
        Some((scenario, id)) => (Some(scenario), id),
        None => (None, what),
    };
    for run in run_folders(runs) {
        let place = match scenario {
            Some(scenario) => Some(run.join(scenario).join(id)),
            None => search(&run, id, 0),
        };
        let path = place.map(|place| place.join("finding.schedule"));
        if let Some(path) = path.filter(|path| path.is_file()) {
            return Ok(of_file(project, &path));
        }
    }
    let scenarios = match scenario {
        Some(scenario) => vec![scenario.to_owned()],
        None => project.scenario_names()?,
    };
    let kept = scenarios.iter().map(|name| regressions::file(name, id));
    let mut kept = kept.map(|file| project.root.join(file));
    if let Some(path) = kept.find(|path| path.is_file()) {
        return Ok(of_file(project, &path));
    }
    Err(Failure::usage(
        format!("no finding and no schedule file `{}`", what),
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
fn of_file(project: &Project, path: &Path) -> Found {
    let mut found = Found {
        path: path.to_owned(),
        scenario: regressions::scenario_of(project, path),
        finding: None,
        trace: None,
        instances: None,
    };
    if found.scenario.is_some() {
        let stem = path.file_stem().unwrap_or_default();
        found.finding = Some(stem.to_string_lossy().into_owned());
        return found;
    }
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
pub(crate) fn scenario_of(
    project: &Project,
    asked: Option<&str>,
    found: &Found,
    schedule: &Schedule,
) -> Result<String, Failure> {
    if let Some(name) = asked.map(str::to_owned).or_else(|| found.scenario.clone()) {
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
