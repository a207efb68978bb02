//! `cargo xtask bank`: the jobs with known bugs and the sound ones. Every bug must be found by its
//! causes, every sound job must pass; what was found where is `docs/bank.md`, so that a detection
//! that is lost is a difference.

mod matrix;
mod table;
mod trial;

use crate::shell::{Failure, root, run};
use crate::{Task, jobs};
use std::fs;
use std::path::PathBuf;
use table::Table;
use trial::Ended;

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "bank",
    doc: "run the jobs with known bugs and the sound ones; compare with docs/bank.md",
    run: bank,
};

const USAGE: &str = "usage: cargo xtask bank [--only TEXT] [--runs DIR]\n  \
                     --only TEXT  a row's number, or a part of its mode or of a scenario's name\n  \
                     --runs DIR   run nothing; take each scenario's newest run that lies in DIR";

/// Where the matrix is kept.
const PAGE: &str = "docs/bank.md";

/// One line of the table, as it ended.
struct Line<'a> {
    row: &'a table::Row,
    broken: Ended,
    sound: Ended,
}

/// What was asked for.
#[derive(Default)]
struct Asked {
    only: Option<String>,
    /// Where runs lie that are looked at again.
    runs: Option<PathBuf>,
}

fn asked(mut words: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--only" => asked.only = Some(words.next()?),
            "--runs" => asked.runs = Some(words.next()?.into()),
            _ => return None,
        }
    }
    Some(asked)
}

fn bank() -> Result<(), Failure> {
    let asked = asked(std::env::args().skip(2)).ok_or_else(|| Failure(USAGE.to_owned()))?;
    let table = Table::read(&root().join(table::PATH))?;
    let table = match &asked.only {
        Some(text) => table.only(text)?,
        None => table,
    };
    let ended = match &asked.runs {
        Some(runs) => trial::read_all(&table, runs)?,
        None => {
            (jobs::TASK.run)()?;
            run(&["cargo", "build", "--release", "--locked"])?;
            trial::run_all(&table)?
        }
    };
    let of = |name: &str| ended.get(name).expect("every scenario ended").clone();
    let lines = table.rows.iter().map(|row| Line {
        row,
        broken: of(&row.broken),
        sound: of(&row.sound),
    });
    let lines: Vec<_> = lines.collect();
    let sound: Vec<_> = table.sound.iter().map(|name| of(name)).collect();
    let page = matrix::page(&lines, &sound);
    println!("\n{page}");
    if asked.only.is_none() {
        let path = root().join(PAGE);
        let failed = |error| Failure(format!("cannot write {PAGE}: {error}"));
        fs::write(path, page).map_err(failed)?;
    }
    complain(&lines, &sound)
}

/// Fails with every bug that was missed and every sound job that did not pass.
fn complain(lines: &[Line<'_>], sound: &[Ended]) -> Result<(), Failure> {
    let mut complaints = Vec::new();
    for line in lines {
        complaints.extend(line.missed());
    }
    let twins = lines.iter().map(|line| &line.sound);
    let mut alarms: Vec<_> = twins.chain(sound).filter_map(Ended::alarm).collect();
    alarms.sort();
    alarms.dedup();
    complaints.extend(alarms);
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(Failure(complaints.join("\n"))),
    }
}

impl Line<'_> {
    /// Says what of the row's bug was not found.
    fn missed(&self) -> Option<String> {
        let name = &self.row.broken;
        if self.broken.outcome != "pass" || self.broken.found.is_empty() {
            return Some(format!(
                "{name}: missed, it ended as {}",
                self.broken.outcome
            ));
        }
        let absent = self.broken.absent(&self.row.causes);
        (!absent.is_empty()).then(|| format!("{name}: found, but not by {}", absent.join(", ")))
    }
}
