//! Locks that runs took: from when to when each believes that it has one, and how it lost it.

use super::facts::{Facts, Op, Run};
use super::text;
use crate::baseline::Baseline;
use crate::glob;
use crate::lease::ADVISORY;
use crate::lock_object::{is_named, names_word};
use twiceproof_model::fault::Who;
use twiceproof_model::{Exit, Fault, LinkId, ServiceName};

/// What a lock is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A key that ends by itself.
    Lease,
    /// A key or file made by a request that fails where it is there, or a lock that the target
    /// declares.
    Mark,
    /// A row, key or file that is set whether or not it was set.
    Flag,
    /// A lock that ends with its connection.
    Session,
    /// Locked rows, or a lock that ends with its transaction.
    Transaction,
    /// A lock on a file that the kernel keeps.
    File,
}

impl Form {
    /// Returns whether it stays where the run that took it dies.
    pub(super) fn outlives_its_holder(self) -> bool {
        matches!(self, Form::Mark | Form::Flag)
    }
}

/// How a run came to lose a lock that it did not give back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    /// Its connection ended.
    Cut,
    /// Its time ran out.
    Expired,
    /// This run removed it.
    RemovedBy(Run),
}

/// One lock, taken by one run.
pub(super) struct Hold<'a> {
    pub(super) run: Run,
    pub(super) form: Form,
    pub(super) service: &'a ServiceName,
    pub(super) link: &'a LinkId,
    pub(super) name: String,
    /// The request that took it.
    pub(super) text: &'a str,
    /// Where it was taken.
    pub(super) from: usize,
    /// Where the run gave it back, if it did.
    pub(super) released: Option<usize>,
    /// Until where the run can believe that it has it: it gave it back, or ended.
    pub(super) to: usize,
    /// Where and how it was lost before.
    pub(super) lost: Option<(usize, Loss)>,
}

impl Hold<'_> {
    /// Returns whether both are of one lock, and of different runs.
    pub(super) fn rivals(&self, other: &Self) -> bool {
        self.service == other.service && self.name == other.name && self.run != other.run
    }

    /// Returns whether the other run took the lock while this one could believe that it has it.
    pub(super) fn is_overtaken_by(&self, other: &Self) -> bool {
        self.rivals(other) && self.from < other.from && other.from < self.to
    }

    /// Returns whether the request is one of the lock's own.
    pub(super) fn is_about(&self, op: &Op<'_>) -> bool {
        op.request.signature.service == *self.service && names_word(op.text(), &self.name)
    }
}

/// Returns whether the request takes a lock, by its text alone.
pub(super) fn takes_lock(baseline: &Baseline, service: &ServiceName, text: &str) -> bool {
    form_of(baseline, service, text).is_some()
}

/// Returns the form and name of the lock that the request takes.
fn form_of(baseline: &Baseline, service: &ServiceName, text: &str) -> Option<(Form, String)> {
    let operand = || text::operand(text).unwrap_or_default().to_owned();
    let has = |word| text::has(text, word);
    let lower = text.to_ascii_lowercase();
    match text.split(' ').next().unwrap_or_default() {
        "SET" if has("NX") => {
            let form = text::lease(text).map_or(Form::Mark, |_| Form::Lease);
            return Some((form, operand()));
        }
        "SETNX" => return Some((Form::Mark, operand())),
        "create-new" | "mkdir" => return Some((Form::Mark, operand())),
        "link" => return Some((Form::Mark, text.split(' ').nth(2)?.to_owned())),
        "flock" | "lock" | "ofd-lock" if has("EX") => return Some((Form::File, operand())),
        _ => {}
    }
    if text::takes_session_lock(text) || lower.contains("get_lock(") {
        return Some((Form::Session, ADVISORY.to_owned()));
    }
    if lower.contains("advisory_xact_lock(") {
        return Some((Form::Transaction, ADVISORY.to_owned()));
    }
    if lower.contains(" for update") || lower.starts_with("lock table") {
        return Some((Form::Transaction, "rows".to_owned()));
    }
    let declared = baseline.locks.iter().find(|lock| {
        let is_acquire = !lock.acquire.is_empty() && glob::matches_prefix(&lock.acquire, text);
        lock.service == *service && is_acquire
    });
    if let Some(lock) = declared {
        let key = text::key(text).map(|key| (Form::Lease, key.to_owned()));
        return key.or_else(|| Some((Form::Mark, lock.name.clone())));
    }
    flag(baseline, service, text).map(|name| (Form::Flag, name))
}

/// Returns the name of the flag that the request sets: an object that the clean run sets and
/// resets, a key or file that it makes and removes.
fn flag(baseline: &Baseline, service: &ServiceName, text: &str) -> Option<String> {
    let mut objects = baseline.lock_objects.iter();
    let object = objects.find(|name| name.service == *service && is_named(name, text));
    if let Some(name) = object {
        let is_read = matches!(text::verb(text).as_str(), "SELECT" | "GET" | "EXISTS");
        let last = name.object.rsplit(['.', ':']).next().unwrap_or_default();
        return (!is_read).then(|| last.to_owned());
    }
    if !matches!(text.split(' ').next(), Some("SET" | "create" | "symlink")) {
        return None;
    }
    let place = if text.starts_with("symlink") { 2 } else { 1 };
    let name = text.split(' ').nth(place)?;
    let is_removed = baseline.requests.iter().any(|clean| {
        let signature = &clean.request.signature;
        signature.service == *service
            && matches!(text::verb(&signature.text).as_str(), "DEL" | "UNLINK")
            && text::operand(&signature.text) == Some(name)
    });
    is_removed.then(|| name.to_owned())
}

/// Returns the locks that the runs of the record took, in the order in which they were taken.
pub(super) fn of<'a>(baseline: &Baseline, facts: &Facts<'a>) -> Vec<Hold<'a>> {
    let mut holds: Vec<Hold<'a>> = Vec::new();
    for op in facts.ops.iter().filter(|op| op.is_done()) {
        release(&mut holds, facts, op);
        take(&mut holds, baseline, facts, op);
    }
    for hold in &mut holds {
        hold.to = hold.released.unwrap_or_else(|| facts.end(hold.run));
        note_cut(facts, hold);
        note_expiry(facts, hold);
    }
    note_taken_over(&mut holds);
    holds
}

fn take<'a>(holds: &mut Vec<Hold<'a>>, baseline: &Baseline, facts: &Facts<'a>, op: &Op<'a>) {
    let request = op.request;
    let Some((form, name)) = form_of(
        baseline,
        &request.signature.service,
        &request.signature.text,
    ) else {
        return;
    };
    // A file that was there already is opened all the same: no row says that another has the lock.
    let cannot_fail = request.signature.text.starts_with("create ");
    let got = op.reply.is_some_and(|reply| {
        let tags = &reply.tags;
        cannot_fail || tags.is_empty() || tags.iter().any(|tag| tag.rows != Some(0))
    });
    let is_own =
        |hold: &&Hold<'_>| hold.run == op.run && hold.name == name && hold.released.is_none();
    let is_freed = holds
        .iter()
        .any(|hold| hold.run == op.run && hold.released == Some(op.at));
    if !got || is_freed || holds.iter().any(|hold| is_own(&hold)) {
        return;
    }
    // What the reply of `pg_try_advisory_lock` or of a script says is not in the trace; a lock has
    // one holder, so while another run has it, this is a refusal.
    let is_untold = op.reply.is_some_and(|reply| {
        let mut tags = reply.tags.iter();
        form == Form::Session || form == Form::Lease && tags.any(|tag| tag.rows.is_none())
    });
    let is_taken = |hold: &Hold<'_>| {
        let is_rival = hold.form == form && hold.run != op.run && hold.name == name;
        is_rival && has_still(facts, hold, op.at)
    };
    if is_untold && holds.iter().any(is_taken) {
        return;
    }
    holds.push(Hold {
        run: op.run,
        form,
        service: &request.signature.service,
        link: &request.link,
        name,
        text: &request.signature.text,
        from: op.at,
        released: None,
        to: usize::MAX,
        lost: None,
    });
}

/// Returns whether the lock is its holder's still at this place, as far as can be told.
fn has_still(facts: &Facts<'_>, hold: &Hold<'_>, at: usize) -> bool {
    let is_between = |place: usize| hold.from < place && place < at;
    let mut cuts = facts.cuts.iter();
    let mut faults = facts.faults.iter();
    let is_lost = match hold.form {
        Form::Session => {
            facts.end(hold.run) < at
                || cuts.any(|(_, link, place)| *link == hold.link && is_between(*place))
        }
        _ => faults.any(|(fault, place)| ends(fault, hold) && is_between(*place)),
    };
    hold.released.is_none() && hold.lost.is_none() && !is_lost
}

/// Returns whether the fault ends the lease.
fn ends(fault: &Fault, hold: &Hold<'_>) -> bool {
    let lease = fault.keys.get("lease");
    fault.kind == "expire"
        && fault.who == Who::Service(hold.service.clone())
        && lease.is_none_or(|lease| *lease == hold.name)
}

/// Notes what the request gives back, its own or another run's.
fn release(holds: &mut [Hold<'_>], facts: &Facts<'_>, op: &Op<'_>) {
    let signature = &op.request.signature;
    let is_open = |hold: &Hold<'_>| hold.released.is_none() && hold.service == &signature.service;
    let own = holds
        .iter_mut()
        .filter(|hold| hold.run == op.run && is_open(hold));
    for hold in own.filter(|hold| gives_back(hold, op)) {
        // A script may renew a lease as well as give it back: the run's last one does the latter.
        let is_script = text::verb(&signature.text).starts_with("EVAL");
        let again =
            |later: &Op<'_>| later.run == op.run && later.at > op.at && hold.is_about(later);
        if !is_script || !facts.ops.iter().any(again) {
            hold.released = Some(op.at);
        }
    }
    let removes = matches!(
        text::verb(&signature.text).as_str(),
        "DEL" | "UNLINK" | "RMDIR" | "RENAME"
    );
    if !removes || !op.is_effective() {
        return;
    }
    let others = holds.iter_mut().filter(|hold| {
        let is_key = matches!(hold.form, Form::Lease | Form::Mark | Form::Flag);
        hold.run != op.run && is_open(hold) && is_key && hold.lost.is_none()
    });
    for hold in others {
        if text::operand(&signature.text) == Some(hold.name.as_str()) {
            hold.lost = Some((op.at, Loss::RemovedBy(op.run)));
        }
    }
}

/// Returns whether the request gives this lock of its own run back.
fn gives_back(hold: &Hold<'_>, op: &Op<'_>) -> bool {
    let text = op.text();
    let verb = text::verb(text);
    match hold.form {
        Form::Transaction => op.request.link == *hold.link && text::ends_transaction(text),
        Form::Session => text::says(text, "advisory_unlock") || text::says(text, "release_lock("),
        Form::File => {
            matches!(verb.as_str(), "FUNLOCK" | "UNLOCK") && text::operand(text) == Some(&hold.name)
        }
        Form::Lease | Form::Mark | Form::Flag => {
            let is_removal = matches!(
                verb.as_str(),
                "DEL" | "UNLINK" | "RMDIR" | "RENAME" | "EVAL" | "EVALSHA" | "GETDEL"
            );
            let is_reset = hold.form == Form::Flag && op.is_effective();
            names_word(text, &hold.name) && (is_removal || is_reset)
        }
    }
}

fn note_cut(facts: &Facts<'_>, hold: &mut Hold<'_>) {
    if hold.form != Form::Session || hold.lost.is_some() {
        return;
    }
    let mut cuts = facts.cuts.iter();
    let cut = cuts.find(|(run, link, at)| {
        *run == hold.run && *link == hold.link && hold.from < *at && *at < hold.to
    });
    hold.lost = cut.map(|(_, _, at)| (*at, Loss::Cut));
}

fn note_expiry(facts: &Facts<'_>, hold: &mut Hold<'_>) {
    if hold.form != Form::Lease || hold.lost.is_some() {
        return;
    }
    let mut faults = facts.faults.iter();
    let expiry = faults.find(|(fault, at)| ends(fault, hold) && hold.from < *at && *at < hold.to);
    hold.lost = expiry.map(|(_, at)| (*at, Loss::Expired));
}

/// A lease that another run could take while nobody had removed it ran out.
fn note_taken_over(holds: &mut [Hold<'_>]) {
    let taken: Vec<Option<usize>> = holds
        .iter()
        .map(|hold| {
            let mut later = holds.iter().filter(|other| hold.is_overtaken_by(other));
            later.next().map(|other| other.from)
        })
        .collect();
    for (hold, taken) in holds.iter_mut().zip(taken) {
        if hold.form == Form::Lease
            && hold.lost.is_none()
            && let Some(at) = taken
        {
            hold.lost = Some((at, Loss::Expired));
        }
    }
}

/// Returns whether a run that ended so can have skipped its release: it failed by itself.
pub(super) fn failed(clean: Exit, exit: Exit, is_killed: bool) -> bool {
    !is_killed && exit != clean
}
