//! Locks that a script takes: what it answers is not in the record, so it is read off the order.

use crate::causes::{STATE, codes_under};
use twiceproof_model::target::LockSpec;

const CLEAN: &str = "1 redis EVALSHA 11 1 lock ? => EVALSHA
    1 pg UPDATE members SET balance = ? => UPDATE 1
    1 redis EVALSHA 22 1 lock ? => EVALSHA";

#[track_caller]
fn check(lines: &str, expect: &[&str]) {
    let lock = LockSpec {
        name: "points".to_owned(),
        service: "redis".into(),
        acquire: "EVALSHA 11".to_owned(),
        release: "EVALSHA 22".to_owned(),
    };
    let codes = codes_under(vec![lock], &STATE, CLEAN, lines);
    let of_lock: Vec<&str> = codes
        .into_iter()
        .filter(|code| code.starts_with('L'))
        .collect();
    assert_eq!(of_lock, expect, "{lines}");
}

#[test]
fn who_asks_while_another_has_it_is_refused() {
    // The refused one takes nothing, and so nobody loses anything.
    check(
        "1 redis EVALSHA 11 1 lock ? => EVALSHA
         2 redis EVALSHA 11 1 lock ? => EVALSHA
         2 exit 0
         1 pg UPDATE members SET balance = ? => UPDATE 1",
        &[],
    );
}

#[test]
fn who_was_refused_and_clears_it_lets_a_third_in() {
    check(
        "1 start
         2 start
         3 start
         1 redis EVALSHA 11 1 lock ? => EVALSHA
         2 redis EVALSHA 11 1 lock ? => EVALSHA
         2 redis DEL lock => DEL 1
         3 redis EVALSHA 11 1 lock ? => EVALSHA
         3 pg UPDATE members SET balance = ? => UPDATE 1
         1 pg UPDATE members SET balance = ? => UPDATE 1",
        &["L7"],
    );
}

#[test]
fn who_comes_after_its_end_has_it() {
    check(
        "1 redis EVALSHA 11 1 lock ? => EVALSHA
         fault expire redis lease=\"lock\"
         2 redis EVALSHA 11 1 lock ? => EVALSHA
         2 pg UPDATE members SET balance = ? => UPDATE 1
         1 pg UPDATE members SET balance = ? => UPDATE 1",
        &["L5"],
    );
}
