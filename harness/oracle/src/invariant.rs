//! TP-V02: a query of the scenario returns rows that must not be there, or none that must.

use crate::baseline::Baseline;
use crate::checks::{Checks, InvariantRule};
use crate::compare::{Comparison, clip};
use crate::finding;
use crate::lock_object::is_named;
use crate::registry::Oracle;
use std::collections::BTreeSet;
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ANSWER, NAME, SERVICE, SQL};
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Answer, Difference, Finding, TrialRecord};

/// The oracle.
pub const INVARIANT: Oracle = Oracle {
    kind: Kind {
        name: "invariant",
        doc: "What a query of yours says of the state at the end of every trial, of the clean runs too.",
        keys: &[NAME, SERVICE, SQL, ANSWER],
        port: None,
    },
    codes: &["TP-V02"],
    default: |_| false,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<Finding> {
    let rules = checks.invariants.iter();
    let broken = rules.filter_map(|rule| Some((rule, broken(rule, record)?)));
    broken
        .map(|(rule, answer)| found(baseline, record, rule, answer))
        .collect()
}

/// Returns the answer that breaks the invariant, if the trial has one.
fn broken<'r>(rule: &InvariantRule, record: &'r TrialRecord) -> Option<&'r Answer> {
    let answer = record.answers.get(&rule.name)?;
    let is_broken = (answer.count > 0) != rule.wants_rows;
    (answer.error.is_none() && is_broken).then_some(answer)
}

/// Returns the first invariant that the record of a clean run breaks, in words, and the rows that
/// show it.
pub fn broken_alone(record: &TrialRecord, checks: &Checks) -> Option<(String, String)> {
    let mut rules = checks.invariants.iter();
    let (rule, answer) = rules.find_map(|rule| Some((rule, broken(rule, record)?)))?;
    let rows: Vec<String> = (0..answer.rows.len())
        .map(|row| words(answer, row))
        .collect();
    Some((message(rule, answer), rows.join("\n")))
}

/// Returns the first check of this record that got no answer, and why.
pub fn unanswered<'r>(record: &'r TrialRecord, checks: &Checks) -> Option<(String, &'r str)> {
    checks.invariants.iter().find_map(|rule| {
        let error = record.answers.get(&rule.name)?.error.as_deref()?;
        Some((rule.name.clone(), error))
    })
}

fn message(rule: &InvariantRule, answer: &Answer) -> String {
    let name = &rule.name;
    match answer.count {
        _ if rule.wants_rows => {
            format!("the invariant `{name}` is broken: its query returns no row, and must")
        }
        1 => format!("the invariant `{name}` is broken: its query returns a row"),
        count => format!("the invariant `{name}` is broken: its query returns {count} rows"),
    }
}

fn found(
    baseline: &Baseline,
    record: &TrialRecord,
    rule: &InvariantRule,
    answer: &Answer,
) -> Finding {
    let object = ObjectName::new(&rule.service, &format!("({})", rule.name));
    let difference = |row: String, expected: &str, found: &str| Difference {
        object: object.clone(),
        row,
        column: String::new(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    let mut comparison = Comparison {
        total: answer.count.max(1),
        objects: tables(record, rule),
        ..Comparison::default()
    };
    if rule.wants_rows {
        let rows = difference(String::new(), "some rows", "no row");
        comparison.differences.push(rows);
    }
    let rows = (0..answer.rows.len()).map(|row| words(answer, row));
    let rows = rows.map(|row| difference(row, "missing", "present"));
    comparison.differences.extend(rows);
    if comparison.objects.is_empty() {
        comparison.objects.insert(object);
    }
    let message = message(rule, answer);
    let title = finding::Title {
        code: "TP-V02",
        aspect: &rule.name,
        message: &message,
    };
    finding::of_state(baseline, record, &title, comparison)
}

/// Returns the tables that the query names: whoever wrote to them may have broken it.
fn tables(record: &TrialRecord, rule: &InvariantRule) -> BTreeSet<ObjectName> {
    // Names without quotes stand in any case; the service keeps them in lower case.
    let sql = format!("{} {}", rule.sql, rule.sql.to_lowercase());
    let names = record.snapshot.objects.keys();
    let named = names.filter(|name| name.service == rule.service && is_named(name, &sql));
    named.cloned().collect()
}

/// Returns the cells of a row, each with its column.
fn words(answer: &Answer, row: usize) -> String {
    let cells = answer.columns.iter().zip(&answer.rows[row]);
    let cells = cells.map(|(column, cell)| {
        let value = cell.as_deref().map_or_else(|| "null".to_owned(), clip);
        format!("{column}={value}")
    });
    cells.collect::<Vec<_>>().join(", ")
}
