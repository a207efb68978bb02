//! What the target file says about its state.

use crate::common::{asked, object, record, reply, state, table};
use std::collections::BTreeMap;
use twiceproof_model::scenario::Contract;
use twiceproof_model::target::StateSpec;
use twiceproof_model::{Event, Exit, Snapshot, Verdict};
use twiceproof_oracle::{Baseline, Checks, StateRules, judge};

fn rules(change: impl FnOnce(&mut StateSpec)) -> StateRules {
    let mut spec = StateSpec::default();
    change(&mut spec);
    StateRules(BTreeMap::from([("pg".into(), spec)]))
}

/// Returns whether the found state is a violation.
fn differs(rules: StateRules, seed: &Snapshot, clean: &Snapshot, found: &Snapshot) -> bool {
    let first = record(clean, Vec::new());
    let baseline = Baseline::new(seed.clone(), &[&first], rules, Vec::new(), Contract::Once);
    let verdict = judge(
        &baseline,
        &record(found, Vec::new()),
        &Checks::new(Contract::Once, &[]),
    );
    matches!(verdict, Verdict::Violation(_))
}

#[test]
fn only_the_tables_asked_for_are_compared() {
    let members = |balance: &str| table("!id balance", &[&format!("1 {balance}")]);
    let both = |a: &str, b: &str| state(&[("public.a", members(a)), ("public.b", members(b))]);
    let (clean, found) = (both("5", "5"), both("5", "6"));
    assert!(differs(StateRules::default(), &clean, &clean, &found));
    let only_a = || rules(|spec| spec.tables = vec!["a".to_owned()]);
    assert!(!differs(only_a(), &clean, &clean, &found));
    assert!(differs(only_a(), &clean, &clean, &both("6", "5")));
}

#[test]
fn masks_of_the_file_count_by_class() {
    let at = |time: &str| state(&[("public.a", table("!id @at", &[&format!("1 {time}")]))]);
    let masked = || rules(|spec| spec.mask = vec!["*.at".to_owned()]);
    assert!(!differs(masked(), &at("t0"), &at("t1"), &at("t2")));
    assert!(differs(masked(), &at("t0"), &at("t1"), &at("t0")));
    assert!(differs(masked(), &at("t0"), &at("t1"), &at("-")));
}

#[test]
fn surrogates_of_the_file_count_by_content() {
    let of = |id: &str| state(&[("public.a", table("!id name", &[&format!("{id} x")]))]);
    let seed = state(&[("public.a", table("!id name", &[]))]);
    assert!(differs(StateRules::default(), &seed, &of("1"), &of("2")));
    let surrogate = rules(|spec| spec.surrogate = vec!["a.id".to_owned()]);
    assert!(!differs(surrogate, &seed, &of("1"), &of("2")));
}

#[test]
fn a_run_log_has_at_most_one_row_a_start() {
    let log = |rows: &[&str]| state(&[("public.log", table("~id host", rows))]);
    let (seed, clean) = (log(&[]), log(&["1 a"]));
    let per_run = || rules(|spec| spec.per_run = vec!["log".to_owned()]);
    assert!(!differs(per_run(), &seed, &clean, &log(&["1 a", "2 b"])));
    assert!(!differs(per_run(), &seed, &clean, &log(&["1 a"])));
    assert!(differs(
        per_run(),
        &seed,
        &clean,
        &log(&["1 a", "2 b", "3 c"])
    ));
}

/// The clean run takes and frees a lock row.
fn locking() -> Vec<Event> {
    let write = || reply("UPDATE", Some(1), true);
    let mut events = asked(1, 1, "UPDATE locks SET held = ?", write());
    events.extend(asked(1, 2, "UPDATE locks SET held = ? -- free", write()));
    events
}

#[test]
fn lock_objects_are_left_to_recovery() {
    let locks =
        |held: &str| state(&[("public.locks", table("!name held", &[&format!("p {held}")]))]);
    let clean = record(&locks("f"), locking());
    let rules = StateRules::default();
    let baseline = Baseline::new(locks("f"), &[&clean], rules, Vec::new(), Contract::Once);
    assert_eq!(
        baseline.lock_objects.iter().collect::<Vec<_>>(),
        [&object("public.locks")]
    );
    let checks = Checks::new(Contract::Once, &[]);
    let calm = record(&locks("t"), Vec::new());
    assert!(matches!(
        judge(&baseline, &calm, &checks),
        Verdict::Violation(_)
    ));
    let mut crashed = record(&locks("t"), Vec::new());
    crashed.exits.insert(crate::common::job(1), Exit::Signal(9));
    crashed.recoveries.push(Exit::Code(0));
    crashed.before_recovery = Some(locks("t"));
    assert_eq!(judge(&baseline, &crashed, &checks), Verdict::Pass);
}

#[test]
fn a_lock_file_left_by_a_crash_is_left_to_recovery() {
    let clean = state(&[("points.db", table("line", &["a"]))]);
    let left = state(&[
        ("points.db", table("line", &["a"])),
        ("points.lock", table("line", &["1234"])),
    ]);
    let first = record(&clean, Vec::new());
    let rules = StateRules::default();
    let baseline = Baseline::new(clean.clone(), &[&first], rules, Vec::new(), Contract::Once);
    let checks = Checks::new(Contract::Once, &[]);
    let mut crashed = record(&left, Vec::new());
    crashed.exits.insert(crate::common::job(1), Exit::Signal(9));
    crashed.recoveries.push(Exit::Code(0));
    crashed.before_recovery = Some(left.clone());
    assert_eq!(judge(&baseline, &crashed, &checks), Verdict::Pass);
    let calm = record(&left, Vec::new());
    assert!(matches!(
        judge(&baseline, &calm, &checks),
        Verdict::Violation(_)
    ));
}

#[test]
fn tables_that_grow_with_every_start_and_say_when_are_proposed() {
    use twiceproof_oracle::run_log::proposals;
    use twiceproof_oracle::{Mask, MaskOrigin, SerialOutcome};
    let rows = |count: usize| -> Snapshot {
        let rows: Vec<String> = (1..=count).map(|id| format!("{id} t{id}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        state(&[("public.log", table("~id @at", &rows))])
    };
    let clean = record(&rows(1), Vec::new());
    let mut baseline = Baseline::new(
        rows(0),
        &[&clean],
        StateRules::default(),
        Vec::new(),
        Contract::Once,
    );
    let outcome = |count: u8| SerialOutcome {
        runs: count,
        starts: twiceproof_model::InstanceId::first(count).collect(),
        snapshot: rows(count.into()),
    };
    baseline.serial = vec![outcome(2), outcome(3)];
    assert!(proposals(&baseline).is_empty(), "it may be a ledger");
    let object = rows(1).objects.keys().next().unwrap().clone();
    baseline.add_masks(vec![Mask {
        object: object.clone(),
        column: "at".to_owned(),
        origin: MaskOrigin::Learnt,
        time: true,
    }]);
    assert_eq!(proposals(&baseline), [object]);
    baseline.serial.push(SerialOutcome {
        runs: 2,
        ..outcome(1)
    });
    assert!(proposals(&baseline).is_empty());
}
