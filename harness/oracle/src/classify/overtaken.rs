//! L4 to L7, L11 and D4: a run lost its lock and went on; what it wrote then was taken.

use super::facts::{Op, Run};
use super::holds::{Form, Hold, Loss, takes_lock};
use super::{CauseKind, Evidence, Seen, Side, text};
use crate::accepted::did_work;

pub(super) const L4: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L4", "the lock is lost on disconnect, the work goes on"),
    "The connection that kept the lock ended, another run took it, and the first one wrote again, \
     over another connection.",
    "Take the lock in the transaction that writes the data; then a lost connection ends both.",
    disconnected,
);
pub(super) const L5: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L5", "the lease runs out under a living holder"),
    "The time of the lock's key ran out while its holder stood still or was slow; another run took \
     the key, or the key was gone; then the first one wrote.",
    "Stop when a renewal fails, and hand the lease's number to the data store as a fencing token. \
     No lease alone survives a pause.",
    ran_out,
);
pub(super) const L6: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L6", "clocks disagree about the lease or the lock's age"),
    "A clock was moved, and a run took a lock that another one still had by its own clock.",
    "Let one clock decide, that of the store which keeps the lock.",
    clocks,
);
pub(super) const L7: CauseKind = CauseKind::shown(
    Side::Lock,
    ("L7", "released by one who does not own it"),
    "A run gave back a lock that was another's by then: it removes the key without asking whose \
     it is.",
    "Store a random token in the key, and remove it by one request that compares (a script).",
    foreign_release,
);
pub(super) const L11: CauseKind = CauseKind::shown(
    Side::Lock,
    (
        "L11",
        "lock and data live in different connections or stores",
    ),
    "The lock was lost or shared in one connection or store, and another one, which knows nothing \
     of it, took the data.",
    "Keep the lock beside the data, in its transaction. Behind a pooler, use locks that end with \
     the transaction.",
    apart,
);
pub(super) const D4: CauseKind = CauseKind::shown(
    Side::Data,
    ("D4", "the store checks no fencing token"),
    "A write of a run that had lost its lease was accepted by a store that knows nothing of \
     leases.",
    "Give each lease a number that grows, keep the highest one beside the data, and refuse a \
     write with a smaller one.",
    not_fenced,
);

/// A lock that was lost, and what its run changed after that.
struct Late<'s, 'a> {
    hold: &'s Hold<'a>,
    /// Where it was lost.
    lost: usize,
    write: &'s Op<'a>,
}

/// Returns the locks lost in this way whose runs wrote data after that.
fn late<'s, 'a>(
    seen: &'s Seen<'a>,
    is: impl Fn(&Hold<'a>, Loss) -> bool + 's,
) -> impl Iterator<Item = Late<'s, 'a>> {
    seen.holds.iter().filter_map(move |hold| {
        let (lost, how) = hold.lost?;
        if !is(hold, how) {
            return None;
        }
        let write = seen.facts.ops.iter().find(|op| {
            let is_work = op.is_effective() && op.reply.is_some_and(did_work);
            op.run == hold.run && op.sent > lost && is_work && !hold.is_about(op)
        })?;
        Some(Late { hold, lost, write })
    })
}

/// Returns the first run that took the lock, or wrote, between the loss and the late write's end.
fn rival<'s, 'a>(seen: &'s Seen<'a>, late: &Late<'_, 'a>) -> Option<&'s Op<'a>> {
    seen.facts.ops.iter().find(|op| {
        let takes = seen
            .holds
            .iter()
            .any(|hold| hold.from == op.at && hold.rivals(late.hold));
        let is_other = op.run != late.hold.run && op.at > late.hold.from;
        is_other && (takes || op.at > late.lost && op.is_effective())
    })
}

fn disconnected(seen: &Seen<'_>) -> Option<Evidence> {
    let is_cut = |hold: &Hold<'_>, how| hold.form == Form::Session && matches!(how, Loss::Cut);
    late(seen, is_cut).find_map(|late| {
        let rival = rival(seen, &late)?;
        Some(Evidence {
            text: format!(
                "The connection with which {} keeps its lock ends; {} goes on, and {} still \
                 writes by `{}`.",
                late.hold.run,
                rival.run,
                late.hold.run,
                late.write.text()
            ),
            events: vec![late.hold.from, late.lost, rival.at, late.write.at],
        })
    })
}

fn is_expired(hold: &Hold<'_>, how: Loss) -> bool {
    hold.form == Form::Lease && matches!(how, Loss::Expired)
}

fn ran_out(seen: &Seen<'_>) -> Option<Evidence> {
    late(seen, is_expired).find_map(|late| {
        let rival = rival(seen, &late)?;
        Some(Evidence {
            text: format!(
                "The lease `{}` of {} ran out; {} took over, and {} still writes by `{}`.",
                late.hold.name,
                late.hold.run,
                rival.run,
                late.hold.run,
                late.write.text()
            ),
            events: vec![late.hold.from, late.lost, rival.at, late.write.at],
        })
    })
}

fn clocks(seen: &Seen<'_>) -> Option<Evidence> {
    let mut faults = seen.facts.faults.iter();
    let (fault, moved) = faults.find(|(fault, _)| fault.kind == "clock")?;
    let pairs = seen.holds.iter().flat_map(|hold| {
        let others = seen.holds.iter();
        others.map(move |other| (hold, other))
    });
    let is_early =
        |(hold, other): &(&Hold<'_>, &Hold<'_>)| hold.is_overtaken_by(other) && *moved < other.from;
    let (hold, other) = pairs.into_iter().find(is_early)?;
    Some(Evidence {
        text: format!(
            "`{fault}` moves a clock; {} takes `{}` while {} has it by its own clock.",
            other.run, hold.name, hold.run
        ),
        events: vec![hold.from, *moved, other.from],
    })
}

fn foreign_release(seen: &Seen<'_>) -> Option<Evidence> {
    seen.holds.iter().find_map(|hold| {
        let (at, Loss::RemovedBy(by)) = hold.lost? else {
            return None;
        };
        if seen.facts.end(hold.run) <= at {
            return None;
        }
        let mut rivals = seen.holds.iter();
        let Some(own) = rivals.find(|own| own.run == by && hold.rivals(own)) else {
            return cleared_in_vain(seen, hold, (by, at));
        };
        (own.released == Some(at) && own.from < hold.from).then(|| Evidence {
            text: format!(
                "{by} gives `{}` back, but by then it is the lock of {}.",
                hold.name, hold.run
            ),
            events: vec![own.from, hold.from, at],
        })
    })
}

/// Shows a run that asked for the lock, did not get it, and removed it on its way out.
fn cleared_in_vain(seen: &Seen<'_>, hold: &Hold<'_>, (by, at): (Run, usize)) -> Option<Evidence> {
    let mut asked = seen.facts.ops.iter();
    let asked = asked.find(|op| {
        let is_before = op.run == by && hold.from < op.at && op.at < at;
        is_before && hold.is_about(op) && takes_lock(seen.baseline, hold.service, op.text())
    })?;
    Some(Evidence {
        text: format!(
            "{by} does not get `{}` and removes it all the same: it is the lock of {}.",
            hold.name, hold.run
        ),
        events: vec![hold.from, asked.at, at],
    })
}

fn apart(seen: &Seen<'_>) -> Option<Evidence> {
    let is_cut = |hold: &Hold<'_>, how| hold.form == Form::Session && matches!(how, Loss::Cut);
    let on_other_link = late(seen, is_cut).find(|late| late.write.request.link != *late.hold.link);
    if let Some(late) = on_other_link {
        return Some(Evidence {
            text: format!(
                "{} keeps its lock over one connection and writes `{}` over another.",
                late.hold.run,
                late.write.text()
            ),
            events: vec![late.hold.from, late.lost, late.write.at],
        });
    }
    seen.holds.iter().find_map(|hold| {
        let is_sql = |text: &str| matches!(text::verb(text).as_str(), "UPDATE" | "INSERT");
        let shared = seen.holds.iter().any(|other| hold.is_overtaken_by(other));
        let is_flag = hold.form == Form::Flag && is_sql(hold.text);
        let write = seen.facts.ops.iter().find(|op| {
            let elsewhere = op.request.signature.service != *hold.service;
            op.run == hold.run
                && op.at > hold.from
                && elsewhere
                && is_sql(op.text())
                && op.is_effective()
        })?;
        (shared && is_flag).then(|| Evidence {
            text: format!(
                "`{}` is kept in {}, but {} writes `{}` to {}.",
                hold.name,
                hold.service,
                hold.run,
                write.text(),
                write.request.signature.service
            ),
            events: vec![hold.from, write.at],
        })
    })
}

fn not_fenced(seen: &Seen<'_>) -> Option<Evidence> {
    let elsewhere =
        |late: &Late<'_, '_>| late.write.request.signature.service != *late.hold.service;
    late(seen, is_expired).filter(elsewhere).find_map(|late| {
        rival(seen, &late)?;
        Some(Evidence {
            text: format!(
                "{} accepts `{}` of {}, whose lease `{}` is over.",
                late.write.request.signature.service,
                late.write.text(),
                late.hold.run,
                late.hold.name
            ),
            events: vec![late.lost, late.write.at],
        })
    })
}
