//! TP-V04: an effect outside, such as a mail, happened more often than it may.

use crate::baseline::Baseline;
use crate::checks::{Checks, EffectRule};
use crate::compare::{Comparison, DIFFERENCES_MAX, clip};
use crate::finding;
use crate::registry::Oracle;
use std::collections::BTreeMap;
use twiceproof_model::effect::{self, Effects};
use twiceproof_model::kind::Kind;
use twiceproof_model::scenario::{AT_MOST_ONCE, SERVICE};
use twiceproof_model::snapshot::{Content, ObjectName};
use twiceproof_model::{Difference, Finding, Snapshot, TrialRecord};

/// The oracle.
pub const EFFECT: Oracle = Oracle {
    kind: Kind {
        name: "effect",
        doc: "No mail is sent and no request is taken twice, or more often than in the clean run; one that \
              comes again with the key it was given is the same effect.",
        keys: &[SERVICE, AT_MOST_ONCE],
        port: None,
    },
    codes: &["TP-V04"],
    default: |_| false,
    check,
};

/// How often each effect happened, by the cells that name it.
type Counts = BTreeMap<Vec<(String, String)>, u64>;

fn check(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<Finding> {
    let rules = checks.effects.iter();
    rules
        .filter_map(|rule| repeated(baseline, record, rule))
        .collect()
}

/// Returns the finding about effects of one service that happened too often, if there are any.
fn repeated(baseline: &Baseline, record: &TrialRecord, rule: &EffectRule) -> Option<Finding> {
    let mut names = record.snapshot.objects.keys();
    let name = names
        .find(|name| name.service == rule.service && effect::of_object(&name.object).is_some())?;
    let effects = effect::of_object(&name.object)?;
    let found = counts(baseline, &record.snapshot, name, effects, rule)?;
    let clean = baseline.clean.first();
    let clean = clean.and_then(|state| counts(baseline, state, name, effects, rule));
    let allowed = |cells: &Vec<(String, String)>| {
        let clean = clean.as_ref().and_then(|clean| clean.get(cells));
        clean.copied().unwrap_or(0).max(1)
    };
    let mut comparison = Comparison::default();
    for (cells, count) in &found {
        let times_max = allowed(cells);
        if *count <= times_max {
            continue;
        }
        comparison.total += 1;
        if comparison.differences.len() < DIFFERENCES_MAX {
            let cells = cells.iter();
            let cells = cells.map(|(column, value)| format!("{column}={}", clip(value)));
            comparison.differences.push(Difference {
                object: name.clone(),
                row: cells.collect::<Vec<_>>().join(", "),
                column: String::new(),
                expected: times(times_max),
                found: times(*count),
            });
        }
    }
    if comparison.total == 0 {
        return None;
    }
    comparison.objects.insert(name.clone());
    let title = finding::Title {
        code: "TP-V04",
        aspect: "",
        message: "an effect happened more often than it may",
    };
    Some(finding::of_state(baseline, record, &title, comparison))
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// Counts the effects of a state; `None` if its rows were not kept.
fn counts(
    baseline: &Baseline,
    state: &Snapshot,
    name: &ObjectName,
    effects: &Effects,
    rule: &EffectRule,
) -> Option<Counts> {
    let content = baseline.content(state, name)?;
    let mut counts = Counts::new();
    for row in &content.rows {
        *counts
            .entry(identity(&content, row, effects, rule))
            .or_default() += 1;
    }
    Some(counts)
}

/// Returns the cells that name the effect of a row, each with its column.
///
/// By default a key with the recipient, if there is one, so that one key with two contents is
/// found too; without a key, the content.
fn identity(
    content: &Content,
    row: &[Option<String>],
    effects: &Effects,
    rule: &EffectRule,
) -> Vec<(String, String)> {
    let cell = |column: &str| {
        let mut columns = content.columns.iter();
        let index = columns.position(|other| other.name == column)?;
        row.get(index)?.clone()
    };
    let columns: Vec<&str> = match (rule.columns.as_slice(), cell(effects.key)) {
        ([], Some(_)) => [effects.key, "to"].to_vec(),
        ([], None) => effects.content.to_vec(),
        (columns, _) => columns.iter().map(String::as_str).collect(),
    };
    let cells = columns
        .into_iter()
        .filter_map(|column| Some((column.to_owned(), cell(column)?)));
    cells.collect()
}
