//! The page that shows what was found where.

use super::Line;
use super::trial::Ended;
use std::fmt::Write;

const HEAD: &str = "\
# The bug bank

What a search without any fault named by hand finds in jobs with known bugs, and that it leaves
sound ones alone. Made by `cargo xtask bank` from `.ci/bank.toml`, with seed 1 on the local backend;
`--only TEXT` runs a part of it.

*Found by*: stage and trial of the first finding, then of the others of its batch. *Causes*: those
that the row is about; in brackets those that the run did not tell.
";

/// Returns the page.
pub(super) fn page(lines: &[Line<'_>], sound: &[Ended]) -> String {
    let mut page = format!("{HEAD}\n## Jobs with a bug, and their twins without it\n\n");
    page.push_str("| row | failure mode | scenario | requests | found by | verdicts | causes | twin | its trials |\n");
    page.push_str("|--:|---|---|--:|---|---|---|---|--:|\n");
    for line in lines {
        let Line { row, broken, sound } = line;
        let found = broken
            .found
            .iter()
            .map(|(trial, stage)| format!("{stage} {trial}"));
        let found = or_dash(&found.collect::<Vec<_>>());
        let verdicts = or_dash(&Vec::from_iter(broken.verdicts.iter().cloned()));
        let causes = row
            .causes
            .iter()
            .map(|cause| match broken.causes.contains(cause) {
                true => cause.clone(),
                false => format!("({cause})"),
            });
        let causes = or_dash(&causes.collect::<Vec<_>>());
        let (number, mode, requests) = (row.number, &row.mode, broken.requests);
        let twin = twin(sound);
        let name = &row.broken;
        writeln!(
            page,
            "| {number} | {mode} | {name} | {requests} | {found} | {verdicts} | {causes} | {twin} | {} |",
            sound.trials
        )
        .expect("a string takes every line");
    }
    page.push_str("\n## Sound jobs that were not written for a row\n\n");
    page.push_str("| scenario | requests | trials | |\n|---|--:|--:|---|\n");
    for ended in sound {
        let Ended {
            name,
            requests,
            trials,
            outcome,
            ..
        } = ended;
        writeln!(page, "| {name} | {requests} | {trials} | {outcome} |")
            .expect("a string takes every line");
    }
    page
}

fn twin(ended: &Ended) -> String {
    format!("{} {}", ended.name, ended.outcome)
}

fn or_dash(words: &[String]) -> String {
    match words.is_empty() {
        true => "-".to_owned(),
        false => words.join(", "),
    }
}
