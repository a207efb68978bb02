//! Fingerprints of traces: what changes them, and what does not. Names and versions.

use twiceproof_model::event::{Part, fingerprint};
use twiceproof_model::*;

fn job(number: u8) -> InstanceId {
    InstanceId::new(number).unwrap()
}

/// One request of an instance, from its arrival to its delivered reply.
fn operation(number: u8, ordinal: u32, text: &str, rows: u64, link: u32) -> Vec<Event> {
    let id = RequestId {
        instance: job(number),
        ordinal,
    };
    let link = LinkId {
        instance: job(number),
        service: "pg".into(),
        ordinal: link,
    };
    let signature = Signature {
        service: "pg".into(),
        text: text.into(),
        nth: 1,
    };
    let reply = Reply {
        outcome: Outcome::Ok,
        tags: vec![Tag {
            command: "UPDATE".into(),
            rows: Some(rows),
        }],
        writes: true,
        frees_locks: false,
    };
    vec![
        Event::Held(Request {
            id,
            link,
            signature,
        }),
        Event::Taken(Step::Release(id)),
        Event::Forwarded(id),
        Event::Answered { request: id, reply },
        Event::Delivered(id),
    ]
}

fn trace(operations: &[Vec<Event>], at_us: u64) -> Trace {
    let starts = [Event::Begun(Part::Main), Event::Taken(Step::Start(job(1)))];
    let exited = Event::Exited {
        instance: job(1),
        exit: Exit::Code(0),
    };
    let events = starts
        .into_iter()
        .chain(operations.concat())
        .chain([exited]);
    events
        .enumerate()
        .map(|(index, event)| Stamped {
            at_us: at_us * index as u64,
            event,
        })
        .collect()
}

#[test]
fn a_fingerprint_tells_runs_apart() {
    let first = operation(1, 1, "UPDATE a", 1, 1);
    let second = operation(2, 1, "UPDATE b", 1, 1);
    let third = operation(1, 2, "UPDATE c", 1, 1);
    let base = fingerprint(&trace(&[first.clone(), second.clone(), third.clone()], 10));
    let others = [
        (
            "a swapped pair",
            vec![second.clone(), first.clone(), third.clone()],
        ),
        (
            "another tag",
            vec![
                first.clone(),
                operation(2, 1, "UPDATE b", 0, 1),
                third.clone(),
            ],
        ),
        (
            "another text",
            vec![
                first.clone(),
                operation(2, 1, "UPDATE x", 1, 1),
                third.clone(),
            ],
        ),
        ("a dropped request", vec![first.clone(), third.clone()]),
        ("a lost last request", vec![first.clone(), second.clone()]),
    ];
    let mut seen = vec![("the base", base)];
    for (name, operations) in others {
        let other = fingerprint(&trace(&operations, 10));
        for (before, digest) in &seen {
            assert_ne!(other, *digest, "{name} and {before}");
        }
        seen.push((name, other));
    }
    let slower = fingerprint(&trace(&[first.clone(), second.clone(), third.clone()], 999));
    assert_eq!(slower, base, "times do not count");
    let links = [
        operation(1, 1, "UPDATE a", 1, 7),
        second.clone(),
        third.clone(),
    ];
    assert_eq!(fingerprint(&trace(&links, 10)), base, "links do not count");
    // One commit answers its own instance and the one that waited for it, in either order.
    let mut waiter = second;
    let answer = waiter.remove(3);
    let (mut before, mut behind) = (first.clone(), first);
    before.insert(3, answer.clone());
    behind.insert(4, answer);
    let before = fingerprint(&trace(&[waiter.clone(), before], 10));
    let behind = fingerprint(&trace(&[waiter, behind], 10));
    assert_eq!(
        before, behind,
        "what two are told after one step has no order"
    );
}

#[test]
fn a_fingerprint_ends_with_the_main_part() {
    let main = trace(&[operation(1, 1, "UPDATE a", 1, 1)], 1);
    let mut with_recovery = main.clone();
    let events = [
        Event::Begun(Part::Recovery(1)),
        Event::Taken(Step::Start(job(1))),
    ];
    with_recovery.extend(events.map(|event| Stamped { at_us: 1, event }));
    assert_eq!(fingerprint(&with_recovery), fingerprint(&main));
    let mut other_exit = main.clone();
    other_exit.last_mut().unwrap().event = Event::Exited {
        instance: job(1),
        exit: Exit::Signal(9),
    };
    assert_ne!(fingerprint(&other_exit), fingerprint(&main));
}

#[test]
fn instances_have_names() {
    let cases = [
        ("job#1", Some(1)),
        ("job#32", Some(32)),
        ("job#0", None),
        ("job#33", None),
        ("job#01", None),
        ("job#", None),
        ("job#+1", None),
        ("job#256", None),
        ("Job#1", None),
        ("job#1 ", None),
        ("", None),
    ];
    for (text, expect) in cases {
        let instance = text.parse::<InstanceId>().ok();
        assert_eq!(instance.map(InstanceId::number), expect, "{text:?}");
        if let Some(instance) = instance {
            assert_eq!(instance.to_string(), text);
            assert_eq!(instance.index(), usize::from(instance.number()) - 1);
        }
    }
    assert_eq!(
        InstanceId::first(3)
            .map(InstanceId::number)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(InstanceId::first(99).count(), 32);
}

#[test]
fn formats_have_their_own_first_lines() {
    use twiceproof_model::version::*;
    let formats = [SCHEDULE, TRIAL, CONTENT, BASELINE, RUN];
    for (index, format) in formats.iter().enumerate() {
        assert!(
            format.starts_with("twiceproof ") && format.ends_with(" 1"),
            "{format}"
        );
        assert!(!formats[..index].contains(format), "{format} stands twice");
    }
}

#[test]
fn digests_are_known() {
    use twiceproof_model::digest::{Digest, Hasher};
    // The first halves of the well-known SHA-256 values.
    let cases: [(&[u8], &str); 2] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb924"),
        (b"a", "ca978112ca1bbdcafac231b39a23dc4d"),
    ];
    for (bytes, expect) in cases {
        assert_eq!(Digest::of(bytes).to_string(), expect);
        assert_eq!(Digest::of(bytes).short(), expect[..8]);
    }
    let fields = |fields: &[&str]| {
        let mut hasher = Hasher::new("test");
        fields.iter().for_each(|field| hasher.field(field));
        hasher.finish()
    };
    assert_ne!(
        fields(&["ab", "c"]),
        fields(&["a", "bc"]),
        "fields do not run together"
    );
    assert_ne!(fields(&["a"]), fields(&["a", ""]));
    for text in ["", "0", &"g".repeat(32), &"ä".repeat(16), &"0".repeat(33)] {
        assert!(Digest::try_from(text.to_owned()).is_err(), "{text}");
    }
}
