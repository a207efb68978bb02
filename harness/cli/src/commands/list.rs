//! `list`: what there is to name.

use crate::args::{Format, Global};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::registries::Registries;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use twiceproof_model::kind::Kind;
use twiceproof_report::FORMATS;
use twiceproof_report::escape::{pad, show};

/// Print what there is to name: scenarios, targets, kinds, runs, findings
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Of what
    #[arg(value_enum)]
    pub(crate) kind: Of,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Where runs are stored, in place of `reports/runs`
    #[arg(long, value_name = "DIR", env = environment::RUNS_DIR)]
    pub(crate) runs_dir: Option<PathBuf>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Of {
    /// Scenario files
    Scenarios,
    /// Target files
    Targets,
    /// Kinds of services
    Services,
    /// Stages of the search
    Stages,
    /// Kinds of triggers
    Triggers,
    /// Backends
    Backends,
    /// Wire protocols
    Protocols,
    /// Checks on a trial
    Oracles,
    /// Faults that schedules can name
    Faults,
    /// Report formats
    Formats,
    /// Runs stored here
    Runs,
    /// Findings of stored runs
    Findings,
}

/// One line: a name and what it is.
struct Entry {
    name: String,
    doc: String,
}

/// Runs the command.
pub(crate) fn run(args: &ListArgs, global: &Global) -> Result<Exit, Failure> {
    let entries = entries(args, global)?;
    match args.format {
        Format::Human => {
            let names = entries.iter().map(|entry| show(&entry.name, 60));
            let names: Vec<_> = names.collect();
            let width = names
                .iter()
                .map(|name| name.chars().count())
                .max()
                .unwrap_or(0);
            for (entry, name) in entries.iter().zip(&names) {
                println!(
                    "{}",
                    format!("{}  {}", pad(name, width), show(&entry.doc, 100)).trim_end()
                );
            }
        }
        Format::Json => {
            let json = |entry: &Entry| json!({ "name": entry.name, "doc": entry.doc });
            let values: Value = entries.iter().map(json).collect();
            print!("{}", twiceproof_report::json::to_text(&values));
        }
    }
    Ok(Exit::Ok)
}

fn entries(args: &ListArgs, global: &Global) -> Result<Vec<Entry>, Failure> {
    let registries = Registries::all();
    Ok(match args.kind {
        Of::Services => kinds(&registries.services),
        Of::Stages => kinds(&registries.stages),
        Of::Triggers => kinds(&registries.triggers),
        Of::Oracles => kinds(&registries.checks),
        Of::Faults => kinds(&registries.faults),
        Of::Backends => {
            let backends = crate::world::backends().iter();
            backends
                .map(|backend| entry(backend.name(), backend.doc()))
                .collect()
        }
        Of::Protocols => {
            let protocols = crate::world::protocols().into_iter();
            protocols.map(|(name, doc)| entry(name, doc)).collect()
        }
        Of::Formats => FORMATS
            .iter()
            .map(|format| entry(format.name, format.doc))
            .collect(),
        Of::Scenarios => scenarios(&Project::find(global.folder.as_deref())?)?,
        Of::Targets => targets(&Project::find(global.folder.as_deref())?),
        Of::Runs => runs(&Project::find(global.folder.as_deref())?.runs(args.runs_dir.as_deref())),
        Of::Findings => {
            findings(&Project::find(global.folder.as_deref())?.runs(args.runs_dir.as_deref()))
        }
    })
}

fn entry(name: &str, doc: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        doc: doc.to_owned(),
    }
}

fn kinds(kinds: &[Kind]) -> Vec<Entry> {
    kinds
        .iter()
        .map(|kind| entry(kind.name, kind.doc))
        .collect()
}

fn scenarios(project: &Project) -> Result<Vec<Entry>, Failure> {
    let names = project.scenario_names()?;
    let entries = names.iter().map(|name| match project.scenario(name) {
        Ok(scenario) => entry(name, &scenario.title),
        Err(_) => entry(name, "(has errors: see `twiceproof check`)"),
    });
    Ok(entries.collect())
}

fn targets(project: &Project) -> Vec<Entry> {
    let entries = project
        .target_names()
        .into_iter()
        .map(|name| match project.target(&name) {
            Ok(target) => entry(&name, &target.command.join(" ")),
            Err(_) => entry(&name, "(has errors: see `twiceproof check`)"),
        });
    entries.collect()
}

/// Returns the stored runs, the newest first.
fn runs(folder: &Path) -> Vec<Entry> {
    let mut entries: Vec<Entry> = run_folders(folder)
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let doc = match run_json(&path) {
                Some(run) => format!(
                    "exit code {}, {} scenarios",
                    run["exit"],
                    run["scenarios"].as_array().map_or(0, Vec::len)
                ),
                None => "did not end in order".to_owned(),
            };
            entry(&name, &doc)
        })
        .collect();
    entries.sort_by(|a, b| b.name.cmp(&a.name));
    entries
}

/// Returns the findings of stored runs, each once, from the newest run that has it.
fn findings(folder: &Path) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    for path in run_folders(folder) {
        let Some(run) = run_json(&path) else { continue };
        for scenario in run["scenarios"].as_array().into_iter().flatten() {
            for finding in scenario["findings"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let finding = &finding["finding"];
                let name = format!("{}/{}", text(&scenario["name"]), text(&finding["id"]));
                let doc = format!("{} {}", text(&finding["code"]), text(&finding["message"]));
                if !found.iter().any(|known| known.name == name) {
                    found.push(Entry { name, doc });
                }
            }
        }
    }
    found
}

/// Returns the folders of stored runs, the newest first.
pub(crate) fn run_folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Returns what a run stored of itself for programs, where it ended in order.
pub(crate) fn run_json(folder: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(folder.join("run.json")).ok()?).ok()
}
