//! Footprints: which objects of a service a request reads and writes, as far as its text tells.
//!
//! Objects are tables, keys, paths. Rows are not told apart, for a record keeps no values.
//!
//! [`of`] reads one request alone. What a trigger or a foreign key touches besides is not seen, nor
//! what a commit shows, so it aims and excuses nothing. [`session`] reads the requests of a trial
//! in their order beside the schema: by that, two requests may be called independent.

mod file;
mod http;
mod mail;
mod redis;
mod schema;
pub mod session;
mod sql;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::{Reply, Request, ServiceName};

/// How a request touches an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Looks at it.
    Read,
    /// Changes it, or locks it.
    Write,
}

/// What a request touches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Footprint {
    /// Anything, as far as anybody can tell: it conflicts with all.
    Unknown,
    /// These objects, each in this way.
    Known(BTreeSet<(ServiceName, String, Access)>),
}

impl Footprint {
    /// Returns the footprint of what touches no service.
    pub fn nothing() -> Self {
        Footprint::Known(BTreeSet::new())
    }

    /// Adds what another request touches.
    pub fn join(&mut self, other: Self) {
        match (self, other) {
            (Footprint::Known(own), Footprint::Known(others)) => own.extend(others),
            (own, _) => *own = Footprint::Unknown,
        }
    }

    /// Returns whether the order of two requests of different instances may make a difference.
    pub fn conflicts(&self, other: &Self) -> bool {
        let (Footprint::Known(own), Footprint::Known(others)) = (self, other) else {
            return true;
        };
        own.iter().any(|(service, object, access)| {
            let writes = |also: &Access| *access == Access::Write || *also == Access::Write;
            others.iter().any(|(other_service, other_object, also)| {
                (service, object) == (other_service, other_object) && writes(also)
            })
        })
    }

    /// Returns the objects touched in this way, where they are known.
    pub fn objects(&self, wanted: Access) -> BTreeSet<(&ServiceName, &str)> {
        let known = match self {
            Footprint::Unknown => None,
            Footprint::Known(touched) => Some(touched),
        };
        let touched = known.into_iter().flatten();
        touched
            .filter(|(_, _, access)| *access == wanted)
            .map(|(service, object, _)| (service, object.as_str()))
            .collect()
    }
}

/// The objects that a request touches; `None` where nobody can tell.
type Touched = Option<Vec<(String, Access)>>;

/// Reads the requests of one kind of service.
struct Reader {
    kind: &'static str,
    /// The longest text that is read, in bytes. The codecs cut not far above: a longer one may say
    /// too little.
    text_bytes_max: usize,
    read: fn(&str, &Reply) -> Touched,
}

const fn reader(
    kind: &'static str,
    text_bytes_max: usize,
    read: fn(&str, &Reply) -> Touched,
) -> Reader {
    Reader {
        kind,
        text_bytes_max,
        read,
    }
}

/// The kinds of services whose requests can be read. Add yours here.
const READERS: &[Reader] = &[
    reader("postgres", 4000, sql::read),
    reader("redis", 480, redis::read),
    reader("files", 480, file::read),
    reader("smtp", 480, mail::read),
    reader("http", 480, http::read),
];

/// Returns what the request touches; `kinds` names the kind of each service.
pub fn of(kinds: &BTreeMap<ServiceName, String>, request: &Request, reply: &Reply) -> Footprint {
    let service = &request.signature.service;
    let kind = kinds.get(service);
    let text = &request.signature.text;
    let mut readers = READERS.iter();
    let reader = readers.find(|reader| kind.is_some_and(|kind| kind == reader.kind));
    let touched = reader
        .filter(|reader| text.len() <= reader.text_bytes_max)
        .and_then(|reader| (reader.read)(text, reply));
    match touched {
        None => Footprint::Unknown,
        Some(touched) => {
            let touched = touched.into_iter();
            Footprint::Known(
                touched
                    .map(|(object, access)| (service.clone(), object, access))
                    .collect(),
            )
        }
    }
}

/// Returns the longest text that is read of this kind of service, in bytes.
fn text_bytes_max(kind: &str) -> usize {
    let mut readers = READERS.iter();
    let reader = readers.find(|reader| reader.kind == kind);
    reader.map_or(0, |reader| reader.text_bytes_max)
}

/// Returns how a request touches what it names, by what its reply says of it.
fn access_of(reply: &Reply) -> Access {
    if reply.writes {
        Access::Write
    } else {
        Access::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use twiceproof_model::{InstanceId, LinkId, Outcome, RequestId, Signature};

    pub(super) fn reply(writes: bool) -> Reply {
        Reply {
            outcome: Outcome::Ok,
            tags: Vec::new(),
            writes,
            frees_locks: false,
        }
    }

    /// Checks what the request touches, as `r object, w object`, or `unknown`.
    #[track_caller]
    pub(super) fn check(read: fn(&str, &Reply) -> Touched, text: &str, writes: bool, expect: &str) {
        let found = match read(text, &reply(writes)) {
            None => "unknown".to_owned(),
            Some(touched) => {
                let words: BTreeSet<String> = touched
                    .into_iter()
                    .map(|(object, access)| match access {
                        Access::Read => format!("r {object}"),
                        Access::Write => format!("w {object}"),
                    })
                    .collect();
                words.into_iter().collect::<Vec<_>>().join(", ")
            }
        };
        assert_eq!(found, expect, "{text}");
    }

    fn footprints() -> impl Strategy<Value = Footprint> {
        let access = prop_oneof![Just(Access::Read), Just(Access::Write)];
        let service = prop_oneof![Just("pg"), Just("redis")].prop_map(ServiceName::from);
        let touched = (service, "[a-c]", access);
        prop_oneof![
            1 => Just(Footprint::Unknown),
            6 => proptest::collection::btree_set(touched, 0..4).prop_map(Footprint::Known),
        ]
    }

    proptest! {
        #[test]
        fn conflict_has_no_direction(one in footprints(), other in footprints()) {
            prop_assert_eq!(one.conflicts(&other), other.conflicts(&one));
        }

        #[test]
        fn unknown_conflicts_with_all(other in footprints()) {
            prop_assert!(Footprint::Unknown.conflicts(&other));
        }

        #[test]
        fn only_what_both_touch_and_one_writes_conflicts(
            one in footprints(),
            other in footprints(),
        ) {
            let (Footprint::Known(_), Footprint::Known(_)) = (&one, &other) else {
                return Ok(());
            };
            let meets = |a: &Footprint, b: &Footprint| {
                let written = a.objects(Access::Write);
                let read = b.objects(Access::Read);
                let also = b.objects(Access::Write);
                written.iter().any(|object| read.contains(object) || also.contains(object))
            };
            let expect = meets(&one, &other) || meets(&other, &one);
            prop_assert_eq!(one.conflicts(&other), expect);
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,60}", writes: bool) {
            for reader in READERS {
                (reader.read)(&text, &reply(writes));
            }
        }
    }

    pub(super) fn request(service: &str, text: &str) -> Request {
        let instance = InstanceId::new(1).expect("1 is in bounds");
        Request {
            id: RequestId {
                instance,
                ordinal: 1,
            },
            link: LinkId {
                instance,
                service: service.into(),
                ordinal: 1,
            },
            signature: Signature {
                service: service.into(),
                text: text.to_owned(),
                nth: 1,
            },
        }
    }

    #[test]
    fn a_service_of_another_kind_and_a_long_text_are_unknown() {
        let request = request("db", "SELECT a FROM t");
        let kinds = |kind: &str| BTreeMap::from([("db".into(), kind.to_owned())]);
        let of_kind = |kind: &str| of(&kinds(kind), &request, &reply(false));
        let table = ("db".into(), "t".to_owned(), Access::Read);
        assert_eq!(of_kind("postgres"), Footprint::Known([table].into()));
        assert_eq!(of_kind("tcp"), Footprint::Unknown);
        let nobody = BTreeMap::new();
        assert_eq!(of(&nobody, &request, &reply(false)), Footprint::Unknown);
        let mut long = request.clone();
        long.signature.text = format!("SELECT {}a FROM t", "a, ".repeat(1500));
        let found = of(&kinds("postgres"), &long, &reply(false));
        assert_eq!(found, Footprint::Unknown);
    }
}
