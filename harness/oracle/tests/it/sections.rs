//! Mutual exclusion as the wire shows it.

use crate::common::{asked, baseline, job, record, reply, state};
use twiceproof_model::scenario::{CheckSpec, Contract};
use twiceproof_model::target::LockSpec;
use twiceproof_model::{Event, Exit, Verdict};
use twiceproof_oracle::{Checks, judge};

/// Each word is a request: `1L` job#1 locks, `2W` job#2 changes a row, `w` none, `U` unlocks, `X`
/// ends. `S` locks in shared mode; `L7` and `U7` lock and unlock the lock of that number.
fn check(words: &str, release: &str, expect: bool) {
    let mut baseline = baseline(&state(&[]), &[&state(&[])], Contract::Exclusion);
    baseline.locks.push(LockSpec {
        name: "points".to_owned(),
        service: "pg".into(),
        acquire: "SELECT pg_*advisory_lock".to_owned(),
        release: release.to_owned(),
    });
    let mut events = Vec::new();
    for (word, ordinal) in words.split(' ').zip(1..) {
        let number = word.as_bytes()[0] - b'0';
        let call = || reply("SELECT", Some(1), true);
        let numbered = |call: &str| format!("SELECT pg_advisory_{call}({})", &word[2..]);
        events.extend(match &word[1..] {
            kind if kind.starts_with('L') && kind.len() > 1 => {
                asked(number, ordinal, &numbered("lock"), call())
            }
            kind if kind.starts_with('S') => {
                asked(number, ordinal, &numbered("lock_shared"), call())
            }
            kind if kind.starts_with('U') && kind.len() > 1 => {
                asked(number, ordinal, &numbered("unlock"), call())
            }
            "L" => asked(number, ordinal, "SELECT pg_try_advisory_lock(?)", call()),
            "U" => asked(number, ordinal, "SELECT pg_advisory_unlock(?)", call()),
            "W" => asked(
                number,
                ordinal,
                "UPDATE members",
                reply("UPDATE", Some(1), true),
            ),
            "w" => asked(
                number,
                ordinal,
                "UPDATE members",
                reply("UPDATE", Some(0), true),
            ),
            "C" => asked(number, ordinal, "COMMIT", reply("COMMIT", None, true)),
            _ => vec![Event::Exited {
                instance: job(number),
                exit: Exit::Code(0),
            }],
        });
    }
    let trial = record(&state(&[]), events);
    let verdict = judge(&baseline, &trial, &Checks::new(Contract::Exclusion, &[]));
    let found = matches!(&verdict, Verdict::Violation(findings) if findings[0].code == "TP-V05");
    assert_eq!(found, expect, "{words}: {verdict:?}");
}

const UNLOCK: &str = "SELECT pg_advisory_unlock(";

#[test]
fn sections_that_both_write_must_not_overlap() {
    check("1L 2L 1W 2W 1U 2U", UNLOCK, true);
    check("1L 1W 1U 2L 2W 2U", UNLOCK, false);
    check("1L 2L 2W 2U 1W 1U", UNLOCK, true);
}

#[test]
fn a_section_without_work_does_not_count() {
    check("1L 2L 1W 2w 1U 2U", UNLOCK, false);
    check("1L 2L 1W 2C 2X 1U", UNLOCK, false);
}

#[test]
fn without_a_release_the_section_ends_with_the_session() {
    check("1L 1W 2L 2W 1X 2X", "", true);
    check("1L 1W 1X 2L 2W 2X", "", false);
}

#[test]
fn each_number_is_a_lock_of_its_own() {
    check("1L7 2L8 1W 2W 1U7 2U8", UNLOCK, false);
    check("1L7 2L7 1W 2W 1U7 2U7", UNLOCK, true);
    check("1L7 1L8 2L8 1W 2W 1U7 1U8 2U8", UNLOCK, true);
    // Giving another lock back does not end the section.
    check("1L7 1L8 1U8 2L7 1W 2W 1U7 2U7", UNLOCK, true);
    check("1L7 1L8 1W 1U7 2L7 2W 1U8 2U7", UNLOCK, false);
    // A number that nobody can read may be any.
    check("1L 2L7 1W 2W 1U 2U7", UNLOCK, true);
}

#[test]
fn shared_sections_may_overlap_each_other() {
    check("1S7 2S7 1W 2W 1U7 2U7", UNLOCK, false);
    check("1S7 2L7 1W 2W 1U7 2U7", UNLOCK, true);
    check("1L7 2S7 1W 2W 1U7 2U7", UNLOCK, true);
}

#[test]
fn a_check_may_be_about_one_lock_alone() {
    let lock = |name: &str, number: u8| LockSpec {
        name: name.to_owned(),
        service: "pg".into(),
        acquire: format!("SELECT pg_advisory_lock({number})"),
        release: format!("SELECT pg_advisory_unlock({number})"),
    };
    let mut baseline = baseline(&state(&[]), &[&state(&[])], Contract::Once);
    baseline.locks = vec![lock("points", 7), lock("mails", 8)];
    let call = || reply("SELECT", Some(1), true);
    let mut events = Vec::new();
    for number in [1, 2] {
        events.extend(asked(number, 1, "SELECT pg_advisory_lock(7)", call()));
    }
    for number in [1, 2] {
        let write = reply("UPDATE", Some(1), true);
        events.extend(asked(number, 2, "UPDATE members", write));
    }
    let trial = record(&state(&[]), events);
    let about = |lock: Option<&str>| CheckSpec {
        kind: "mutual-exclusion".to_owned(),
        lock: lock.map(str::to_owned),
        ..CheckSpec::default()
    };
    let found = |specs: &[CheckSpec]| {
        let verdict = judge(&baseline, &trial, &Checks::new(Contract::Once, specs));
        matches!(verdict, Verdict::Violation(_))
    };
    assert!(found(&[about(None)]));
    assert!(found(&[about(Some("points"))]));
    assert!(found(&[about(Some("mails")), about(Some("points"))]));
    assert!(!found(&[about(Some("mails"))]));
}
