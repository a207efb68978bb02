//! The steps of a trial as rows that a person can follow.

use std::collections::BTreeMap;
use twiceproof_model::event::{Exit, Part, Stamped};
use twiceproof_model::record::Drive;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{Event, InstanceId, Request, RequestId, ServiceName, Step, TrialRecord};

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A request, with its step number.
    Request,
    /// A fault, with its own number.
    Fault,
    /// Something that was observed between steps.
    Note,
    /// Rows left out.
    Gap,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it shows.
    pub kind: RowKind,
    /// `7`, `F1`, or nothing.
    pub number: String,
    /// Whose column it stands in; `None`: everybody's.
    pub instance: Option<InstanceId>,
    /// The service asked, for requests.
    pub service: Option<ServiceName>,
    /// Hostile: the request's text, or what happened. Not escaped yet.
    pub text: String,
    /// Hostile: the reply's summary. Not escaped yet.
    pub reply: String,
    /// Whether rows are known to have changed.
    pub writes: bool,
    /// Whether a finding points at it.
    pub matters: bool,
    /// Places of its events in the trace.
    pub events: Vec<usize>,
}

impl Row {
    fn note(instance: Option<InstanceId>, text: impl Into<String>, event: usize) -> Self {
        Self {
            kind: RowKind::Note,
            number: String::new(),
            instance,
            service: None,
            text: text.into(),
            reply: String::new(),
            writes: false,
            matters: false,
            events: vec![event],
        }
    }

    fn request(request: &Request, event: usize) -> Self {
        Self {
            kind: RowKind::Request,
            service: Some(request.signature.service.clone()),
            ..Self::note(Some(request.id.instance), &request.signature.text, event)
        }
    }
}

/// The rows of a trial and the numbers above them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The main part.
    pub main: Vec<Row>,
    /// Requests of the calm runs, to tell who wrote what.
    pub recovery: Vec<Row>,
    /// How many numbered steps.
    pub steps: u64,
    /// How many faults.
    pub faults: u64,
}

/// Returns the rows of a trial; those whose events are among `telling` are marked.
pub fn rows(record: &TrialRecord, telling: &[u32]) -> Rows {
    let mut reader = Reader {
        free: record.drive != Drive::Steps,
        ..Reader::default()
    };
    for (index, stamped) in record.trace.iter().enumerate() {
        reader.event(index, stamped);
    }
    let mut rows = reader.rows;
    for row in rows.main.iter_mut().chain(&mut rows.recovery) {
        let told = |event: &usize| telling.iter().any(|place| *place as usize == *event);
        row.matters = row.events.iter().any(told);
    }
    rows
}

#[derive(Default)]
struct Reader {
    free: bool,
    calm: bool,
    rows: Rows,
    requests: BTreeMap<RequestId, (Request, usize)>,
    /// The row that shows a request's reply, within the part now read.
    open: BTreeMap<RequestId, usize>,
}

impl Reader {
    fn part(&mut self) -> &mut Vec<Row> {
        if self.calm {
            &mut self.rows.recovery
        } else {
            &mut self.rows.main
        }
    }

    fn push_step(&mut self, mut row: Row) {
        if !self.calm {
            self.rows.steps += 1;
            row.number = self.rows.steps.to_string();
        }
        self.part().push(row);
    }

    fn push_fault(&mut self, instance: Option<InstanceId>, text: String, index: usize) {
        self.rows.faults += 1;
        let number = format!("F{}", self.rows.faults);
        let row = Row {
            kind: RowKind::Fault,
            number,
            ..Row::note(instance, text, index)
        };
        self.part().push(row);
    }

    fn event(&mut self, index: usize, stamped: &Stamped) {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => {
                self.calm = true;
                self.open.clear();
                self.requests.clear();
            }
            Event::Held(request) => {
                self.requests.insert(request.id, (request.clone(), index));
                if self.free || self.calm {
                    self.push_step(Row::request(request, index));
                    let place = self.part().len() - 1;
                    self.open.insert(request.id, place);
                }
            }
            Event::Taken(step) => self.step(index, step),
            Event::Answered { request, reply } => {
                if let Some(place) = self.open.get(request).copied() {
                    let row = &mut self.part()[place];
                    row.reply = reply.summary();
                    row.writes = reply.is_effective_write();
                    row.events.push(index);
                }
            }
            Event::Forwarded(request) | Event::Delivered(request) => {
                if let Some(place) = self.open.get(request).copied() {
                    self.part()[place].events.push(index);
                }
            }
            _ if self.calm => {}
            other => self.observe(index, other),
        }
    }

    fn step(&mut self, index: usize, step: &Step) {
        if let Step::Inject(fault) | Step::Heal(fault) = step {
            let text = match step {
                Step::Heal(_) => format!("heals {}", fault.kind),
                _ => fault.to_string(),
            };
            return self.push_fault(fault.instance(), text, index);
        }
        let Some(instance) = step.instance() else {
            return;
        };
        match step {
            Step::Release(id) | Step::Forward(id) => {
                let Some((request, held)) = self.requests.get(id).cloned() else {
                    return;
                };
                let mut row = Row::request(&request, held);
                row.events.push(index);
                self.push_step(row);
                let place = self.part().len() - 1;
                self.open.insert(*id, place);
                if matches!(step, Step::Forward(_)) {
                    let text = "its reply is held";
                    self.part().push(Row::note(Some(instance), text, index));
                }
            }
            Step::Deliver(_) => {
                let row = Row::note(Some(instance), "the held reply is delivered", index);
                self.part().push(row);
            }
            Step::DropReply(id) => {
                let text = match self.requests.get(id) {
                    Some((request, _)) => format!("reply lost: {}", request.signature.text),
                    None => "reply lost".to_owned(),
                };
                self.push_fault(Some(instance), text, index);
            }
            Step::Wake(_) => {
                self.part()
                    .push(Row::note(Some(instance), "sleeps to its end", index))
            }
            Step::Start(_) => self.part().push(Row::note(Some(instance), "starts", index)),
            Step::Kill(_) => self.push_fault(Some(instance), "killed".to_owned(), index),
            Step::Pause(_) => self.push_fault(Some(instance), "paused".to_owned(), index),
            Step::Resume(_) => self.push_fault(Some(instance), "goes on".to_owned(), index),
            Step::Inject(_) | Step::Heal(_) => {}
        }
    }

    fn observe(&mut self, index: usize, event: &Event) {
        let (instance, text) = match event {
            Event::Blocked { instance, by } if by.is_empty() => {
                (Some(*instance), "waits inside the service".to_owned())
            }
            Event::Blocked { instance, by } => (
                Some(*instance),
                format!("waits inside the service for {}", list(by)),
            ),
            Event::WaitCycle(members) => (None, format!("wait for each other: {}", list(members))),
            Event::Polling(instance) => (Some(*instance), "asks again and again".to_owned()),
            Event::Exited { instance, exit } => (Some(*instance), format!("ends: {exit}")),
            Event::TimedOut(instance) => (Some(*instance), "used up its time, killed".to_owned()),
            Event::LeftOver {
                instance,
                processes,
            } => (
                Some(*instance),
                format!("left processes, killed: {}", processes.join(" ")),
            ),
            Event::ServiceDied { service, exit } => (None, format!("{service} died: {exit}")),
            _ => return,
        };
        self.part().push(Row::note(instance, text, index));
    }
}

fn list(instances: &[InstanceId]) -> String {
    let names: Vec<_> = instances.iter().map(InstanceId::to_string).collect();
    names.join(", ")
}

/// Returns what it says of how the calm runs after the trial ended, one line each.
pub fn calm_runs(record: &TrialRecord) -> Vec<String> {
    let runs = record.recoveries.iter().enumerate();
    runs.map(|(index, exit)| format!("calm run {}: {exit}", index + 1))
        .collect()
}

/// Returns the exits that differ from a plain success, in words.
pub fn exits(record: &TrialRecord) -> Vec<String> {
    let odd = record
        .exits
        .iter()
        .filter(|(_, exit)| **exit != Exit::Code(0));
    odd.map(|(instance, exit)| format!("{instance} {exit}"))
        .collect()
}

/// Returns who wrote to the object, as far as the requests' texts tell: `job#1 step 7`.
pub fn writers(rows: &Rows, object: &ObjectName) -> Vec<String> {
    let main = rows
        .main
        .iter()
        .filter(|row| wrote(row, object))
        .filter_map(who);
    let calm = rows.recovery.iter().filter(|row| wrote(row, object));
    let calm = calm.take(1).map(|_| "calm run".to_owned());
    main.chain(calm).collect()
}

/// Returns which steps sent a mail to this address, as far as the requests' texts tell.
pub fn senders(rows: &Rows, object: &ObjectName, address: &str) -> Vec<String> {
    let mut named: BTreeMap<InstanceId, bool> = BTreeMap::new();
    let mut senders = Vec::new();
    let own = |row: &&Row| row.service.as_ref() == Some(&object.service);
    for row in rows.main.iter().filter(own) {
        let Some(instance) = row.instance else {
            continue;
        };
        let is_named = named.entry(instance).or_default();
        *is_named |= row.text.contains(address);
        // The end of a mail's text is the write that belongs to the recipients named before it.
        if row.writes && std::mem::take(is_named) {
            senders.extend(who(row));
        }
    }
    senders
}

fn who(row: &Row) -> Option<String> {
    Some(format!("{} step {}", row.instance?, row.number))
}

/// Returns whether any request to the service was seen.
pub fn is_seen(rows: &Rows, service: &ServiceName) -> bool {
    rows.main
        .iter()
        .chain(&rows.recovery)
        .any(|row| row.service.as_ref() == Some(service))
}

fn wrote(row: &Row, object: &ObjectName) -> bool {
    if !row.writes || row.service.as_ref() != Some(&object.service) {
        return false;
    }
    match &*object.object {
        "(mails)" => true,
        "(schema)" => {
            let word = row
                .text
                .split_whitespace()
                .next()
                .unwrap_or("")
                .to_ascii_uppercase();
            matches!(word.as_str(), "CREATE" | "ALTER" | "DROP" | "TRUNCATE")
        }
        name => {
            let bare = name.rsplit(['.', ':']).next().unwrap_or(name);
            mentions(&row.text, bare)
        }
    }
}

/// Returns whether the text holds the name as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let word = |character: char| !(character.is_alphanumeric() || character == '_');
    text.split(word).any(|part| part.eq_ignore_ascii_case(name))
}
