//! States, baselines and records in a few words.

use std::collections::BTreeMap;
use std::sync::Arc;
use twiceproof_model::digest::Digest;
use twiceproof_model::event::{Part, fingerprint};
use twiceproof_model::record::{Drive, Timings};
use twiceproof_model::scenario::Contract;
use twiceproof_model::snapshot::{Column, Content, Object, ObjectName};
use twiceproof_model::{
    Event, Exit, InstanceId, LinkId, Outcome, Reply, Request, RequestId, Signature, Snapshot,
    Stamped, Tag, Trace, TrialRecord,
};
use twiceproof_oracle::{Baseline, StateRules};

/// Returns the name of an object of the service `pg`.
pub(crate) fn object(name: &str) -> ObjectName {
    ObjectName::new(&"pg".into(), name)
}

/// Returns a table. Columns: `!id` is a key, `~id` a surrogate key, `@at` a time,
/// `parent>ledger.id` a reference. Cells are separated by blanks; `-` is null.
pub(crate) fn table(columns: &str, rows: &[&str]) -> Object {
    let columns: Vec<Column> = columns.split(' ').map(column).collect();
    let rows: Vec<Vec<Option<String>>> = rows
        .iter()
        .map(|row| {
            row.split(' ')
                .map(|cell| (cell != "-").then(|| cell.to_owned()))
                .collect()
        })
        .collect();
    let mut sorted: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    sorted.sort();
    Object {
        hash: Digest::of(sorted.join("\n").as_bytes()).to_string(),
        count: rows.len() as u64,
        content: Some(Arc::new(Content { columns, rows })),
    }
}

fn column(word: &str) -> Column {
    let (name, references) = match word.split_once('>') {
        Some((name, target)) => {
            let (table, column) = target
                .split_once('.')
                .expect("a reference names its column");
            (name, Some((object(table), column.to_owned())))
        }
        None => (word, None),
    };
    let is = |mark: char| name.starts_with(mark);
    Column {
        name: name.trim_start_matches(['!', '~', '@']).to_owned(),
        key: is('!') || is('~'),
        surrogate: is('~'),
        time: is('@'),
        references,
    }
}

/// Returns a state of these objects.
pub(crate) fn state(objects: &[(&str, Object)]) -> Snapshot {
    let objects = objects.iter();
    Snapshot {
        objects: objects
            .map(|(name, rows)| (object(name), rows.clone()))
            .collect(),
    }
}

/// Returns the baseline of this seed and these clean states, before anything is learnt.
pub(crate) fn baseline(seed: &Snapshot, clean: &[&Snapshot], contract: Contract) -> Baseline {
    let records: Vec<TrialRecord> = clean
        .iter()
        .map(|state| record(state, Vec::new()))
        .collect();
    let records: Vec<&TrialRecord> = records.iter().collect();
    Baseline::new(
        seed.clone(),
        &records,
        StateRules::default(),
        Vec::new(),
        contract,
    )
}

/// Returns the nth instance.
pub(crate) fn job(number: u8) -> InstanceId {
    InstanceId::new(number).expect("tests have few instances")
}

/// Returns a reply with one tag.
pub(crate) fn reply(command: &str, rows: Option<u64>, writes: bool) -> Reply {
    Reply {
        outcome: Outcome::Ok,
        tags: vec![Tag {
            command: command.to_owned(),
            rows,
        }],
        writes,
        frees_locks: false,
    }
}

/// Returns the events of one request with its reply.
pub(crate) fn asked(number: u8, ordinal: u32, text: &str, reply: Reply) -> Vec<Event> {
    let id = RequestId {
        instance: job(number),
        ordinal,
    };
    let request = Request {
        id,
        link: LinkId {
            instance: job(number),
            service: "pg".into(),
            ordinal: 1,
        },
        signature: Signature {
            service: "pg".into(),
            text: text.to_owned(),
            nth: 1,
        },
    };
    vec![
        Event::Held(request),
        Event::Forwarded(id),
        Event::Answered { request: id, reply },
    ]
}

/// Returns the record of a trial in which both instances ended with exit code 0.
pub(crate) fn record(state: &Snapshot, events: Vec<Event>) -> TrialRecord {
    let begun = vec![
        Event::Begun(Part::Main),
        Event::Started(job(1)),
        Event::Started(job(2)),
    ];
    let trace: Trace = begun
        .into_iter()
        .chain(events)
        .map(|event| Stamped { at_us: 0, event })
        .collect();
    TrialRecord {
        trial: 1,
        stage: "sample".to_owned(),
        seed: 1,
        instances: 2,
        drive: Drive::Steps,
        schedule: String::new(),
        fingerprint: fingerprint(&trace),
        trace,
        exits: [(job(1), Exit::Code(0)), (job(2), Exit::Code(0))].into(),
        recoveries: Vec::new(),
        before_recovery: None,
        after_first_recovery: None,
        snapshot: state.clone(),
        divergence: None,
        doubts: Vec::new(),
        answers: BTreeMap::new(),
        changes: Vec::new(),
        outputs: BTreeMap::new(),
        timings: Timings::default(),
    }
}
