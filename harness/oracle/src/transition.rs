//! TP-V03: a column went from one value to another that the scenario does not list.

use crate::baseline::Baseline;
use crate::checks::{Checks, TransitionRule};
use crate::compare::{Comparison, DIFFERENCES_MAX, clip};
use crate::finding;
use crate::glob;
use crate::registry::Oracle;
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{ALLOW, COLUMN, SERVICE};
use twiceproof_model::{CellChange, Difference, Finding, TrialRecord};

/// The oracle.
pub const TRANSITION: Oracle = Oracle {
    kind: Kind {
        name: "transition",
        doc: "A column goes only from one value to another that is listed, in every update that is \
              committed, whatever it holds at the end.",
        keys: &[SERVICE, COLUMN, ALLOW],
        port: None,
    },
    codes: &["TP-V03"],
    default: |_| false,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<Finding> {
    let rules = checks.transitions.iter();
    rules
        .filter_map(|rule| found(baseline, record, rule))
        .collect()
}

/// Returns the first change of a clean run that a rule does not list, in words.
pub fn forbidden_alone(record: &TrialRecord, checks: &Checks) -> Option<String> {
    let mut rules = checks.transitions.iter();
    rules.find_map(|rule| Some(message(rule, forbidden(rule, record).next()?)))
}

/// Returns the changes that the rule does not list.
fn forbidden<'r>(
    rule: &'r TransitionRule,
    record: &'r TrialRecord,
) -> impl Iterator<Item = &'r CellChange> {
    record.changes.iter().filter(|change| {
        let object = &change.object;
        let is_followed = object.service == rule.service
            && glob::names_column(&rule.column, &object.object, &change.column);
        let mut allowed = rule.allow.iter();
        let is_listed = |(from, to): &(String, String)| {
            *from == word(change.from.as_deref()) && *to == word(change.to.as_deref())
        };
        is_followed && !allowed.any(is_listed)
    })
}

fn found(baseline: &Baseline, record: &TrialRecord, rule: &TransitionRule) -> Option<Finding> {
    let first = forbidden(rule, record).next()?;
    let mut comparison = Comparison::default();
    for change in forbidden(rule, record) {
        comparison.total += 1;
        comparison.objects.insert(change.object.clone());
        if comparison.differences.len() < DIFFERENCES_MAX {
            comparison.differences.push(Difference {
                object: change.object.clone(),
                row: clip(&change.row),
                column: change.column.clone(),
                expected: "other changes".to_owned(),
                found: words(change),
            });
        }
    }
    let message = message(rule, first);
    let title = finding::Title {
        code: "TP-V03",
        aspect: &rule.column,
        message: &message,
    };
    Some(finding::of_state(baseline, record, &title, comparison))
}

fn message(rule: &TransitionRule, change: &CellChange) -> String {
    format!(
        "`{}` goes {}, which is not listed, at {}",
        rule.column,
        words(change),
        clip(&change.row)
    )
}

fn words(change: &CellChange) -> String {
    let [from, to] = [&change.from, &change.to].map(|cell| clip(&word(cell.as_deref())));
    format!("{from} → {to}")
}

/// Returns the value as a rule writes it.
fn word(cell: Option<&str>) -> String {
    cell.unwrap_or("null").to_owned()
}
