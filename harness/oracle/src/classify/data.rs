//! D codes: why the data broke although it ran twice.

use super::facts::{Op, Run};
use super::{CauseKind, Evidence, Seen, Side, text};
use crate::finding::is_write_to;
use crate::lock_object::names_word;
use twiceproof_model::ServiceName;

pub(super) const D1: CauseKind = CauseKind::shown(
    Side::Data,
    ("D1", "relative update"),
    "Two runs both added to what was there (`balance = balance + ?`), and rows changed both times.",
    "Write the value that is meant, or keep a ledger with a unique key and add with its row.",
    relative,
);
pub(super) const D2: CauseKind = CauseKind::shown(
    Side::Data,
    ("D2", "insert without a unique key"),
    "Two runs both inserted, nothing refused the second row, and there are rows too many.",
    "A unique key over what makes the row one, and ON CONFLICT DO NOTHING.",
    bare_insert,
);
pub(super) const D3: CauseKind = CauseKind::shown(
    Side::Data,
    ("D3", "read, compute, write back"),
    "A run read a value, another one changed it, and the first wrote back what it had computed.",
    "Compute in the store, lock the row when reading (FOR UPDATE), or compare a version in the \
     WHERE.",
    lost_update,
);
pub(super) const D5: CauseKind = CauseKind::shown(
    Side::Data,
    ("D5", "outside effect before or without the commit"),
    "A mail or a call went out while the transaction that would remember it was not committed, and \
     another run sent it too.",
    "Write it to an outbox in the transaction, send after the commit, with a key that is the same \
     each time (a deterministic Message-ID).",
    early_effect,
);
pub(super) const D6: CauseKind = CauseKind::shown(
    Side::Data,
    ("D6", "partial commit, rerun from the start"),
    "A run ended after it had kept part of its work, and a later run did that part again.",
    "Keep how far it came in the same transaction as the work, and begin there.",
    partial,
);
pub(super) const D7: CauseKind = CauseKind::shown(
    Side::Data,
    ("D7", "status change without a guard"),
    "A status was set without asking in the same request what it was before.",
    "Put the old status into the WHERE, and look at the number of rows.",
    unguarded,
);
pub(super) const D8: CauseKind = CauseKind::shown(
    Side::Data,
    ("D8", "numbers consumed twice"),
    "Two runs both took numbers from a sequence or counter for the same work.",
    "Keep the number with the row that it is for, under a unique key.",
    numbers,
);
pub(super) const D9: CauseKind = CauseKind::shown(
    Side::Data,
    ("D9", "file appended or rewritten twice"),
    "Two runs both opened one file for writing, and its content differs.",
    "Write under another name that is the run's own, then rename.",
    files,
);

/// Returns whether the request is one of the writes that the finding is about.
pub(super) fn concerns(seen: &Seen<'_>, op: &Op<'_>) -> bool {
    let objects = &seen.finding.objects;
    let signature = &op.request.signature;
    op.is_effective() && (objects.is_empty() || is_write_to(objects.iter(), signature))
}

/// Returns the first two of these that one text sent by different runs.
fn twice<'s, 'a>(
    seen: &'s Seen<'a>,
    is: impl Fn(&Op<'a>) -> bool,
) -> Option<(&'s Op<'a>, &'s Op<'a>)> {
    let ops: Vec<&Op<'a>> = seen.facts.ops.iter().filter(|op| is(op)).collect();
    let key = |op: &Op<'a>| (&op.request.signature.service, &op.request.signature.text);
    ops.iter().enumerate().find_map(|(index, first)| {
        let mut later = ops[index + 1..].iter();
        let second = later.find(|op| op.run != first.run && key(op) == key(first))?;
        Some((*first, *second))
    })
}

fn both(first: &Op<'_>, second: &Op<'_>, what: &str) -> Evidence {
    Evidence {
        text: format!(
            "{} and {} {what} `{}`.",
            first.run,
            second.run,
            second.text()
        ),
        events: vec![first.at, second.at],
    }
}

fn relative(seen: &Seen<'_>) -> Option<Evidence> {
    let (first, second) = twice(seen, |op| {
        concerns(seen, op) && text::is_relative(op.text()) && !text::takes_number(op.text())
    })?;
    Some(both(first, second, "both add to what is there, by"))
}

fn bare_insert(seen: &Seen<'_>) -> Option<Evidence> {
    let mut differences = seen.finding.differences.iter();
    let has_rows_more = differences.any(|difference| difference.column.is_empty());
    let (first, second) = twice(seen, |op| {
        concerns(seen, op) && text::is_bare_insert(op.text())
    })?;
    has_rows_more.then(|| both(first, second, "both insert, and no key refuses the second,"))
}

/// Returns the table or key that the request writes without looking at what is there.
fn overwritten(text: &str) -> Option<&str> {
    if text::is_relative(text) {
        return None;
    }
    match text::verb(text).as_str() {
        "UPDATE" => text::table(text),
        "SET" if !text::has(text, "NX") => text::operand(text),
        _ => None,
    }
}

fn lost_update(seen: &Seen<'_>) -> Option<Evidence> {
    let ops = &seen.facts.ops;
    let mut writes = ops.iter().filter(|op| concerns(seen, op));
    writes.find_map(|write| {
        let name = overwritten(write.text())?;
        let service = &write.request.signature.service;
        let of_same =
            |op: &&Op<'_>| op.request.signature.service == *service && names_word(op.text(), name);
        let read = ops.iter().filter(of_same).rfind(|op| {
            let reads = matches!(text::verb(op.text()).as_str(), "SELECT" | "GET" | "HGET");
            let locks = text::says(op.text(), " for update");
            op.run == write.run && op.at < write.sent && reads && !locks
        })?;
        let between = ops.iter().filter(of_same).find(|op| {
            op.run != write.run && op.is_effective() && read.at < op.at && op.at < write.at
        })?;
        Some(Evidence {
            text: format!(
                "{} reads by `{}`, {} writes, and {} writes back by `{}`.",
                write.run,
                read.text(),
                between.run,
                write.run,
                write.text()
            ),
            events: vec![read.at, between.at, write.at],
        })
    })
}

/// Returns the services of the finding whose objects are effects: mails, calls.
fn effect_services<'s>(seen: &'s Seen<'_>) -> impl Iterator<Item = &'s ServiceName> {
    let objects = seen.finding.objects.iter();
    let effects = objects.filter(|name| matches!(&*name.object, "(mails)" | "(requests)"));
    effects.map(|name| &name.service)
}

fn early_effect(seen: &Seen<'_>) -> Option<Evidence> {
    let services: Vec<&ServiceName> = effect_services(seen).collect();
    let is_effect =
        |op: &Op<'_>| services.contains(&&op.request.signature.service) && op.is_effective();
    let ops = &seen.facts.ops;
    // The last effective request of the service is the one that counts; what comes before it, such
    // as MAIL and RCPT, is of the same effect.
    let sent: Vec<&Op<'_>> = ops.iter().filter(|op| is_effect(op)).collect();
    let first = sent.iter().find(|op| {
        let others = |other: &&&Op<'_>| other.run != op.run;
        sent.iter().any(|other| others(&other)) && !is_remembered(seen, op)
    })?;
    let second = sent
        .iter()
        .find(|op| op.run != first.run && op.at > first.at)?;
    Some(Evidence {
        text: format!(
            "{} sends `{}` to {} before a commit remembers it; {} sends it again.",
            first.run,
            first.text(),
            first.request.signature.service,
            second.run
        ),
        events: vec![first.at, second.at],
    })
}

/// Returns whether the run had committed a change of its own before this request, and has no
/// transaction open at it.
fn is_remembered(seen: &Seen<'_>, effect: &Op<'_>) -> bool {
    let service = &effect.request.signature.service;
    let before = seen.facts.ops.iter().filter(|op| {
        op.run == effect.run && op.at < effect.sent && op.request.signature.service != *service
    });
    let mut is_open = false;
    let mut kept = false;
    let mut wrote = false;
    for op in before.filter(|op| op.is_done()) {
        if text::begins(op.text()) {
            (is_open, wrote) = (true, false);
        } else if text::ends_transaction(op.text()) {
            kept |= wrote && text::commits(op.text());
            is_open = false;
        } else if op.is_effective() && text::table(op.text()).is_some() {
            kept |= !is_open;
            wrote = true;
        }
    }
    kept && !is_open
}

/// Returns the writes of the run that were kept: outside of transactions, or committed.
fn kept<'s, 'a>(seen: &'s Seen<'a>, run: Run) -> Vec<&'s Op<'a>> {
    let mut open: Option<Vec<&Op<'a>>> = None;
    let mut kept = Vec::new();
    for op in seen
        .facts
        .ops
        .iter()
        .filter(|op| op.run == run && op.is_done())
    {
        if text::begins(op.text()) {
            open = Some(Vec::new());
        } else if text::ends_transaction(op.text()) {
            let written = open.take().unwrap_or_default();
            if text::commits(op.text()) {
                kept.extend(written);
            }
        } else if concerns(seen, op) {
            open.as_mut().unwrap_or(&mut kept).push(op);
        }
    }
    kept
}

fn partial(seen: &Seen<'_>) -> Option<Evidence> {
    let whole = seen.baseline.requests.iter().filter(|clean| {
        let signature = &clean.request.signature;
        clean.reply.is_effective_write() && is_write_to(seen.finding.objects.iter(), signature)
    });
    let whole = whole.count();
    seen.facts.ends.iter().find_map(|(run, end)| {
        if !end.is_killed && end.exit == seen.baseline.exit {
            return None;
        }
        let done = kept(seen, *run);
        let last = done.last()?;
        // All of the job's writes are in transactions, or the run came to its end: nothing is
        // partial about it.
        let is_part = done.len() < whole || is_undone_mark(seen, *run);
        let again = seen.facts.ops.iter().find(|op| {
            let same = |one: &&Op<'_>| one.text() == op.text();
            op.run != *run && op.at > end.at && concerns(seen, op) && done.iter().any(same)
        })?;
        is_part.then(|| Evidence {
            text: format!(
                "{run} ends with {} after it kept `{}`; {} does it again.",
                end.exit,
                last.text(),
                again.run
            ),
            events: vec![last.at, end.at, again.at],
        })
    })
}

/// Returns whether the run did not come as far as the clean run's last write.
fn is_undone_mark(seen: &Seen<'_>, run: Run) -> bool {
    let mut clean = seen.baseline.requests.iter().rev();
    let last = clean.find(|clean| clean.reply.is_effective_write());
    last.is_some_and(|last| {
        let signature = &last.request.signature;
        let mut own = seen.facts.ops.iter().filter(|op| op.run == run);
        !own.any(|op| op.request.signature == *signature && op.is_done())
    })
}

fn unguarded(seen: &Seen<'_>) -> Option<Evidence> {
    let (first, second) = twice(seen, |op| {
        concerns(seen, op) && text::unguarded_status(op.text()).is_some()
    })?;
    Some(both(
        first,
        second,
        "both set a status, whatever it was, by",
    ))
}

fn numbers(seen: &Seen<'_>) -> Option<Evidence> {
    let (first, second) = twice(seen, |op| {
        op.is_done() && op.is_effective() && text::takes_number(op.text())
    })?;
    Some(both(first, second, "both take a number, by"))
}

fn files(seen: &Seen<'_>) -> Option<Evidence> {
    let (first, second) = twice(seen, |op| {
        let opens = ["create ", "empty ", "append ", "set-length "];
        let is_open = opens.iter().any(|call| op.text().starts_with(call));
        let is_named = seen.finding.objects.iter().any(|name| {
            name.service == op.request.signature.service
                && text::operand(op.text()) == Some(&*name.object)
        });
        is_open && op.is_done() && is_named
    })?;
    Some(both(first, second, "both open the file for writing, by"))
}
