//! Regressions: the schedules of findings, kept beside the scenarios that they break and replayed
//! by every later run.

use crate::args;
use crate::project::Project;
use crate::world;
use clap::ValueEnum;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use twiceproof_explore::Mode;
use twiceproof_explore::campaign::{CampaignFinding, Regression};
use twiceproof_lab::store::{StoreError, put_durable};
use twiceproof_model::diag::{Diag, Flaw, code};
use twiceproof_model::schedule::{Directive, SCHEDULE_BYTES_MAX};
use twiceproof_model::{Fault, Scenario, Schedule, Who};

/// Where they lie, below the project's folder.
pub(crate) const FOLDER: &str = "scenarios/regressions";
/// The ending of their files.
const ENDING: &str = "schedule";
/// The most that are read of one scenario, in the order of their names.
const FILES_MAX: usize = 64;

/// When stored regressions are replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// Before the search
    #[default]
    First,
    /// Before the search, which is left out; scenarios without any are not selected
    Only,
    /// Never, and no new ones are stored
    Skip,
}

/// What lies in a scenario's folder of regressions.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Those that can be replayed.
    pub(crate) regressions: Vec<Regression>,
    /// The errors in the others, each with the text of its file.
    pub(crate) broken: Vec<Broken>,
    /// How many more there are than are read.
    pub(crate) beyond: usize,
}

/// A file that cannot be replayed.
#[derive(Debug)]
pub(crate) struct Broken {
    /// The finding, as the file is named.
    pub(crate) finding: String,
    /// What is wrong, and where.
    pub(crate) diag: Diag,
    /// The file's text, as far as it is any.
    pub(crate) text: String,
}

/// Puts the schedule of a finding in the place of the one that is kept, if one is.
pub(crate) fn improve(
    project: &Project,
    scenario: &Scenario,
    found: &CampaignFinding,
) -> Result<(), StoreError> {
    let path = project.root.join(file(&scenario.name, &found.finding.id));
    match path.is_file() {
        true => put_durable(&path, found.record.schedule.as_bytes()),
        false => Ok(()),
    }
}

/// Returns the file of a finding's regression, below the project's folder.
pub(crate) fn file(scenario: &str, finding: &str) -> PathBuf {
    let folder = Path::new(FOLDER).join(scenario);
    folder.join(format!("{finding}.{ENDING}"))
}

/// Returns the scenario whose regression this is, for a file of the project.
pub(crate) fn scenario_of(project: &Project, path: &Path) -> Option<String> {
    let below = path.strip_prefix(project.root.join(FOLDER)).ok()?;
    let folder = below.parent()?.to_str()?;
    Some(folder.to_owned()).filter(|name| !name.is_empty())
}

/// Returns the files of a scenario's regressions, below the project's folder, in the order of their
/// names.
pub(crate) fn files(project: &Project, scenario: &str) -> Vec<PathBuf> {
    let folder = Path::new(FOLDER).join(scenario);
    let entries = fs::read_dir(project.root.join(&folder));
    let entries = entries.into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| path.extension().is_some_and(|ending| ending == ENDING);
    let names = entries.map(|entry| folder.join(entry.file_name()));
    let mut files: Vec<PathBuf> = names.filter(is_ours).collect();
    files.sort();
    files
}

/// Reads the regressions of a scenario. What is wrong with one keeps no other from being read.
pub(crate) fn read(project: &Project, scenario: &Scenario) -> Kept {
    let mut files = files(project, &scenario.name);
    let mut kept = Kept {
        beyond: files.len().saturating_sub(FILES_MAX),
        ..Kept::default()
    };
    files.truncate(FILES_MAX);
    let Some(hash) = (!files.is_empty()).then(|| world::hash_of(&scenario.target)) else {
        return kept;
    };
    for file in files {
        match read_one(project, scenario, &file) {
            Ok(schedule) => kept.regressions.push(Regression {
                finding: finding_of(&file),
                mode: mode(&schedule, &hash),
                schedule,
            }),
            Err(broken) => kept.broken.push(*broken),
        }
    }
    kept
}

fn read_one(project: &Project, scenario: &Scenario, file: &Path) -> Result<Schedule, Box<Broken>> {
    let bytes = bytes(&project.root.join(file)).map_err(|error| {
        let message = format!("cannot read the file: {error}");
        broken(file, whole(file, message), String::new())
    })?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let at = error.valid_up_to();
            let flaw = Flaw {
                code: code::SYNTAX,
                message: format!("byte {} of the file is no UTF-8", at + 1),
                span: at..at + 1,
                help: "the file may be damaged: take it from version control again".to_owned(),
            };
            return Err(broken(file, flaw.in_file(file), text));
        }
    };
    let schedule = Schedule::parse_known(&text, &project.registries.kinds())
        .and_then(|schedule| fits(scenario, &schedule, &text).map(|()| schedule));
    schedule.map_err(|flaw| broken(file, flaw.in_file(file), text))
}

fn broken(file: &Path, diag: Diag, text: String) -> Box<Broken> {
    Box::new(Broken {
        finding: finding_of(file),
        diag,
        text,
    })
}

/// Returns the finding whose regression the file is, by its name.
fn finding_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Returns the bytes of a file, no more of them than show that it is too large.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let bound = SCHEDULE_BYTES_MAX as u64 + 1;
    fs::File::open(path)?.take(bound).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn whole(file: &Path, message: String) -> Diag {
    Diag {
        code: code::SYNTAX,
        message,
        file: file.to_owned(),
        span: None,
        help: String::new(),
    }
}

/// Checks that the schedule is one of this scenario's target.
fn fits(scenario: &Scenario, schedule: &Schedule, text: &str) -> Result<(), Flaw> {
    let target = &scenario.target;
    if let Some((name, _)) = &schedule.target
        && *name != target.name
    {
        return Err(Flaw {
            code: code::UNKNOWN_NAME,
            message: format!("the schedule was made with the target `{name}`"),
            span: line_of(text, "target"),
            help: format!("{} has the target {}", scenario.name, target.name),
        });
    }
    for directive in &schedule.body {
        let (Directive::Fault(fault) | Directive::Heal(fault)) = directive else {
            continue;
        };
        let place = || line_of(text, &directive.to_string());
        if let Some(service) = stranger(scenario, fault) {
            return Err(Flaw {
                code: code::UNKNOWN_NAME,
                message: format!("unknown service `{service}`"),
                span: place(),
                help: format!("the target {} does not have it", target.name),
            });
        }
        if let Some(unfit) = world::unfit(fault, target, args::BACKEND) {
            return Err(Flaw {
                code: code::UNFIT,
                message: unfit.what,
                span: place(),
                help: unfit.hint,
            });
        }
    }
    Ok(())
}

/// Returns the service of a fault that the target does not have.
fn stranger(scenario: &Scenario, fault: &Fault) -> Option<String> {
    let who = match &fault.who {
        Who::Service(service) => Some(service),
        _ => None,
    };
    let mut named = fault.link.iter().chain(who);
    let services = &scenario.target.services;
    let stranger = named.find(|name| services.iter().all(|spec| spec.name != **name));
    stranger.map(ToString::to_string)
}

/// Returns the place of the first line that begins so, or of the first line.
fn line_of(text: &str, start: &str) -> std::ops::Range<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(start) {
            return offset..offset + line.trim_end().len();
        }
        offset += line.len();
    }
    0..text.lines().next().map_or(0, str::len)
}

/// Returns how the schedule is replayed: to the letter where the target is the one that it was made
/// with.
pub(crate) fn mode(schedule: &Schedule, hash: &str) -> Mode {
    let is_same = |(_, made_with): &(String, String)| made_with == hash;
    if schedule.target.as_ref().is_some_and(is_same) {
        Mode::Strict
    } else {
        Mode::Lenient
    }
}

/// Stores the schedule of a finding that can be repeated, where none of it is stored yet, and
/// returns the file, below the project's folder, where there is one now.
pub(crate) fn put(
    project: &Project,
    scenario: &Scenario,
    found: &CampaignFinding,
) -> Result<Option<PathBuf>, StoreError> {
    let file = file(&scenario.name, &found.finding.id);
    let path = project.root.join(&file);
    if path.exists() {
        return Ok(Some(file));
    }
    // A schedule that never repeated would only diverge.
    if found.replays.tried > 0 && found.replays.same == 0 {
        return Ok(None);
    }
    put_durable(&path, found.record.schedule.as_bytes())?;
    Ok(Some(file))
}
