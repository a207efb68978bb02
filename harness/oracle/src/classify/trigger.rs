//! T codes: why several runs were started. The trigger of the scenario decides; no record can show
//! who started a run.

use super::{CauseKind, Evidence, Seen, Side};

fn by_trigger(_: &Seen<'_>) -> Option<Evidence> {
    None
}

const fn kind(
    code: &'static str,
    title: &'static str,
    doc: &'static str,
    remedy: &'static str,
) -> CauseKind {
    CauseKind {
        code,
        side: Side::Trigger,
        title,
        doc,
        remedy,
        check: by_trigger,
    }
}

pub(super) const T1: CauseKind = kind(
    "T1",
    "a schedule fires while the last run lives",
    "The interval is shorter than the job, or a clock change or daylight saving time fires a \
     slot twice.",
    "Let a start leave when another one works, in the same transaction as the work; a scheduler's \
     own setting (`flock -n`, `concurrencyPolicy: Forbid`) only makes it rarer.",
);
pub(super) const T2: CauseKind = kind(
    "T2",
    "the scheduler creates two runs for one slot",
    "A CronJob may create two Jobs for one time; two schedulers may share one table of jobs.",
    "Make the slot a unique key of the data, so that the second run changes nothing.",
);
pub(super) const T3: CauseKind = kind(
    "T3",
    "a replacement starts while the first process lives on",
    "A node that cannot be reached, an eviction, a restart, a paused machine: the platform takes \
     the process for dead, and it is not.",
    "Let the data store refuse the old process: a fencing token, or a claim that is checked in \
     the transaction which does the work.",
);
pub(super) const T4: CauseKind = kind(
    "T4",
    "a retry after a time-out or a lost reply, while the first attempt works or has worked",
    "Whoever waits gives up or loses the answer, and starts another attempt. No answer does not \
     mean that nothing was done.",
    "Give each piece of work a key that all attempts share, and store it with the change.",
);
pub(super) const T5: CauseKind = kind(
    "T5",
    "the scheduler recovers or misfires, or takes triggers without a lock",
    "A scheduler in a cluster takes a slow node for a dead one and starts its jobs again.",
    "Take triggers within the scheduler's lock, and make the job repeatable: recovery stays \
     possible.",
);
pub(super) const T6: CauseKind = kind(
    "T6",
    "an operator starts it again by hand",
    "A run seems to hang or to have failed, and somebody starts it again, maybe on another host.",
    "Make a further run harmless: the done-mark in the data, not in a file of one host.",
);
pub(super) const T7: CauseKind = kind(
    "T7",
    "an event is delivered at least once",
    "A queue delivers again when no acknowledgement came in time.",
    "Store the message's id, under a unique key, in the transaction that does its work.",
);
