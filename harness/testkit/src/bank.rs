//! The bank: toy jobs with known bugs, and their sound twins.

use crate::toy::Op;
use crate::toy::Op::{
    Add, AddOwn, Begin, Commit, FreeFlag, FreeLease, Grant, GrantOwn, LockSession, Log, Mail,
    MarkDone, PollSession, Read, SkipIfDone, SkipIfLocked, TakeFlag, TakeFlagOrPoll,
    TakeFlagOrSkip, TakeLeaseOrSkip, TrySession, UnlockSession, WriteBack,
};
use twiceproof_explore::trigger::{self, Trigger};
use twiceproof_model::scenario::Contract;

/// One job of the bank.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it, or why nothing is.
    pub doc: &'static str,
    /// What its starts owe.
    pub contract: Contract,
    /// Its requests.
    pub program: &'static [Op],
    /// Each stage that finds something, with the codes and the most trials of that stage that it
    /// takes.
    pub found: &'static [(&'static str, &'static str, u32)],
}

impl Entry {
    /// Returns the trigger whose starts owe the contract by default.
    pub fn trigger(&self) -> &'static Trigger {
        trigger::find(match self.contract {
            Contract::Once | Contract::Exclusion => "double-start",
            Contract::EachSlot => "cron-overlap",
            Contract::Workers => "workers",
        })
    }
}

/// Every job. A broken one names what finds it; a sound one must pass every stage.
pub const BANK: &[Entry] = &[
    Entry {
        name: "no-lock",
        doc: "Only a done-mark, set last: two runs that overlap both work.",
        contract: Contract::Once,
        program: &[SkipIfDone, Add(1), Add(2), MarkDone],
        found: &[
            ("crash", "TP-V01", 6),
            ("directed", "TP-V01", 2),
            ("preempt", "TP-V01", 6),
            ("exhaustive", "TP-V01", 4),
            ("sample", "TP-V01", 4),
        ],
    },
    Entry {
        name: "check-then-create",
        doc: "Looks for the lock, then creates it, in two requests. The lock outlives a crash.",
        contract: Contract::Once,
        program: &[
            SkipIfLocked,
            TakeFlag,
            SkipIfDone,
            Add(1),
            MarkDone,
            FreeFlag,
        ],
        found: &[
            ("crash", "TP-V06", 4),
            ("directed", "TP-V01", 8),
            ("exhaustive", "TP-V01", 20),
            ("sample", "TP-V01", 20),
        ],
    },
    Entry {
        name: "create-exclusive",
        doc: "Creates the lock in one request, but a crash leaves it behind, and every later run obeys it.",
        contract: Contract::Once,
        program: &[
            TakeFlagOrSkip,
            SkipIfDone,
            Begin,
            Add(1),
            MarkDone,
            Commit,
            FreeFlag,
        ],
        found: &[("crash", "TP-V06", 4)],
    },
    Entry {
        name: "stale-lock-polled",
        doc: "Waits for a lock that a crash leaves behind.",
        contract: Contract::Once,
        program: &[
            TakeFlagOrPoll,
            SkipIfDone,
            Begin,
            Add(1),
            MarkDone,
            Commit,
            FreeFlag,
        ],
        found: &[("crash", "TP-V08", 4)],
    },
    Entry {
        name: "mail-before-commit",
        doc: "The lock is sound, but a crash between mail and commit sends the mail twice.",
        contract: Contract::Once,
        program: &[
            LockSession,
            SkipIfDone,
            Begin,
            Add(1),
            Mail(1),
            MarkDone,
            Commit,
            UnlockSession,
        ],
        found: &[("crash", "TP-V01", 12)],
    },
    Entry {
        name: "partial-commit",
        doc: "The lock is sound, but each write is committed alone, so a crash leaves half the work done.",
        contract: Contract::Once,
        program: &[
            LockSession,
            SkipIfDone,
            Add(1),
            Add(2),
            MarkDone,
            UnlockSession,
        ],
        found: &[("crash", "TP-V01", 8)],
    },
    Entry {
        name: "not-repeatable",
        doc: "The lock is sound, but a second run works again: found once, without any overlap.",
        contract: Contract::Once,
        program: &[LockSession, Begin, Add(1), Log(1), Commit, UnlockSession],
        found: &[("serial", "TP-V01", 1)],
    },
    Entry {
        name: "lost-update",
        doc: "Reads, computes, writes back, without a lock: one of two runs is lost.",
        contract: Contract::Exclusion,
        program: &[Read(1), WriteBack(1)],
        found: &[
            ("directed", "TP-V01", 1),
            ("preempt", "TP-V01", 6),
            ("exhaustive", "TP-V01", 4),
            ("sample", "TP-V01", 10),
        ],
    },
    Entry {
        name: "slots-lost-update",
        doc: "Each slot adds to the balance by reading and writing it: one of two slots is lost.",
        contract: Contract::EachSlot,
        program: &[SkipIfDone, Begin, Read(1), WriteBack(1), MarkDone, Commit],
        found: &[
            ("directed", "TP-V01", 6),
            ("preempt", "TP-V01", 8),
            ("exhaustive", "TP-V01", 8),
            ("sample", "TP-V01", 10),
        ],
    },
    Entry {
        name: "slots-partial-commit",
        doc: "Overlaps are excluded, but a crash leaves half a slot's work done.",
        contract: Contract::EachSlot,
        program: &[
            TrySession,
            SkipIfDone,
            Add(1),
            Add(2),
            MarkDone,
            UnlockSession,
        ],
        found: &[("crash", "TP-V01", 8)],
    },
    Entry {
        name: "workers-all-of-it",
        doc: "Told its share, one write still does the work of all.",
        contract: Contract::Workers,
        program: &[AddOwn(1), AddOwn(2), Log(3)],
        found: &[("serial", "TP-V01", 1)],
    },
    Entry {
        name: "workers-partial-commit",
        doc: "The shares are right, but a worker that is started again does its share again.",
        contract: Contract::Workers,
        program: &[AddOwn(1), AddOwn(2), AddOwn(3)],
        found: &[("crash", "TP-V01", 8)],
    },
    Entry {
        name: "lease-alone",
        doc: "Nothing but a lease keeps two runs apart, and no run asks whether it still has it.",
        contract: Contract::Once,
        program: &[
            TakeLeaseOrSkip,
            Begin,
            SkipIfDone,
            Add(1),
            Add(2),
            MarkDone,
            Commit,
            FreeLease,
        ],
        found: &[("lease", "TP-V01", 1)],
    },
    Entry {
        name: "sound-lease",
        doc: "A lease keeps runs apart, and a guard in each write does where it has ended.",
        contract: Contract::Once,
        program: &[
            TakeLeaseOrSkip,
            Begin,
            Grant(1),
            Grant(2),
            Commit,
            FreeLease,
        ],
        found: &[],
    },
    Entry {
        name: "sound-slots",
        doc: "Slots wait for each other, and each is done in one transaction.",
        contract: Contract::EachSlot,
        program: &[
            LockSession,
            Begin,
            SkipIfDone,
            Read(1),
            WriteBack(1),
            MarkDone,
            Commit,
            UnlockSession,
        ],
        found: &[],
    },
    Entry {
        name: "sound-slot-skipper",
        doc: "A slot that comes while another is worked on is left out.",
        contract: Contract::EachSlot,
        program: &[
            TrySession,
            Begin,
            SkipIfDone,
            Read(1),
            WriteBack(1),
            Log(1),
            MarkDone,
            Commit,
            UnlockSession,
        ],
        found: &[],
    },
    Entry {
        name: "sound-workers",
        doc: "Each worker does its share, and every write has a guard.",
        contract: Contract::Workers,
        program: &[GrantOwn(1), GrantOwn(2), GrantOwn(3)],
        found: &[],
    },
    Entry {
        name: "sound-claims",
        doc: "Workers claim what nobody has done yet.",
        contract: Contract::Workers,
        program: &[Grant(1), Grant(2), Grant(3)],
        found: &[],
    },
    Entry {
        name: "sound-lock",
        doc: "A lock that ends with its session, a done-mark, one transaction.",
        contract: Contract::Once,
        program: &[
            LockSession,
            Begin,
            SkipIfDone,
            Add(1),
            Add(2),
            Log(1),
            MarkDone,
            Commit,
            UnlockSession,
        ],
        found: &[],
    },
    Entry {
        name: "sound-guard",
        doc: "No lock, but every write has a guard.",
        contract: Contract::Once,
        program: &[Grant(1), Grant(2), Grant(3)],
        found: &[],
    },
    Entry {
        name: "sound-poller",
        doc: "Waits for a session lock by asking again.",
        contract: Contract::Once,
        program: &[
            PollSession,
            Begin,
            SkipIfDone,
            Add(1),
            MarkDone,
            Commit,
            UnlockSession,
        ],
        found: &[],
    },
    Entry {
        name: "sound-skipper",
        doc: "Leaves if another run has the session lock.",
        contract: Contract::Once,
        program: &[
            TrySession,
            Begin,
            SkipIfDone,
            Add(1),
            MarkDone,
            Commit,
            UnlockSession,
        ],
        found: &[],
    },
    Entry {
        name: "sound-exclusion",
        doc: "Works each time it runs, and runs never overlap.",
        contract: Contract::Exclusion,
        program: &[
            LockSession,
            Begin,
            Read(1),
            WriteBack(1),
            Log(1),
            Commit,
            UnlockSession,
        ],
        found: &[],
    },
];

/// Returns the job of this name.
pub fn entry(name: &str) -> &'static Entry {
    let mut entries = BANK.iter();
    let found = entries.find(|entry| entry.name == name);
    found.unwrap_or_else(|| panic!("the bank has no job `{name}`"))
}
