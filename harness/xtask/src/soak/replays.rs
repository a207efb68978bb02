//! One finding of each broken scenario, replayed many times: every replay must have the same
//! fingerprint.

use super::load::Load;
use super::{Asked, ends_as_expected, fresh_folder, twiceproof};
use crate::shell::{Failure, root};
use std::fs;
use std::path::{Path, PathBuf};

/// Deepest folder below `scenarios/` that is looked into.
const DEPTH_MAX: u32 = 8;

/// Replays one finding of each broken scenario, first quiet, then beside busy threads.
pub(super) fn prove(asked: &Asked) -> Result<(), Failure> {
    let runs = fresh_folder("replays")?;
    let mut names = Vec::new();
    list(&root().join("scenarios"), "", DEPTH_MAX, &mut names)?;
    names.retain(|name| name.contains(&asked.only));
    let mut failed = Vec::new();
    for name in names {
        let mut search = twiceproof(&runs);
        search.args(["run", &name, "--fail-fast", "--backend", &asked.backend]);
        ends_as_expected(&mut search, &name)?;
        let Some(finding) = finding(&runs.join("latest").join(&name)) else {
            return Err(Failure(format!("{name}: the run stored no finding")));
        };
        for is_loaded in [false, true] {
            let load = is_loaded.then(Load::start);
            let fingerprints = replay(&runs, &name, &finding, asked)?;
            drop(load);
            let words = if is_loaded { "under load" } else { "quiet" };
            println!(
                "{name:32} {finding} {:10} {words:10} {fingerprints:?}",
                asked.backend
            );
            if fingerprints != [asked.count] {
                failed.push(format!("{name} {words}"));
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure(format!(
            "more than one fingerprint: {}",
            failed.join(", ")
        ))),
    }
}

/// Lists the scenarios that expect a violation, by name.
fn list(folder: &Path, above: &str, depth: u32, names: &mut Vec<String>) -> Result<(), Failure> {
    let failed = |error| Failure(format!("cannot read {}: {error}", folder.display()));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    for path in paths {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && depth > 0 {
            list(&path, &format!("{above}{stem}/"), depth - 1, names)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).map_err(failed)?;
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            let is_broken =
                lines.any(|(key, value)| key.trim() == "expect" && value.contains("violation"));
            if is_broken {
                names.push(format!("{above}{stem}"));
            }
        }
    }
    Ok(())
}

/// Returns the id of the first finding that a scenario's folder holds.
fn finding(folder: &Path) -> Option<String> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    let found = folders
        .iter()
        .find(|folder| folder.join("finding.schedule").is_file())?;
    Some(found.file_name()?.to_string_lossy().into_owned())
}

/// Replays a finding, and returns how many replays had each fingerprint.
fn replay(runs: &Path, name: &str, finding: &str, asked: &Asked) -> Result<Vec<u32>, Failure> {
    let mut replay = twiceproof(runs);
    replay.args([
        "replay",
        &format!("{name}/{finding}"),
        "--backend",
        &asked.backend,
    ]);
    replay.args(["--times", &asked.count.to_string()]);
    let output = replay.output();
    let output = output.map_err(|error| Failure(format!("cannot run the replays: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout);
    // `  fingerprint 1f0c…   100 of 100`
    let lines = said
        .lines()
        .filter(|line| line.trim_start().starts_with("fingerprint "));
    let counts = lines.filter_map(|line| line.split_whitespace().nth(2)?.parse().ok());
    let counts: Vec<u32> = counts.collect();
    match counts.iter().sum::<u32>() == asked.count {
        true => Ok(counts),
        false => Err(Failure(format!(
            "{name}/{finding}: not every replay ran\n{said}"
        ))),
    }
}
