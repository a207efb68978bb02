//! What there is to review: masks and locks that clean runs propose, findings of the last run of
//! each scenario, and what the files say of them already.

pub(crate) mod dialogue;
pub(crate) mod edit;

use crate::commands::list::{run_folders, run_json};
use crate::project::Project;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use twiceproof_lab::store::Store;
use twiceproof_model::digest::Digest;
use twiceproof_model::scenario::Expect;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::target::LockSpec;
use twiceproof_model::{Date, Event, RequestId, Scenario, Target, TrialRecord};
use twiceproof_oracle::{Mask, MaskOrigin, StateRules};

/// How many stored runs are looked at, the newest first.
const RUNS_MAX: usize = 50;
/// Longest start of a request that a proposed lock quotes.
const PATTERN_CHARS_MAX: usize = 100;

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A column compared by class.
    Mask {
        /// The service whose state has it.
        service: String,
        /// As the target file names it: `members.updated_at`.
        column: String,
    },
    /// A lock.
    Lock(LockSpec),
    /// A finding: its code and sentence.
    Finding {
        /// The scenario that shows it.
        scenario: String,
        /// Its code.
        code: String,
        /// Its sentence.
        message: String,
    },
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A run proposes it, and the file does not say it.
    Proposed,
    /// The file says it.
    Accepted,
    /// It was found, and the file does not say that it is known.
    New,
    /// The file says that it is known, until this day, in this ticket.
    Known(Date, String),
}

/// One line of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What `--accept` and `--reject` name it by: 8 hex digits.
    pub(crate) id: String,
    /// The file that it is about, below the project's folder.
    pub(crate) file: PathBuf,
    /// What it is about.
    pub(crate) what: What,
    /// Where it stands.
    pub(crate) standing: Standing,
}

/// What clean runs showed, as far as a review reads it.
#[derive(Deserialize)]
struct Baseline {
    #[serde(default)]
    masks: Vec<Mask>,
    #[serde(default)]
    lock_objects: Vec<ObjectName>,
}

/// Returns what there is to review: target files first, each entry once.
pub(crate) fn entries(project: &Project, runs: &Path) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let (mut targets, mut findings) = (Vec::new(), Vec::new());
    for run in run_folders(runs).into_iter().take(RUNS_MAX) {
        let Some(report) = run_json(&run) else {
            continue;
        };
        for told in report["scenarios"].as_array().into_iter().flatten() {
            let name = told["name"].as_str().unwrap_or_default();
            let Some(scenario) = project.scenario(name).ok() else {
                continue;
            };
            if seen.insert(name.to_owned()) {
                targets.extend(of_target(&scenario.target, &run.join(name)));
                findings.extend(of_scenario(&scenario, told));
            }
        }
    }
    targets.sort_by(|a: &Entry, b: &Entry| (&a.file, &a.id).cmp(&(&b.file, &b.id)));
    findings.sort_by(|a: &Entry, b: &Entry| (&a.file, &a.id).cmp(&(&b.file, &b.id)));
    let mut all: Vec<Entry> = targets.into_iter().chain(findings).collect();
    all.dedup_by(|a, b| a.id == b.id && a.file == b.file);
    all
}

/// Returns the masks and locks of a target: those that its file names, and those that a stored run
/// proposes.
fn of_target(target: &Target, folder: &Path) -> Vec<Entry> {
    let file = Path::new("targets").join(&target.name).join("target.toml");
    let entry = |what: What, standing| Entry {
        id: id(&file, &what),
        file: file.clone(),
        what,
        standing,
    };
    let mut entries = Vec::new();
    for (service, state) in &target.state {
        let masks = state.mask.iter().map(|column| What::Mask {
            service: service.to_string(),
            column: column.clone(),
        });
        entries.extend(masks.map(|mask| entry(mask, Standing::Accepted)));
    }
    let locks = target.locks.iter().cloned().map(What::Lock);
    entries.extend(locks.map(|lock| entry(lock, Standing::Accepted)));
    let Ok(baseline) = Store::read_baseline::<Baseline>(folder) else {
        return entries;
    };
    let rules = StateRules(target.state.clone());
    let masks = baseline.masks.iter().filter(|mask| {
        mask.origin == MaskOrigin::Learnt && !rules.masks(&mask.object, &mask.column)
    });
    let masks = masks.map(|mask| What::Mask {
        service: mask.object.service.to_string(),
        column: format!("{}.{}", last_part(&mask.object), mask.column),
    });
    entries.extend(masks.map(|mask| entry(mask, Standing::Proposed)));
    let record = Store::read_clean_run(folder, crate::recorded::CLEAN_RUN).ok();
    let locks = record.iter().flat_map(|record| {
        let objects = baseline.lock_objects.iter();
        objects.filter_map(|object| lock_of(object, record))
    });
    let is_new = |lock: &LockSpec| {
        let mut known = target.locks.iter();
        known.all(|known| known.service != lock.service || known.acquire != lock.acquire)
    };
    let locks = locks.filter(is_new).map(What::Lock);
    entries.extend(locks.map(|lock| entry(lock, Standing::Proposed)));
    entries
}

/// Returns the lock that the object serves as: taken by the first request that writes it, given
/// back by the last one. `None` where their texts do not tell them apart.
fn lock_of(object: &ObjectName, record: &TrialRecord) -> Option<LockSpec> {
    let writes = |id: RequestId| {
        record.trace.iter().any(|stamped| {
            matches!(&stamped.event, Event::Answered { request, reply }
                if *request == id && reply.is_effective_write())
        })
    };
    let word = last_part(object);
    let texts = record.trace.iter().filter_map(|stamped| {
        let Event::Held(request) = &stamped.event else {
            return None;
        };
        let signature = &request.signature;
        let is_of_it = signature.service == object.service
            && twiceproof_oracle::lock_object::names_word(&signature.text, word);
        (is_of_it && writes(request.id)).then(|| start_of(&signature.text))
    });
    let texts: Vec<String> = texts.collect();
    let (acquire, release) = (texts.first()?, texts.last()?);
    (acquire != release).then(|| LockSpec {
        name: name_of(word),
        service: object.service.clone(),
        acquire: acquire.clone(),
        release: release.clone(),
    })
}

/// Returns what stands behind the schema or the file in an object's name.
fn last_part(object: &ObjectName) -> &str {
    let name: &str = &object.object;
    name.rsplit(['.', ':']).next().unwrap_or(name)
}

/// Returns the start of a text, up to the end of a word.
fn start_of(text: &str) -> String {
    match text.char_indices().nth(PATTERN_CHARS_MAX) {
        None => text.to_owned(),
        Some((cut, _)) => match text[..cut].rfind(' ') {
            Some(blank) => text[..blank].to_owned(),
            None => text[..cut].to_owned(),
        },
    }
}

/// Returns a name as files can give it, after this word.
fn name_of(word: &str) -> String {
    let mut name: String = word
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "lock_");
    }
    name.truncate(twiceproof_model::kind::NAME_BYTES_MAX);
    name
}

/// Returns the findings of a scenario's last run, and those that its file says are known.
fn of_scenario(scenario: &Scenario, told: &Value) -> Vec<Entry> {
    if scenario.expect == Expect::Violation {
        return Vec::new();
    }
    let mut entries: Vec<Entry> = Vec::new();
    let standing = |id: &str| {
        let mut known = scenario.known.iter();
        let known = known.find(|known| known.finding == id);
        known.map_or(Standing::New, |known| {
            Standing::Known(known.until, known.ticket.clone())
        })
    };
    for found in told["findings"].as_array().into_iter().flatten() {
        let text = |key: &str| {
            found["finding"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let id = text("id");
        entries.push(Entry {
            file: scenario.path.clone(),
            standing: standing(&id),
            id,
            what: What::Finding {
                scenario: scenario.name.clone(),
                code: text("code"),
                message: text("message"),
            },
        });
    }
    for known in &scenario.known {
        if entries.iter().all(|entry| entry.id != known.finding) {
            entries.push(Entry {
                id: known.finding.clone(),
                file: scenario.path.clone(),
                what: What::Finding {
                    scenario: scenario.name.clone(),
                    code: String::new(),
                    message: "not found by the last run".to_owned(),
                },
                standing: standing(&known.finding),
            });
        }
    }
    entries
}

/// Returns what names an entry of a target file: it stays the same once the file says it.
fn id(file: &Path, what: &What) -> String {
    let text = match what {
        What::Mask { service, column } => format!("mask {service} {column}"),
        What::Lock(lock) => format!("lock {} {} {}", lock.service, lock.acquire, lock.release),
        What::Finding { .. } => String::new(),
    };
    Digest::of(format!("{} {text}", file.display()).as_bytes()).short()
}
