//! Records survive being stored.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use twiceproof_model::digest::Digest;
use twiceproof_model::event::{LinkEnd, Part, Peer};
use twiceproof_model::record::{Drive, Output, Timings};
use twiceproof_model::snapshot::{Object, ObjectName};
use twiceproof_model::*;

fn instances() -> impl Strategy<Value = InstanceId> {
    (1..=32_u8).prop_map(|number| InstanceId::new(number).unwrap())
}

fn request_ids() -> impl Strategy<Value = RequestId> {
    (instances(), any::<u32>()).prop_map(|(instance, ordinal)| RequestId { instance, ordinal })
}

fn links() -> impl Strategy<Value = LinkId> {
    (instances(), "[a-z]{1,5}", any::<u32>()).prop_map(|(instance, service, ordinal)| LinkId {
        instance,
        service: service.as_str().into(),
        ordinal,
    })
}

fn requests() -> impl Strategy<Value = Request> {
    (request_ids(), links(), any::<String>(), any::<u32>()).prop_map(|(id, link, text, nth)| {
        let service = link.service.clone();
        Request {
            id,
            link,
            signature: Signature { service, text, nth },
        }
    })
}

fn replies() -> impl Strategy<Value = Reply> {
    let outcomes = prop_oneof![
        Just(Outcome::Ok),
        any::<String>().prop_map(Outcome::Error),
        Just(Outcome::Unknown)
    ];
    let tags =
        (any::<String>(), any::<Option<u64>>()).prop_map(|(command, rows)| Tag { command, rows });
    let tags = prop::collection::vec(tags, 0..3);
    (outcomes, tags, any::<bool>(), any::<bool>()).prop_map(
        |(outcome, tags, writes, frees_locks)| Reply {
            outcome,
            tags,
            writes,
            frees_locks,
        },
    )
}

fn exits() -> impl Strategy<Value = Exit> {
    prop_oneof![
        any::<i32>().prop_map(Exit::Code),
        any::<i32>().prop_map(Exit::Signal)
    ]
}

fn faults() -> impl Strategy<Value = Fault> {
    let keys = prop::collection::btree_map("[a-z]{1,6}s", ".{0,9}", 0..3);
    let who = prop_oneof![
        instances().prop_map(Who::Instance),
        Just(Who::Any),
        ".{0,9}".prop_map(|name| Who::Service(name.as_str().into())),
    ];
    let link = prop::option::of("[a-z]{1,9}");
    let lasts = prop::option::of((1..100_000_u64).prop_map(Duration::from_millis));
    ("[a-z-]{1,9}", who, link, lasts, keys).prop_map(|(kind, who, link, lasts, keys)| Fault {
        kind,
        who,
        link: link.map(|link| link.as_str().into()),
        lasts,
        keys,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        instances().prop_map(Step::Start),
        request_ids().prop_map(Step::Release),
        request_ids().prop_map(Step::Forward),
        request_ids().prop_map(Step::Deliver),
        request_ids().prop_map(Step::DropReply),
        instances().prop_map(Step::Wake),
        instances().prop_map(Step::Kill),
        instances().prop_map(Step::Pause),
        instances().prop_map(Step::Resume),
        faults().prop_map(Step::Inject),
        faults().prop_map(Step::Heal),
    ]
}

fn link_events() -> impl Strategy<Value = Event> {
    let text = any::<String>;
    let peers = prop_oneof![Just(Peer::Instance), Just(Peer::Service)];
    let ends = prop_oneof![Just(LinkEnd::Fin), Just(LinkEnd::Reset)];
    prop_oneof![
        links().prop_map(Event::Opened),
        (links(), peers, ends).prop_map(|(link, by, how)| Event::Closed { link, by, how }),
        requests().prop_map(Event::Held),
        request_ids().prop_map(Event::Forwarded),
        (request_ids(), replies()).prop_map(|(request, reply)| Event::Answered { request, reply }),
        request_ids().prop_map(Event::Delivered),
        request_ids().prop_map(Event::ReplyDropped),
        (links(), text()).prop_map(|(link, text)| Event::Pushed { link, text }),
        (links(), text()).prop_map(|(link, reason)| Event::Opaque { link, reason }),
    ]
}

fn instance_events() -> impl Strategy<Value = Event> {
    let several = || prop::collection::vec(instances(), 0..3);
    prop_oneof![
        any::<u8>().prop_map(|nth| Event::Begun(Part::Recovery(nth))),
        Just(Event::Begun(Part::Main)),
        steps().prop_map(Event::Taken),
        instances().prop_map(Event::Started),
        (instances(), several()).prop_map(|(instance, by)| Event::Blocked { instance, by }),
        instances().prop_map(Event::Unblocked),
        several().prop_map(Event::WaitCycle),
        instances().prop_map(Event::Asleep),
        instances().prop_map(Event::Polling),
        (instances(), exits()).prop_map(|(instance, exit)| Event::Exited { instance, exit }),
        instances().prop_map(Event::TimedOut),
        ("[a-z]{1,5}", exits()).prop_map(|(service, exit)| Event::ServiceDied {
            service: service.as_str().into(),
            exit,
        }),
    ]
}

fn snapshots() -> impl Strategy<Value = Snapshot> {
    // Content is not part of a record: it is stored on its own, by hash.
    let objects = (any::<String>(), any::<u64>()).prop_map(|(hash, count)| Object {
        hash,
        count,
        content: None,
    });
    let names = ("[a-z]{1,5}", any::<String>())
        .prop_map(|(service, object)| ObjectName::new(&service.as_str().into(), &object));
    prop::collection::btree_map(names, objects, 0..4).prop_map(|objects| Snapshot { objects })
}

fn doubts() -> impl Strategy<Value = Doubt> {
    any::<String>().prop_flat_map(|text| {
        prop::sample::select(vec![
            Doubt::FaultWithoutEffect(text.clone()),
            Doubt::OpaqueLink(text.clone()),
            Doubt::BestEffort(text.clone()),
            Doubt::ServiceDied(text.clone()),
            Doubt::CutShort(text.clone()),
            Doubt::Unanswered(text.clone()),
            Doubt::Bound(text),
        ])
    })
}

fn answers() -> impl Strategy<Value = Answer> {
    let cells = prop::collection::vec(any::<Option<String>>(), 0..3);
    let rows = prop::collection::vec(cells, 0..3);
    let error = any::<Option<String>>();
    (any::<Vec<String>>(), rows, any::<u64>(), error).prop_map(|(columns, rows, count, error)| {
        Answer {
            columns,
            rows,
            count,
            error,
        }
    })
}

fn changes() -> impl Strategy<Value = CellChange> {
    let cells = any::<(String, String, Option<String>, Option<String>)>();
    cells.prop_map(|(row, column, from, to)| CellChange {
        object: ObjectName::new(&"pg".into(), &column),
        row,
        column,
        from,
        to,
    })
}

fn records() -> impl Strategy<Value = TrialRecord> {
    let events = (any::<u64>(), prop_oneof![link_events(), instance_events()])
        .prop_map(|(at_us, event)| Stamped { at_us, event });
    let drives = prop_oneof![Just(Drive::Steps), Just(Drive::Free), Just(Drive::Pump)];
    let outputs = (any::<String>(), any::<String>(), any::<u64>())
        .prop_map(|(head, tail, bytes)| Output { head, tail, bytes });
    let divergence = (any::<u32>(), any::<String>(), any::<Vec<String>>()).prop_map(
        |(line, wanted, offered)| Divergence {
            line,
            wanted,
            offered,
        },
    );
    let main = (
        prop::collection::vec(events, 0..12),
        drives,
        prop::collection::btree_map(instances(), exits(), 0..3),
        prop::collection::btree_map(instances(), outputs, 0..3),
    );
    let ends = (
        prop::collection::vec(exits(), 0..3),
        prop::option::of(snapshots()),
        prop::option::of(snapshots()),
        snapshots(),
        prop::option::of(divergence),
        prop::collection::vec(doubts(), 0..3),
        prop::collection::btree_map(any::<String>(), answers(), 0..2),
        prop::collection::vec(changes(), 0..2),
    );
    (any::<(u32, u64, String)>(), main, ends).prop_map(|(head, main, ends)| {
        let (trace, drive, exits, outputs): (_, _, BTreeMap<_, _>, _) = main;
        TrialRecord {
            trial: head.0,
            stage: head.2.clone(),
            seed: head.1,
            instances: 2,
            drive,
            schedule: head.2,
            fingerprint: event::fingerprint(&trace),
            trace,
            exits,
            recoveries: ends.0,
            before_recovery: ends.1,
            after_first_recovery: ends.2,
            snapshot: ends.3,
            divergence: ends.4,
            doubts: ends.5,
            answers: ends.6,
            changes: ends.7,
            outputs,
            timings: Timings {
                steps_us: head.1,
                ..Timings::default()
            },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_survives_json(record in records()) {
        let text = serde_json::to_vec(&record).unwrap();
        let read: TrialRecord = serde_json::from_slice(&text).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(event::fingerprint(&read.trace), read.fingerprint);
    }

    #[test]
    fn digests_read_back(bytes in any::<Vec<u8>>()) {
        let digest = Digest::of(&bytes);
        prop_assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
    }

    #[test]
    fn no_text_is_too_much_for_a_digest(text in any::<String>()) {
        let _ = Digest::try_from(text);
    }
}
