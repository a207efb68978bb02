//! What counts as a difference, and how it reads.

use crate::common::{baseline, state, table};
use twiceproof_model::Snapshot;
use twiceproof_model::scenario::Contract;
use twiceproof_oracle::compare::{Locks, compare};

/// Compares the found state with the clean one; the answer is one difference a line.
fn check(seed: &Snapshot, clean: &Snapshot, found: &Snapshot, expect: &[&str]) {
    let baseline = baseline(seed, &[clean], Contract::Once);
    let comparison = compare(&baseline, &[clean], found, Locks::Compared);
    let lines = comparison.differences.iter().map(|difference| {
        format!(
            "{} [{}] {}: {} -> {}",
            difference.object.object,
            difference.row,
            difference.column,
            difference.expected,
            difference.found
        )
    });
    assert_eq!(lines.collect::<Vec<_>>(), expect);
}

const MEMBERS: &str = "!id balance";
const LEDGER: &str = "~id member delta";
const CHILD: &str = "~id parent>parent.id amount";

#[test]
fn a_changed_cell_names_its_row_and_column() {
    let seed = state(&[("members", table(MEMBERS, &["1 500", "2 500"]))]);
    let clean = state(&[("members", table(MEMBERS, &["1 1500", "2 1500"]))]);
    let found = state(&[("members", table(MEMBERS, &["2 1500", "1 2500"]))]);
    check(
        &seed,
        &clean,
        &found,
        &["members [id=1] balance: 1500 -> 2500"],
    );
    check(&seed, &clean, &clean, &[]);
}

#[test]
fn a_doubled_row_is_a_count() {
    let seed = state(&[("ledger", table(LEDGER, &[]))]);
    let clean = state(&[("ledger", table(LEDGER, &["1 7 1000"]))]);
    let found = state(&[("ledger", table(LEDGER, &["1 7 1000", "2 7 1000"]))]);
    check(
        &seed,
        &clean,
        &found,
        &["ledger [member=7, delta=1000] : 1 row -> 2 rows"],
    );
}

#[test]
fn burnt_keys_do_not_count() {
    let seed = state(&[("ledger", table(LEDGER, &["1 1 5"]))]);
    let clean = state(&[("ledger", table(LEDGER, &["1 1 5", "2 7 1000"]))]);
    let found = state(&[("ledger", table(LEDGER, &["1 1 5", "9 7 1000"]))]);
    check(&seed, &clean, &found, &[]);
}

#[test]
fn seeded_rows_keep_their_identity() {
    let seed = state(&[("a", table("~id balance", &["1 5", "2 5"]))]);
    let clean = state(&[("a", table("~id balance", &["1 6", "2 5"]))]);
    let found = state(&[("a", table("~id balance", &["1 5", "2 6"]))]);
    let lines = ["a [id=1] balance: 6 -> 5", "a [id=2] balance: 5 -> 6"];
    check(&seed, &clean, &found, &lines);
}

#[test]
fn references_follow_renumbered_rows() {
    let seed = state(&[
        ("parent", table("~id name", &[])),
        ("child", table(CHILD, &[])),
    ]);
    let clean = state(&[
        ("parent", table("~id name", &["1 x", "2 y"])),
        ("child", table(CHILD, &["1 1 10", "2 2 20"])),
    ]);
    let renumbered = state(&[
        ("parent", table("~id name", &["5 y", "8 x"])),
        ("child", table(CHILD, &["4 8 10", "3 5 20"])),
    ]);
    check(&seed, &clean, &renumbered, &[]);
    let swapped = state(&[
        ("parent", table("~id name", &["5 y", "8 x"])),
        ("child", table(CHILD, &["4 5 10", "3 8 20"])),
    ]);
    let baseline = baseline(&seed, &[&clean], Contract::Once);
    let comparison = compare(&baseline, &[&clean], &swapped, Locks::Compared);
    assert_eq!(comparison.total, 4);
}

#[test]
fn equal_parents_are_told_apart_by_their_children() {
    let seed = state(&[
        ("parent", table("~id name", &[])),
        ("child", table(CHILD, &[])),
    ]);
    let clean = state(&[
        ("parent", table("~id name", &["1 x", "2 x"])),
        ("child", table(CHILD, &["1 1 10", "2 2 10"])),
    ]);
    let both_on_one = state(&[
        ("parent", table("~id name", &["1 x", "2 x"])),
        ("child", table(CHILD, &["1 1 10", "2 1 10"])),
    ]);
    let baseline = baseline(&seed, &[&clean], Contract::Once);
    let comparison = compare(&baseline, &[&clean], &both_on_one, Locks::Compared);
    assert!(comparison.total > 0);
}

#[test]
fn a_missing_object_is_a_difference() {
    let seed = state(&[]);
    let clean = state(&[("out.csv", table("line", &["a"]))]);
    check(
        &seed,
        &clean,
        &seed,
        &["out.csv [] : present, 1 row -> missing"],
    );
}

#[test]
fn hostile_values_cannot_pose_as_masks() {
    let seed = state(&[("a", table("v", &[]))]);
    let clean = state(&[("a", table("v", &["-"]))]);
    let found = state(&[("a", table("v", &["null"]))]);
    check(
        &seed,
        &clean,
        &found,
        &["a [] : 1 row -> 0 rows", "a [v=null] : 0 rows -> 1 row"],
    );
}

#[test]
fn differences_are_bounded() {
    let rows = |from: u32| {
        (from..from + 500)
            .map(|n| format!("{n} 5"))
            .collect::<Vec<_>>()
    };
    let (a, b) = (rows(0), rows(1000));
    let borrow = |rows: &[String]| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        state(&[("a", table(MEMBERS, &rows))])
    };
    let (clean, found) = (borrow(&a), borrow(&b));
    let baseline = baseline(&clean, &[&clean], Contract::Once);
    let comparison = compare(&baseline, &[&clean], &found, Locks::Compared);
    assert_eq!((comparison.differences.len(), comparison.total), (50, 1000));
}

#[test]
fn rows_that_were_not_kept_are_unknown_or_counted() {
    let clean = state(&[("a", table(MEMBERS, &["1 5"]))]);
    let mut found = state(&[("a", table(MEMBERS, &["1 6"]))]);
    for object in found.objects.values_mut() {
        object.content = None;
    }
    let baseline = baseline(&clean, &[&clean], Contract::Once);
    let comparison = compare(&baseline, &[&clean], &found, Locks::Compared);
    assert_eq!((comparison.total, comparison.unknown.len()), (0, 1));
    for object in found.objects.values_mut() {
        object.count = 3;
    }
    let comparison = compare(&baseline, &[&clean], &found, Locks::Compared);
    assert_eq!((comparison.total, comparison.unknown.len()), (2, 0));
}
