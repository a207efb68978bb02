//! What is told of a run.

use crate::machine;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A figure held against its target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// What it must be: at least or at most `bound`.
    pub(crate) at_least: bool,
    pub(crate) bound: f64,
    pub(crate) unit: &'static str,
    /// Whether it compares two figures of one run, and so holds on any machine.
    pub(crate) is_ratio: bool,
}

impl Target {
    fn is_met(&self) -> bool {
        if self.at_least {
            self.value >= self.bound
        } else {
            self.value <= self.bound
        }
    }

    fn show(&self) -> String {
        let word = if self.at_least { "at least" } else { "at most" };
        let unit = self.unit;
        format!("{:.2}{unit}, {word} {}{unit}", self.value, self.bound)
    }
}

/// One section of the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) intro: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Target>,
    /// Lines below the tables.
    pub(crate) notes: Vec<String>,
    pub(crate) data: Value,
}

/// A table: head, then rows.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Section {
    /// Returns the ratios that missed their bounds.
    pub(crate) fn missed_ratios(&self) -> Vec<String> {
        let ratios = self.targets.iter().filter(|target| target.is_ratio);
        let missed = ratios.filter(|target| !target.is_met());
        let tell = |target: &Target| format!("{}: {}", target.name, target.show());
        missed.map(tell).collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n", self.title, self.intro);
        for table in &self.tables {
            let rule = vec!["---".to_owned(); table.head.len()];
            let head = table.head.iter().map(|word| (*word).to_owned()).collect();
            text.push('\n');
            for row in [head, rule].iter().chain(&table.rows) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
        }
        if !self.targets.is_empty() {
            text.push_str("\n| target | measured | met |\n| --- | --- | --- |\n");
        }
        for target in &self.targets {
            let met = if target.is_met() { "yes" } else { "**no**" };
            let _ = writeln!(text, "| {} | {} | {met} |", target.name, target.show());
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }
}

/// Returns the whole report as Markdown.
pub(crate) fn markdown(sections: &[Section]) -> String {
    let mut text = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench --write docs/benchmarks.md`. Figures are \
         min / **median** / max.\nVariants take turns within a round, and ratios are taken within \
         the round: load generator, harness and\nservers share the cores, so ratios carry over to \
         other machines, and absolute figures do not.\n\n{}.\n",
        machine::describe()
    );
    for section in sections {
        text.push('\n');
        text.push_str(&section.markdown());
    }
    text
}

/// Returns the whole report as JSON.
pub(crate) fn json(sections: &[Section]) -> String {
    let sections: Vec<Value> = sections
        .iter()
        .map(|section| {
            let targets = section.targets.iter().map(|target| {
                json!({
                    "name": target.name, "value": target.value, "bound": target.bound,
                    "at_least": target.at_least, "met": target.is_met(),
                })
            });
            let targets: Vec<Value> = targets.collect();
            json!({ "title": section.title, "targets": targets, "data": section.data })
        })
        .collect();
    let all = json!({ "machine": machine::describe(), "sections": sections });
    format!("{all:#}\n")
}
