//! Leases that end while their holder stands.

use super::kit::{Seen, Small};
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Exit, Tag};

/// Takes a lease, and a key that never ends; then looks at both.
const HOLDER: &str = "redis-cli -h cache SET lease me NX PX 1500; redis-cli -h cache SET key me; \
    redis-cli -h cache MGET lease key; redis-cli -h cache DEL lease";

/// Runs the holder, and injects the fault when it has both.
fn run(fault: &str) -> Seen {
    let mut lab = Small::new(&format!(
        "command = [\"sh\", \"-c\", '''{HOLDER}''']\n\
         [service.redis]\nkind = \"redis\"\nhost = \"cache\"\n"
    ));
    let inject = format!("inject {fault}");
    let wishes = ["start job#1", "release job#1@1", "release job#1@2", &inject];
    let seen = lab.run(1, &wishes).granted();
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    seen
}

/// Returns how many leases the holder gave back, and whether the trial doubts its fault.
fn told(seen: &Seen) -> (Option<u64>, bool) {
    let mut replies = seen
        .record
        .trace
        .iter()
        .filter_map(|stamped| match &stamped.event {
            Event::Answered { reply, .. } => reply.tags.first().cloned(),
            _ => None,
        });
    let last: Option<Tag> = replies.next_back();
    let doubts =
        |doubt: &Doubt| matches!(doubt, Doubt::FaultWithoutEffect(text) if text.contains("expire"));
    (
        last.and_then(|tag| tag.rows),
        seen.record.doubts.iter().any(doubts),
    )
}

#[test]
fn a_lease_ends_and_its_holder_finds_it_gone() {
    assert_eq!(told(&run("expire redis lease=lease")), (Some(0), false));
}

#[test]
fn a_lease_that_is_not_there_leaves_a_doubt() {
    assert_eq!(told(&run("expire redis lease=other")), (Some(1), true));
}

#[test]
fn a_key_that_never_ends_is_no_lease() {
    assert_eq!(told(&run("expire redis lease=key")), (Some(1), true));
}

#[test]
fn a_lease_that_ends_by_its_own_time_is_awaited() {
    let seen = run("expire redis lease=lease mode=wait");
    assert_eq!(told(&seen), (Some(0), false));
    let effects = seen
        .record
        .trace
        .iter()
        .filter_map(|stamped| match &stamped.event {
            Event::Healed { effect, .. } => Some(*effect),
            _ => None,
        });
    // The lease and a tenth of what was left of it, in milliseconds.
    let effects: Vec<u64> = effects.collect();
    assert!(matches!(effects[..], [1_200..=10_000]), "{effects:?}");
}

#[test]
fn a_key_that_never_ends_is_not_awaited() {
    assert_eq!(
        told(&run("expire redis lease=key mode=wait")),
        (Some(1), true)
    );
}

/// Takes a lock in one session, and works in another.
const APART: &str = "import psycopg2
keeper = psycopg2.connect('host=db user=app dbname=app')
keeper.autocommit = True
cursor = keeper.cursor()
cursor.execute('SELECT pg_advisory_lock(7)')
work = psycopg2.connect('host=db user=app dbname=app')
work.autocommit = True
work.cursor().execute('CREATE TABLE done (day int)')
try:
    cursor.execute('SELECT pg_advisory_unlock(7)')
except psycopg2.OperationalError:
    raise SystemExit(3)
";

/// Runs the two sessions, and injects the fault before the second one works.
fn apart(fault: &str) -> Seen {
    let mut lab = Small::new(&format!(
        "command = ['/usr/bin/python3', '-c', \"\"\"{APART}\"\"\"]\n\
         [service.pg]\nkind = \"postgres\"\nhost = \"db\"\n\
         options = {{ database = \"app\", user = \"app\" }}\n"
    ));
    let inject = format!("inject {fault}");
    lab.run(1, &["start job#1", "release job#1@1", &inject])
        .granted()
}

#[test]
fn a_session_that_ends_takes_its_lock_along_and_its_client_is_told_late() {
    let seen = apart("expire pg lease=advisory");
    assert_eq!(seen.exits(), [Exit::Code(3)]);
    assert!(seen.record.doubts.is_empty(), "{:?}", seen.record.doubts);
}

#[test]
fn a_session_without_a_lock_is_not_ended() {
    let seen = apart("expire pg lease=other");
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    let doubts = &seen.record.doubts;
    assert!(
        matches!(doubts[..], [Doubt::FaultWithoutEffect(_)]),
        "{doubts:?}"
    );
}
