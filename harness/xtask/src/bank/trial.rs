//! Runs the scenarios of the bank, and reads from their runs what was found.

use super::table::Table;
use crate::images::IMAGE_MAP;
use crate::shell::{Failure, root, target_folder};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The file in which a run says how it ended.
const RUN_FILE: &str = "run.json";

/// Largest file of a run that is read.
const RUN_BYTES_MAX: u64 = 64 << 20;

/// How a scenario ended.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) name: String,
    /// What the run says: `pass` where it ended as its file expects.
    pub(super) outcome: String,
    /// Requests of a clean run.
    pub(super) requests: u64,
    pub(super) trials: u64,
    /// Stage and trial of each finding, the first one first.
    pub(super) found: Vec<(u64, String)>,
    /// Codes of verdicts.
    pub(super) verdicts: BTreeSet<String>,
    /// Codes of causes: why it ran twice, and where the run says so, what broke.
    pub(super) causes: BTreeSet<String>,
    /// Whether the run says what broke: older formats do not.
    pub(super) is_classified: bool,
}

/// Runs every scenario of the table, one after the other.
pub(super) fn run_all(table: &Table) -> Result<BTreeMap<String, Ended>, Failure> {
    let mut all = BTreeMap::new();
    for (name, has_bug) in table.scenarios() {
        let start = Instant::now();
        let ended = run(&name, has_bug)?;
        println!("{}", ended.line(start.elapsed()));
        all.insert(name, ended);
    }
    Ok(all)
}

/// Runs one scenario; one that has a bug ends with the batch in which it is found.
fn run(name: &str, has_bug: bool) -> Result<Ended, Failure> {
    let failed = |what: String| Failure(format!("{name}: {what}"));
    let runs = target_folder().join("bank").join(name);
    // What an earlier run left there must not be taken for this one's.
    if runs.exists() {
        let removed = fs::remove_dir_all(&runs);
        removed.map_err(|error| failed(format!("cannot empty {}: {error}", runs.display())))?;
    }
    let mut twiceproof = Command::new(target_folder().join("release").join("twiceproof"));
    twiceproof
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    twiceproof
        .args(["run", name, "--backend", "local", "--progress", "none"])
        .env("CI", "true")
        .env("TWICEPROOF_IMAGE_MAP", IMAGE_MAP)
        .env("TWICEPROOF_RUNS_DIR", &runs);
    if has_bug {
        twiceproof.arg("--fail-fast");
    }
    let status = twiceproof.status();
    let status = status.map_err(|error| failed(format!("cannot run twiceproof: {error}")))?;
    let run = read_run(&runs.join("latest"))?;
    find(name, &run)
        .ok_or_else(|| failed(format!("twiceproof ended with {status}, without a result")))
}

/// Takes of every scenario of the table the newest run that lies in the folder.
pub(super) fn read_all(table: &Table, runs: &Path) -> Result<BTreeMap<String, Ended>, Failure> {
    let failed = |error| Failure(format!("cannot read {}: {error}", runs.display()));
    let mut folders = Vec::new();
    for entry in fs::read_dir(runs).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // Not the link to the newest, and no run that was cut short.
        if !path.is_symlink() && path.join(RUN_FILE).exists() {
            folders.push(path);
        }
    }
    // Names begin with the time.
    folders.sort();
    let mut all = BTreeMap::new();
    let scenarios = table.scenarios();
    for folder in folders {
        let run = read_run(&folder)?;
        for (name, _) in &scenarios {
            all.extend(find(name, &run).map(|ended| (name.clone(), ended)));
        }
    }
    let absent = scenarios.iter().map(|(name, _)| name);
    let absent: Vec<_> = absent
        .filter(|name| !all.contains_key(*name))
        .cloned()
        .collect();
    match absent.is_empty() {
        true => Ok(all),
        false => Err(Failure(format!(
            "no run in {} has {}",
            runs.display(),
            absent.join(", ")
        ))),
    }
}

/// Reads what a run says of itself.
fn read_run(folder: &Path) -> Result<Value, Failure> {
    let path = folder.join(RUN_FILE);
    let failed = |error: String| Failure(format!("cannot read {}: {error}", path.display()));
    let bytes = fs::metadata(&path)
        .map_err(|error| failed(error.to_string()))?
        .len();
    if bytes > RUN_BYTES_MAX {
        return Err(failed(format!(
            "it has {bytes} bytes, at most {RUN_BYTES_MAX} are read"
        )));
    }
    let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}

/// Returns how the scenario ended in a run, if it was part of it.
fn find(name: &str, run: &Value) -> Option<Ended> {
    let mut scenarios = run["scenarios"].as_array()?.iter();
    let scenario = scenarios.find(|scenario| scenario["name"] == name)?;
    Some(Ended::read(name, scenario))
}

impl Ended {
    fn read(name: &str, scenario: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let empty = Vec::new();
        let list = |value: &Value| value.as_array().unwrap_or(&empty).clone();
        let findings = list(&scenario["findings"]);
        let mut found: Vec<_> = findings
            .iter()
            .map(|one| {
                (
                    one["trial"].as_u64().unwrap_or_default(),
                    text(&one["stage"]),
                )
            })
            .collect();
        found.sort();
        let causes = |one: &Value| list(&one["finding"]["causes"]);
        let mut codes: BTreeSet<_> = findings
            .iter()
            .flat_map(causes)
            .map(|code| text(&code))
            .collect();
        codes.insert(text(&scenario["cause"]));
        codes.remove("");
        let counts = list(&scenario["counts"]);
        let requests = counts.iter().find(|count| count["noun"] == "request");
        Self {
            name: name.to_owned(),
            outcome: text(&scenario["outcome"]),
            requests: requests
                .and_then(|count| count["number"].as_u64())
                .unwrap_or_default(),
            trials: scenario["trials"].as_u64().unwrap_or_default(),
            found,
            verdicts: findings
                .iter()
                .map(|one| text(&one["finding"]["code"]))
                .collect(),
            causes: codes,
            is_classified: findings
                .iter()
                .any(|one| one["finding"]["causes"].is_array()),
        }
    }

    /// Returns those of the causes that were not found and could have been.
    pub(super) fn absent(&self, causes: &[String]) -> Vec<String> {
        let is_told = |cause: &&String| self.is_classified || cause.starts_with('T');
        let absent = causes
            .iter()
            .filter(is_told)
            .filter(|cause| !self.causes.contains(*cause));
        absent.cloned().collect()
    }

    /// Says what is wrong with a sound job that did not pass.
    pub(super) fn alarm(&self) -> Option<String> {
        let said: Vec<_> = self.verdicts.iter().map(String::as_str).collect();
        (self.outcome != "pass").then(|| {
            format!(
                "{}: sound, but it ended as {} {}",
                self.name,
                self.outcome,
                said.join(" ")
            )
        })
    }

    fn line(&self, took: Duration) -> String {
        let found = match self.found.first() {
            Some((trial, stage)) => format!("{stage}, trial {trial}"),
            None => String::new(),
        };
        let seconds = took.as_secs_f64();
        let Self {
            name,
            outcome,
            trials,
            ..
        } = self;
        format!("{name:36} {outcome:12} {trials:4} trials  {seconds:6.1} s  {found}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scenario of a run in which one finding was made.
    fn ended(finding: &Value) -> Ended {
        let scenario = serde_json::json!({
            "name": "a/broken", "outcome": "pass", "trials": 16, "cause": "T2",
            "counts": [{"noun": "write", "number": 9}, {"noun": "request", "number": 45}],
            "findings": [{"trial": 8, "stage": "sample", "finding": finding},
                         {"trial": 5, "stage": "crash", "finding": {"code": "TP-V06"}}],
        });
        Ended::read("a/broken", &scenario)
    }

    #[test]
    fn the_first_finding_comes_first() {
        let ended = ended(&serde_json::json!({"code": "TP-V01"}));
        assert_eq!(
            ended.found,
            [(5, "crash".to_owned()), (8, "sample".to_owned())]
        );
        assert_eq!((ended.requests, ended.trials), (45, 16));
        assert_eq!(Vec::from_iter(ended.verdicts), ["TP-V01", "TP-V06"]);
    }

    #[test]
    fn causes_are_owed_as_far_as_the_run_tells_them() {
        let owed = ["T2", "L2", "L3"].map(str::to_owned);
        let told = ended(&serde_json::json!({"code": "TP-V01", "causes": ["L2", "D1"]}));
        assert_eq!(told.absent(&owed), ["L3"]);
        let untold = ended(&serde_json::json!({"code": "TP-V01"}));
        assert!(untold.absent(&owed).is_empty());
        assert_eq!(untold.absent(&["T1".to_owned()]), ["T1"]);
    }
}
