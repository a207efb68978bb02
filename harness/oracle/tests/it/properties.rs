//! What no numbering of keys and no order of rows may change.

use crate::common::{baseline, state, table};
use proptest::prelude::*;
use twiceproof_model::Snapshot;
use twiceproof_model::scenario::Contract;
use twiceproof_oracle::compare::{Locks, compare};

/// A parent by its name, with the amounts of its children.
type Family = (u8, Vec<u8>);

fn families() -> impl Strategy<Value = Vec<Family>> {
    let family = (0..3u8, prop::collection::vec(0..3u8, 0..3));
    prop::collection::vec(family, 0..5)
}

/// Returns the state of these families with keys from `first` on in steps.
fn numbered(families: &[Family], first: u32, step: u32) -> Snapshot {
    let (mut parents, mut children) = (Vec::new(), Vec::new());
    let mut child = first;
    for (family, key) in families.iter().zip((first..).step_by(step as usize)) {
        parents.push(format!("{key} n{}", family.0));
        for amount in &family.1 {
            children.push(format!("{child} {key} {amount}"));
            child += step;
        }
    }
    let borrow = |rows: &[String]| {
        rows.iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (parents, children) = (borrow(&parents), borrow(&children));
    let lines = |text: &'static str, rows: &str| {
        let rows: Vec<&str> = rows.lines().collect();
        table(text, &rows)
    };
    state(&[
        ("parent", lines("~id name", &parents)),
        ("child", lines("~id parent>parent.id amount", &children)),
    ])
}

fn total(left: &Snapshot, right: &Snapshot) -> u64 {
    let seed = numbered(&[], 1, 1);
    let baseline = baseline(&seed, &[left], Contract::Once);
    compare(&baseline, &[left], right, Locks::Compared).total
}

/// Returns the families in an order of their own.
fn sorted(families: &[Family]) -> Vec<Family> {
    let mut sorted: Vec<Family> = families.to_vec();
    sorted
        .iter_mut()
        .for_each(|family| family.1.sort_unstable());
    sorted.sort();
    sorted
}

proptest! {
    #[test]
    fn keys_and_order_do_not_count(
        families in families().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        first in 1..50u32,
        step in 1..4u32,
    ) {
        let (left, right) = families;
        prop_assert_eq!(total(&numbered(&left, 1, 1), &numbered(&right, first, step)), 0);
    }

    #[test]
    fn other_families_differ(left in families(), right in families()) {
        let equal = sorted(&left) == sorted(&right);
        prop_assert_eq!(total(&numbered(&left, 1, 1), &numbered(&right, 7, 2)) == 0, equal);
    }
}
