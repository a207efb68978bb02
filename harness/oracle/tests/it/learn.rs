//! What the clean runs show as volatile.

use crate::common::{baseline, state, table};
use twiceproof_model::scenario::Contract;
use twiceproof_model::snapshot::Object;
use twiceproof_oracle::compare::{Locks, compare};
use twiceproof_oracle::learn_masks;

/// Learns from two clean states of one table, seeded with the first.
fn check(seed: Object, first: Object, other: Object, expect: Result<&[&str], &str>) {
    let (seed, first, other) = (
        state(&[("t", seed)]),
        state(&[("t", first)]),
        state(&[("t", other)]),
    );
    let baseline = baseline(&seed, &[&first, &other], Contract::Once);
    let masks = learn_masks(&baseline, &[&first, &other]);
    let words = masks.map(|masks| {
        masks
            .iter()
            .map(|mask| mask.column.clone())
            .collect::<Vec<_>>()
    });
    match (words, expect) {
        (Ok(found), Ok(expect)) => assert_eq!(found, expect),
        (Err(doubt), Err(expect)) => assert_eq!(doubt.to_string(), expect),
        (found, expect) => panic!("{found:?}, not {expect:?}"),
    }
}

const TABLE: &str = "!id balance @at";

#[test]
fn a_column_that_differs_is_masked() {
    check(
        table(TABLE, &["1 5 -"]),
        table(TABLE, &["1 6 t1"]),
        table(TABLE, &["1 6 t2"]),
        Ok(&["at"]),
    );
}

#[test]
fn equal_columns_are_never_masked() {
    check(
        table(TABLE, &["1 5 -"]),
        table(TABLE, &["1 6 t1"]),
        table(TABLE, &["1 6 t1"]),
        Ok(&[]),
    );
}

#[test]
fn keys_made_by_the_job_are_masked_by_the_rest_of_the_row() {
    check(
        table("!key day", &[]),
        table("!key day", &["a d1", "b d2"]),
        table("!key day", &["x d1", "y d2"]),
        Ok(&["key"]),
    );
}

#[test]
fn rows_that_the_runs_number_differently_are_not_taken_for_each_other() {
    check(
        table("~id member @at", &[]),
        table("~id member @at", &["1 7 t1", "2 9 t1"]),
        table("~id member @at", &["1 9 t2", "2 7 t2"]),
        Ok(&["at"]),
    );
}

#[test]
fn seeded_rows_are_aligned_by_their_key() {
    check(
        table("~id balance @at", &["1 5 -", "2 5 -"]),
        table("~id balance @at", &["1 6 t1", "2 7 t2"]),
        table("~id balance @at", &["1 6 t2", "2 7 t1"]),
        Ok(&["at"]),
    );
}

#[test]
fn tables_without_a_key_are_aligned_by_the_rest() {
    check(
        table("day host", &[]),
        table("day host", &["d1 h1"]),
        table("day host", &["d1 h2"]),
        Ok(&["host"]),
    );
}

#[test]
fn a_volatile_count_is_no_baseline() {
    check(
        table(TABLE, &[]),
        table(TABLE, &["1 6 t1"]),
        table(TABLE, &["1 6 t1", "2 6 t1"]),
        Err("the clean runs leave 1 and 2 rows in pg/t"),
    );
}

#[test]
fn a_table_in_which_all_differs_is_no_baseline() {
    check(
        table("a b", &[]),
        table("a b", &["1 2"]),
        table("a b", &["3 4"]),
        Err("every column of pg/t differs between the clean runs"),
    );
}

#[test]
fn a_masked_cell_still_shows_whether_it_was_touched() {
    let seed = state(&[("t", table(TABLE, &["1 5 t0", "2 5 t0", "3 5 -"]))]);
    let clean = |time: &str| {
        let first = format!("1 5 {time}");
        state(&[("t", table(TABLE, &[&first, "2 5 t0", "3 5 -"]))])
    };
    let (first, other) = (clean("t1"), clean("t2"));
    let mut baseline = baseline(&seed, &[&first, &other], Contract::Once);
    let masks = learn_masks(&baseline, &[&first, &other]).expect("only a time differs");
    baseline.add_masks(masks);
    let look = |rows: &[&str]| {
        let found = state(&[("t", table(TABLE, rows))]);
        let comparison = compare(&baseline, &[&first], &found, Locks::Compared);
        let words = comparison.differences.iter();
        let words = words.map(|d| format!("{} {} -> {}", d.row, d.expected, d.found));
        words.collect::<Vec<_>>()
    };
    assert_eq!(look(&["1 5 t9", "2 5 t0", "3 5 -"]), Vec::<String>::new());
    assert_eq!(
        look(&["1 5 t0", "2 5 t9", "3 5 t9"]),
        [
            "id=1 (time of the run) -> (as seeded)",
            "id=2 (as seeded) -> (time of the run)",
            "id=3 null -> (time of the run)"
        ]
    );
}
