//! `cargo xtask bench`: how many trials a second, what a tap costs, and how much memory.
//!
//! Variants of one question take turns within a round, and ratios are taken within the round, since
//! absolute figures tell more about the machine.

mod by_hand;
mod control;
mod files;
mod machine;
mod memory;
mod proxy;
mod redis;
mod report;
mod stats;
mod tap;
mod trials;
mod world;

use report::Section;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Which sections; empty: all.
    sections: Vec<String>,
    /// Rounds of each section.
    rounds: u32,
    /// How long each variant runs in a round.
    window: Duration,
    /// How many trials the memory section runs.
    memory_trials: u32,
    /// Whether a ratio beyond its bound is an error.
    check: bool,
    /// Where the table goes, beside the run's folder.
    write: Option<PathBuf>,
}

const USAGE: &str =
    "usage: cargo xtask bench [trials|tap|control|redis|files|memory]... [--rounds N] [--seconds N]
                         [--memory-trials N] [--check] [--write FILE]";

/// Why a benchmark ended early.
pub(crate) type Failure = String;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, trials] = &words[..]
        && word == memory::CHILD
    {
        return ended(memory::child(trials));
    }
    match asked(&words) {
        Some(asked) => ended(run(&asked)),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn asked(words: &[String]) -> Option<Asked> {
    let mut asked = Asked {
        sections: Vec::new(),
        rounds: 5,
        window: Duration::from_secs(5),
        memory_trials: 10_000,
        check: false,
        write: None,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "trials" | "tap" | "control" | "redis" | "files" | "memory" => {
                asked.sections.push(word.clone());
            }
            "--rounds" => asked.rounds = words.next()?.parse().ok().filter(|count| *count > 0)?,
            "--seconds" => asked.window = Duration::from_secs(words.next()?.parse().ok()?),
            "--memory-trials" => asked.memory_trials = words.next()?.parse().ok()?,
            "--check" => asked.check = true,
            "--write" => asked.write = Some(world::root().join(words.next()?)),
            _ => return None,
        }
    }
    Some(asked)
}

/// Measures one section.
type Measure = fn(&Asked, &world::Folder) -> Result<Section, Failure>;

fn run(asked: &Asked) -> Result<(), Failure> {
    let folder = world::Folder::create()?;
    let wants = |name: &str| asked.sections.is_empty() || asked.sections.iter().any(|s| s == name);
    let all: [(&str, Measure); 6] = [
        ("trials", trials::measure),
        ("tap", tap::measure),
        ("control", control::measure),
        ("files", files::measure),
        ("redis", redis::measure),
        ("memory", memory::measure),
    ];
    let mut sections = Vec::new();
    for (name, measure) in all {
        if wants(name) {
            let section = measure(asked, &folder)?;
            println!("{}", section.markdown());
            sections.push(section);
        }
    }
    let markdown = report::markdown(&sections);
    folder.put("bench.md", &markdown)?;
    folder.put("bench.json", &report::json(&sections))?;
    if let Some(path) = &asked.write {
        let written = std::fs::write(path, &markdown);
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    println!("written to {}", folder.path().display());
    let missed = sections.iter().flat_map(Section::missed_ratios);
    let missed: Vec<String> = missed.collect();
    if asked.check && !missed.is_empty() {
        return Err(missed.join("; "));
    }
    Ok(())
}
