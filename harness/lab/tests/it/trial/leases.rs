//! Leases that end while their holder stands.

use super::kit::{Seen, Small};
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Exit, Tag};

/// Takes a lease, and a key that never ends; then looks at both.
const HOLDER: &str = "redis-cli -h cache SET lease me NX PX 60000; redis-cli -h cache SET key me; \
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
