//! L codes of a lock that was not there, was taken in two steps, was left behind or given up.

use super::facts::{Op, Run};
use super::holds::{self, Form, Hold, Loss};
use super::{CauseKind, Evidence, Seen, Side, text};
use crate::accepted::did_work;
use std::collections::BTreeSet;
use twiceproof_model::scenario::Contract;

pub(super) const L1: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L1", "there is no lock"),
    "Two runs worked at once, and no request of the clean run takes a lock of any known kind, nor \
     does the target declare one.",
    "First make the work repeatable (a unique key, a guard in the WHERE). A lock then only saves \
     work.",
    no_lock,
);
pub(super) const L2: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L2", "check, then create, in two steps"),
    "Two runs both set the lock, because setting it does not fail where it is set already: the \
     look before it and the setting are two requests.",
    "Use one request that fails where the lock is there: SET NX, O_EXCL, a unique key, or UPDATE \
     with the old value in its WHERE and a look at the number of rows.",
    two_steps,
);
pub(super) const L3: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L3", "stale lock: obeyed for ever, or removed by guess"),
    "A run died while it had a lock that outlives it. Later runs obey what it left, or one of them \
     removes a lock whose owner lives.",
    "Use a lock that ends with its holder: flock, a row lock of the transaction that does the \
     work; or a lease whose token the data store checks.",
    stale,
);
pub(super) const L8: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L8", "not released on an error path, or released too early"),
    "A run gave the lock back and went on writing; or it failed by itself and left a lock behind.",
    "Hold the lock to the commit of the work, and free it on every way out.",
    early_or_never,
);
pub(super) const L9: CauseKind = CauseKind::shown(
    Side::Lock,
    (
        "L9",
        "the work is split among workers, and the splits overlap",
    ),
    "Several workers, each told its share, both changed what only one of them may.",
    "Claim pieces inside the transaction that works on them, rather than computing shares.",
    shares,
);
pub(super) const L10: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L10", "the file system breaks its promise"),
    "Two runs both succeeded in a call that only one can win, on one file, and nobody removed it \
     in between.",
    "Keep the lock in the store that keeps the data.",
    promise,
);

/// Returns the first data write of each of two runs that lived at once.
fn first_works<'s, 'a>(seen: &'s Seen<'a>) -> Option<(&'s Op<'a>, &'s Op<'a>)> {
    let runs: Vec<Run> = seen.facts.starts_of_trigger().collect();
    let is_work = |op: &&Op<'_>| op.is_effective() && op.reply.is_some_and(did_work);
    let mut works = seen.facts.ops.iter().filter(is_work);
    let first = works.find(|op| runs.contains(&op.run))?;
    let second = works.find(|op| runs.contains(&op.run) && op.run != first.run)?;
    Some((first, second))
}

fn no_lock(seen: &Seen<'_>) -> Option<Evidence> {
    let takes = |service, text| holds::takes_lock(seen.baseline, service, text);
    let in_clean = seen.baseline.requests.iter().any(|clean| {
        let signature = &clean.request.signature;
        takes(&signature.service, &signature.text)
    });
    let declares = !seen.baseline.locks.is_empty() || !seen.baseline.lock_objects.is_empty();
    // Workers are several on purpose; what they need is a split, not a lock.
    let is_owed = seen.baseline.contract != Contract::Workers;
    if in_clean || declares || !is_owed || !seen.holds.is_empty() || !seen.facts.overlap() {
        return None;
    }
    let (first, second) = first_works(seen)?;
    Some(Evidence {
        text: format!(
            "{} and {} both work, and no request of the clean run takes a lock.",
            first.run, second.run
        ),
        events: vec![first.at, second.at],
    })
}

fn overtaken<'s, 'a>(
    seen: &'s Seen<'a>,
    is: impl Fn(&Hold<'a>) -> bool,
) -> Option<(&'s Hold<'a>, &'s Hold<'a>)> {
    let pairs = seen.holds.iter().filter(|hold| is(hold)).flat_map(|hold| {
        let later = seen.holds.iter();
        later.map(move |other| (hold, other))
    });
    pairs.into_iter().find(|(hold, other)| {
        hold.is_overtaken_by(other) && hold.lost.is_none_or(|(at, _)| at > other.from)
    })
}

fn two_steps(seen: &Seen<'_>) -> Option<Evidence> {
    let (first, second) = overtaken(seen, |hold| hold.form == Form::Flag)?;
    if second.form != Form::Flag {
        return None;
    }
    let look = seen.facts.ops.iter().rfind(|op| {
        op.run == second.run && op.at < second.from && second.is_about(op) && !op.is_effective()
    });
    let looked = match look {
        // A look after the other had set it saw it set, and the run went on nevertheless.
        Some(op) if op.sent < first.from => {
            format!(
                " {} had looked before that, by `{}`.",
                second.run,
                op.text()
            )
        }
        _ => String::new(),
    };
    let mut events: Vec<usize> = look.map(|op| op.at).into_iter().collect();
    events.extend([first.from, second.from]);
    events.sort_unstable();
    Some(Evidence {
        text: format!(
            "{} and {} both set `{}` by `{}`, which does not fail where it is set.{looked}",
            first.run, second.run, first.name, second.text
        ),
        events,
    })
}

fn is_stuck(seen: &Seen<'_>) -> bool {
    matches!(seen.finding.code.as_str(), "TP-V06" | "TP-V08")
}

fn stale(seen: &Seen<'_>) -> Option<Evidence> {
    let mut left = seen.holds.iter().filter_map(|hold| {
        let end = seen.facts.ends.get(&hold.run)?;
        let is_left = end.is_killed && hold.released.is_none() && hold.form.outlives_its_holder();
        is_left.then_some((hold, end))
    });
    if is_stuck(seen)
        && let Some((hold, end)) = left.next()
    {
        return Some(Evidence {
            text: format!(
                "{} dies while it has `{}`, taken by `{}`, which stays behind; later runs obey it.",
                hold.run, hold.name, hold.text
            ),
            events: vec![hold.from, end.at],
        });
    }
    seen.holds.iter().find_map(|hold| {
        let (at, Loss::RemovedBy(by)) = hold.lost? else {
            return None;
        };
        let owner_lives = seen.facts.end(hold.run) > at;
        let mut taken = seen.holds.iter();
        let taken = taken.find(|other| other.run == by && hold.rivals(other) && other.from > at)?;
        let had = |other: &&Hold<'_>| other.run == by && hold.rivals(other) && other.from < at;
        (owner_lives && !seen.holds.iter().any(|other| had(&other))).then(|| Evidence {
            text: format!(
                "{by} removes `{}`, which {} has and still lives, and takes it.",
                hold.name, hold.run
            ),
            events: vec![hold.from, at, taken.from],
        })
    })
}

fn early_or_never(seen: &Seen<'_>) -> Option<Evidence> {
    if is_stuck(seen) {
        let clean = seen.baseline.exit;
        return seen.holds.iter().find_map(|hold| {
            let end = seen.facts.ends.get(&hold.run)?;
            let is_left = hold.released.is_none() && hold.form.outlives_its_holder();
            let failed = holds::failed(clean, end.exit, end.is_killed);
            (is_left && failed).then(|| Evidence {
                text: format!(
                    "{} ends with {} and leaves `{}`, taken by `{}`, behind.",
                    hold.run, end.exit, hold.name, hold.text
                ),
                events: vec![hold.from, end.at],
            })
        });
    }
    seen.holds.iter().find_map(|hold| {
        let released = hold.released?;
        let own_again = |op: &Op<'_>| {
            let mut own = seen.holds.iter();
            own.any(|other| other.run == hold.run && released < other.from && other.from <= op.at)
        };
        let late = seen.facts.ops.iter().find(|op| {
            op.run == hold.run && op.sent > released && is_data(seen, op) && !own_again(op)
        })?;
        let mut others = seen.facts.ops.iter();
        let other = others.find(|op| {
            let passed = seen
                .holds
                .iter()
                .any(|taken| hold.rivals(taken) && taken.run == op.run && taken.from > released);
            let between = op.run != hold.run && released < op.at && op.at < late.at;
            between && (passed || op.is_effective() && is_data(seen, op))
        })?;
        Some(Evidence {
            text: format!(
                "{} gives `{}` back, and writes by `{}` after that; {} comes in between.",
                hold.run,
                hold.name,
                late.text(),
                other.run
            ),
            events: vec![released, other.at, late.at],
        })
    })
}

/// Returns whether the request changed data: rows that are no lock's.
fn is_data(seen: &Seen<'_>, op: &Op<'_>) -> bool {
    let of_lock = seen.holds.iter().any(|hold| match hold.form {
        Form::Lease | Form::Mark | Form::Flag | Form::File => hold.is_about(op),
        Form::Session | Form::Transaction => text::says(op.text(), "advisory"),
    });
    op.is_effective() && op.reply.is_some_and(did_work) && !of_lock
}

fn shares(seen: &Seen<'_>) -> Option<Evidence> {
    let is_doubled = seen.finding.code == "TP-V01" && !seen.finding.differences.is_empty();
    if seen.baseline.contract != Contract::Workers || !is_doubled {
        return None;
    }
    // A share that is done again by a run that was started again is another matter.
    if seen.facts.ends.values().any(|end| end.is_killed) {
        return None;
    }
    let writes = seen.facts.ops.iter();
    let writes: Vec<&Op<'_>> = writes
        .filter(|op| super::data::concerns(seen, op))
        .collect();
    let runs: BTreeSet<Run> = writes.iter().map(|op| op.run).collect();
    let firsts: Vec<&&Op<'_>> = runs
        .iter()
        .filter_map(|run| writes.iter().find(|op| op.run == *run))
        .collect();
    let [first, second, ..] = firsts.as_slice() else {
        return None;
    };
    Some(Evidence {
        text: format!(
            "the workers {} and {} both change `{}`.",
            first.run,
            second.run,
            seen.finding
                .objects
                .first()
                .map_or(String::new(), ToString::to_string)
        ),
        events: vec![first.at, second.at],
    })
}

fn promise(seen: &Seen<'_>) -> Option<Evidence> {
    let is_call = |hold: &Hold<'_>| {
        let calls = [
            "create-new ",
            "mkdir ",
            "link ",
            "flock ",
            "lock ",
            "ofd-lock ",
        ];
        calls.iter().any(|call| hold.text.starts_with(call))
    };
    let (first, second) = overtaken(seen, |hold| is_call(hold))?;
    is_call(second).then(|| Evidence {
        text: format!(
            "{} and {} both succeed in `{}`, and nothing gives it back in between.",
            first.run, second.run, second.text
        ),
        events: vec![first.from, second.from],
    })
}
