//! The store of the toy lab: a few tables, one session lock, and a pile of mails.

use super::program::Op;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use twiceproof_explore::Starts;
use twiceproof_model::digest::Hasher;
use twiceproof_model::name::INSTANCES_MAX;
use twiceproof_model::scenario::Placeholders;
use twiceproof_model::snapshot::{Column, Content, Object, ObjectName};
use twiceproof_model::{InstanceId, Outcome, Reply, ServiceName, Snapshot, Tag};

/// Members that the seed has.
const MEMBERS: u8 = 3;

/// What a committed or pending write changes.
#[derive(Clone, Debug)]
enum Effect {
    Flag(bool),
    Done(String, String),
    Balance(u8, i64),
    Add(u8),
    Grant(u8),
    Log(u8),
}

#[derive(Clone, Debug, Default)]
struct Member {
    balance: i64,
    granted: bool,
    updated_at: Option<String>,
}

/// What the job is told, beside the reply that the trace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Go on.
    Next,
    /// Go on with this value.
    Value(i64),
    /// End, with exit code 0.
    Leave,
    /// Ask again.
    Again,
    /// No answer yet: this session has the lock.
    Wait(InstanceId),
}

/// The state of one trial.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    held: bool,
    /// Slots with the host that did their work.
    done: Vec<(String, String)>,
    members: BTreeMap<u8, Member>,
    ledger: Vec<(u32, u8)>,
    next_id: u32,
    mails: Vec<u8>,
    owner: Option<InstanceId>,
    lease: Option<InstanceId>,
    /// Those whose leases ended while they could see the time pass.
    late: BTreeSet<InstanceId>,
    pending: BTreeMap<InstanceId, Vec<Effect>>,
    /// Goes up with every write that others can see.
    pub(crate) version: u64,
    tick: u32,
    disguise: u8,
    /// What each start is told.
    told: BTreeMap<InstanceId, Placeholders>,
}

impl Store {
    pub(crate) fn seeded(disguise: u8) -> Self {
        let members = (1..=MEMBERS).map(|id| {
            let member = Member {
                balance: 500,
                ..Member::default()
            };
            (id, member)
        });
        Self {
            members: members.collect(),
            next_id: 1,
            disguise,
            ..Self::default()
        }
    }

    /// Notes what each start is told.
    pub(crate) fn told(mut self, starts: &Starts) -> Self {
        let ids = InstanceId::first(INSTANCES_MAX);
        self.told = ids.map(|id| (id, starts.placeholders(id))).collect();
        self
    }

    fn slot(&self, who: InstanceId) -> String {
        self.told
            .get(&who)
            .map_or("1", |told| &told.slot)
            .to_owned()
    }

    /// Returns whether the member is in this worker's share.
    fn owns(&self, who: InstanceId, member: u8) -> bool {
        let Some(told) = self.told.get(&who) else {
            return true;
        };
        member % told.count == told.instance % told.count
    }

    /// Does what the request asks.
    pub(crate) fn answer(&mut self, who: InstanceId, op: Op, read: i64) -> (Answer, Reply) {
        match op {
            Op::Wander => (Answer::Next, select(1)),
            Op::SkipIfLocked => (leave_if(self.held), select(1)),
            Op::SkipIfDone => (leave_if(self.done_for(who)), select(1)),
            Op::Read(member) => (Answer::Value(self.members[&member].balance), select(1)),
            Op::TakeFlagOrSkip if self.held => (Answer::Leave, write("UPDATE", 0)),
            Op::TakeFlagOrPoll if self.held => (Answer::Again, write("UPDATE", 0)),
            Op::TakeFlag | Op::TakeFlagOrSkip | Op::TakeFlagOrPoll => {
                self.write(who, "UPDATE", Effect::Flag(true))
            }
            Op::FreeFlag => self.write(who, "UPDATE", Effect::Flag(false)),
            Op::TakeLeaseOrSkip | Op::FreeLease => self.turn_lease(who, op),
            Op::LeaveIfLate => {
                let is_late = self.late.contains(&who);
                (leave_if(is_late), tag("PING", None, false, false))
            }
            Op::LockSession | Op::PollSession | Op::TrySession => self.lock(who, op),
            Op::UnlockSession => {
                if self.owner == Some(who) {
                    self.owner = None;
                    self.version += 1;
                }
                (Answer::Next, call())
            }
            Op::Begin => {
                self.pending.entry(who).or_default();
                (Answer::Next, tag("BEGIN", None, false, false))
            }
            Op::Commit => {
                for effect in self.pending.remove(&who).unwrap_or_default() {
                    self.apply(effect);
                }
                (Answer::Next, tag("COMMIT", None, true, true))
            }
            Op::MarkDone => {
                let host = format!("host-{}", self.disguise);
                self.write(who, "INSERT", Effect::Done(self.slot(who), host))
            }
            Op::WriteBack(member) => {
                self.write(who, "UPDATE", Effect::Balance(member, read + 1000))
            }
            Op::AddOwn(member) | Op::GrantOwn(member) if !self.owns(who, member) => {
                (Answer::Next, write("UPDATE", 0))
            }
            Op::Add(member) | Op::AddOwn(member) => self.write(who, "UPDATE", Effect::Add(member)),
            Op::Grant(member) | Op::GrantOwn(member) if self.members[&member].granted => {
                (Answer::Next, write("UPDATE", 0))
            }
            Op::Grant(member) | Op::GrantOwn(member) => {
                self.write(who, "UPDATE", Effect::Grant(member))
            }
            Op::Log(member) => self.write(who, "INSERT", Effect::Log(member)),
            Op::Mail(member) => {
                self.mails.push(member);
                self.version += 1;
                (Answer::Next, tag("250", None, true, false))
            }
        }
    }

    /// Ends the lease; returns whose it was. `seen`: its holder can see that its time has passed.
    pub(crate) fn end_lease(&mut self, seen: bool) -> Option<InstanceId> {
        let holder = self.lease.take();
        self.late.extend(holder.filter(|_| seen));
        self.version += u64::from(holder.is_some());
        holder
    }

    /// Drops what the session has not committed, and its lock.
    pub(crate) fn end_session(&mut self, who: InstanceId) {
        self.pending.remove(&who);
        if self.owner == Some(who) {
            self.owner = None;
            self.version += 1;
        }
    }

    fn done_for(&self, who: InstanceId) -> bool {
        let pending = self.pending.get(&who).into_iter().flatten();
        let slot = self.slot(who);
        let mut own =
            pending.filter(|effect| matches!(effect, Effect::Done(done, _) if *done == slot));
        self.done.iter().any(|(done, _)| *done == slot) || own.next().is_some()
    }

    fn lock(&mut self, who: InstanceId, op: Op) -> (Answer, Reply) {
        match self.owner {
            Some(owner) if owner != who => {
                let answer = match op {
                    Op::LockSession => Answer::Wait(owner),
                    Op::PollSession => Answer::Again,
                    _ => Answer::Leave,
                };
                (answer, call())
            }
            _ => {
                self.owner = Some(who);
                (Answer::Next, call())
            }
        }
    }

    /// Takes the lease where nobody has it, or gives it back where it is the session's own.
    fn turn_lease(&mut self, who: InstanceId, op: Op) -> (Answer, Reply) {
        let frees = op == Op::FreeLease;
        if self.lease == frees.then_some(who) {
            self.lease = (!frees).then_some(who);
            self.version += 1;
        } else if !frees {
            return (Answer::Leave, null());
        }
        let command = if frees { "EVALSHA" } else { "SET" };
        let rows = (!frees).then_some(1);
        (Answer::Next, tag(command, rows, true, true))
    }

    fn write(&mut self, who: InstanceId, command: &str, effect: Effect) -> (Answer, Reply) {
        match self.pending.get_mut(&who) {
            Some(pending) => pending.push(effect),
            None => self.apply(effect),
        }
        (Answer::Next, write(command, 1))
    }

    fn apply(&mut self, effect: Effect) {
        self.version += 1;
        self.tick += 1;
        let now = format!("12:0{}:{:02}", self.disguise, self.tick);
        let mut update = |member: u8, change: &dyn Fn(&mut Member)| {
            let member = self
                .members
                .get_mut(&member)
                .expect("programs name seeded members");
            change(member);
            member.updated_at = Some(now.clone());
        };
        match effect {
            Effect::Flag(held) => self.held = held,
            Effect::Done(slot, host) => self.done.push((slot, host)),
            Effect::Balance(member, balance) => update(member, &|m| m.balance = balance),
            Effect::Add(member) => update(member, &|m| m.balance += 1000),
            Effect::Grant(member) => update(member, &|m| {
                if !m.granted {
                    m.balance += 1000;
                    m.granted = true;
                }
            }),
            Effect::Log(member) => {
                self.ledger.push((self.next_id, member));
                self.next_id += 1;
            }
        }
    }

    /// Returns the state as a lab captures it.
    pub(crate) fn capture(&self) -> Snapshot {
        let text = |value: &dyn ToString| Some(value.to_string());
        let members = self.members.iter().map(|(id, member)| {
            vec![
                text(id),
                text(&member.balance),
                text(&member.granted),
                member.updated_at.clone(),
            ]
        });
        let ledger = self.ledger.iter();
        let ledger = ledger.map(|(id, member)| vec![text(id), text(member), text(&1000)]);
        let done = self
            .done
            .iter()
            .map(|(slot, host)| vec![text(slot), text(host)]);
        let mails = self.mails.iter();
        let mails = mails.map(|member| vec![Some(format!("m{member}@x.test")), text(&"Points")]);
        let locks = vec![vec![text(&"points"), text(&self.held)]];
        let mut snapshot = Snapshot::default();
        let mut add = |name: &ObjectName, columns: Vec<Column>, rows: Vec<Vec<Option<String>>>| {
            snapshot.objects.insert(name.clone(), object(columns, rows));
        };
        add(&table("members"), member_columns(), members.collect());
        add(&table("ledger"), ledger_columns(), ledger.collect());
        add(&table("runs"), columns(&["day", "host"]), done.collect());
        add(&table("locks"), columns(&["name", "held"]), locks);
        let name = ObjectName::new(&ServiceName::from("pg"), "(schema)");
        add(&name, columns(&["kind", "name", "definition"]), schema());
        let name = ObjectName::new(&ServiceName::from("mail"), "(mails)");
        add(&name, columns(&["to", "subject"]), mails.collect());
        snapshot
    }
}

fn leave_if(condition: bool) -> Answer {
    if condition {
        Answer::Leave
    } else {
        Answer::Next
    }
}

/// The answer to a SET of a key that is there.
fn null() -> Reply {
    tag("SET", Some(0), true, false)
}

fn tag(command: &str, rows: Option<u64>, writes: bool, frees_locks: bool) -> Reply {
    Reply {
        outcome: Outcome::Ok,
        tags: vec![Tag {
            command: command.to_owned(),
            rows,
        }],
        writes,
        frees_locks,
    }
}

fn select(rows: u64) -> Reply {
    tag("SELECT", Some(rows), false, false)
}

/// A SELECT that calls a function: it may write, as far as anybody can tell.
fn call() -> Reply {
    tag("SELECT", Some(1), true, true)
}

fn write(command: &str, rows: u64) -> Reply {
    tag(command, Some(rows), true, false)
}

fn table(name: &str) -> ObjectName {
    ObjectName::new(&ServiceName::from("pg"), &format!("public.{name}"))
}

fn columns(names: &[&str]) -> Vec<Column> {
    let columns = names.iter().map(|name| Column {
        name: (*name).to_owned(),
        ..Column::default()
    });
    columns.collect()
}

/// Returns the schema as the lab captures it.
fn schema() -> Vec<Vec<Option<String>>> {
    let tables = ["ledger", "locks", "members", "runs"];
    let tables = tables.map(|table| ["table", table, "owner app"]);
    let key = "FOREIGN KEY (member) REFERENCES public.members(id)";
    let lines = tables
        .into_iter()
        .chain([["constraint", "ledger.member", key]]);
    let cells = |[kind, name, definition]: [&str; 3]| {
        vec![
            Some(kind.to_owned()),
            Some(format!("public.{name}")),
            Some(definition.to_owned()),
        ]
    };
    lines.map(cells).collect()
}

fn member_columns() -> Vec<Column> {
    let mut columns = columns(&["id", "balance", "granted", "updated_at"]);
    columns[0].key = true;
    columns[3].time = true;
    columns
}

fn ledger_columns() -> Vec<Column> {
    let mut columns = columns(&["id", "member", "delta"]);
    columns[0].key = true;
    columns[0].surrogate = true;
    columns[1].references = Some((table("members"), "id".to_owned()));
    columns
}

fn object(columns: Vec<Column>, rows: Vec<Vec<Option<String>>>) -> Object {
    let mut sorted: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    sorted.sort();
    let mut hasher = Hasher::new("toy rows");
    sorted.iter().for_each(|row| hasher.field(row));
    Object {
        hash: hasher.finish().to_string(),
        count: u64::try_from(rows.len()).unwrap_or(u64::MAX),
        content: Some(Arc::new(Content { columns, rows })),
    }
}
