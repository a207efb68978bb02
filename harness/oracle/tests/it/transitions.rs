//! What cells became on the way.

use crate::common::{asked, baseline, object, record, reply, state, table};
use twiceproof_model::scenario::{CheckSpec, Contract};
use twiceproof_model::{CellChange, TrialRecord, Verdict};
use twiceproof_oracle::{Checks, judge, transition};

fn rule(column: &str) -> CheckSpec {
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    CheckSpec {
        kind: "transition".to_owned(),
        service: Some("pg".into()),
        column: Some(column.to_owned()),
        allow: vec![
            pair("paid", "packed"),
            pair("packed", "shipped"),
            pair("null", "paid"),
        ],
        ..CheckSpec::default()
    }
}

/// Returns a trial in which the status of an order changes so: `6:paid>packed`, `-` for null.
fn trial(changes: &str) -> TrialRecord {
    let left = state(&[("public.orders", table("!id status", &["6 shipped"]))]);
    let events = asked(
        1,
        1,
        "UPDATE orders SET status = ?",
        reply("UPDATE", Some(1), true),
    );
    let mut record = record(&left, events);
    let changes = changes.split_whitespace().map(|word| {
        let (row, change) = word.split_once(':').expect("a row and a change");
        let (from, to) = change.split_once('>').expect("two values");
        let cell = |word: &str| (word != "-").then(|| word.to_owned());
        CellChange {
            object: object("public.orders"),
            row: format!("id={row}"),
            column: "status".to_owned(),
            from: cell(from),
            to: cell(to),
        }
    });
    record.changes = changes.collect();
    record
}

fn judged(record: &TrialRecord, specs: &[CheckSpec]) -> Verdict {
    let baseline = baseline(&record.snapshot, &[&record.snapshot], Contract::Once);
    judge(&baseline, record, &Checks::new(Contract::Once, specs))
}

#[test]
fn changes_that_are_listed_pass() {
    for changes in [
        "",
        "6:paid>packed 6:packed>shipped",
        "6:->paid 7:paid>packed",
    ] {
        assert_eq!(
            judged(&trial(changes), &[rule("orders.status")]),
            Verdict::Pass,
            "{changes}"
        );
    }
    // Neither another column nor another table is meant.
    let odd = trial("6:shipped>packed");
    for column in ["orders.state", "items.status"] {
        assert_eq!(judged(&odd, &[rule(column)]), Verdict::Pass, "{column}");
    }
}

#[test]
fn a_change_that_is_not_listed_is_found_though_the_end_is_right() {
    let record = trial("6:paid>packed 6:packed>shipped 6:shipped>packed 6:packed>shipped");
    for column in ["orders.status", "public.orders.status", "*.status"] {
        let Verdict::Violation(findings) = judged(&record, &[rule(column)]) else {
            panic!("{column} is not followed");
        };
        assert_eq!(findings.len(), 1);
        if column == "orders.status" {
            insta::assert_debug_snapshot!(findings[0]);
        }
    }
    let checks = Checks::new(Contract::Once, &[rule("orders.status")]);
    assert!(transition::forbidden_alone(&record, &checks).is_some());
    assert_eq!(
        transition::forbidden_alone(&trial("6:paid>packed"), &checks),
        None
    );
}
