//! A machine that is gone: its processes are dead, and its services keep its sessions until they
//! notice.

use super::kit::Small;
use super::links::{effects, state, untouched};
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Exit};

const FAULT: &str = "host-crash job#1";
const INJECT: &str = "inject host-crash job#1";
const HEAL: &str = "heal host-crash job#1";
const KILLED: Exit = Exit::Signal(9);

/// Locks a row, changes it, and stands.
const HOLDER: &str = "psql -Xq <<'END'
begin;
update t set n = n + 1 where id = 1;
commit;
END
";

#[test]
fn locks_stay_until_the_service_notices() {
    let mut lab = Small::psql(HOLDER);
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        INJECT,
        "start job#2",
        "release job#2@1",
        "release job#2@2",
        HEAL,
        "release job#2@3",
    ];
    let seen = lab.run(2, &wishes).granted();
    assert_eq!(seen.offered(7), ["kill job#2", "pause job#2", HEAL]);
    assert_eq!(seen.exits(), [KILLED, Exit::Code(0)]);
    assert_eq!(effects(&seen), [1]);
    assert_eq!(seen.record.doubts, []);
    // One of the two has changed the row.
    let alone = Small::psql(HOLDER).run(1, &[]);
    assert_eq!(state(&seen), state(&alone));
}

#[test]
fn what_was_not_committed_is_rolled_back_at_the_end() {
    let mut lab = Small::psql(HOLDER);
    let wishes = ["start job#1", "release job#1@1", "release job#1@2", INJECT];
    let seen = lab.run(1, &wishes).granted();
    assert_eq!(effects(&seen), [1]);
    assert_eq!(state(&seen), untouched());
    // Nothing of it is left for the next trial.
    assert_eq!(lab.run(1, &[]).exits(), [Exit::Code(0)]);
}

#[test]
fn a_held_request_does_not_reach_the_service() {
    let mut lab = Small::psql("psql -Xqc 'update t set n = n + 1 where id = 1'");
    let seen = lab.run(1, &["start job#1", INJECT]).granted();
    assert!(!seen.has(|event| matches!(event, Event::Forwarded(_))));
    assert_eq!(state(&seen), untouched());
}

#[test]
fn a_machine_without_links_leaves_a_doubt() {
    let mut lab = Small::shell("sleep 5", "");
    let seen = lab.run(1, &["start job#1", INJECT]).granted();
    assert_eq!((effects(&seen), seen.exits()), (vec![0], vec![KILLED]));
    let named =
        |doubt: &Doubt| matches!(doubt, Doubt::FaultWithoutEffect(text) if text.starts_with(FAULT));
    assert!(
        seen.record.doubts.iter().any(named),
        "{:?}",
        seen.record.doubts
    );
}
