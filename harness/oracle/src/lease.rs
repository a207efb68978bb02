//! Leases: what a clean run has until it gives it back or somebody else ends it: a key with a time
//! to live, and a lock that ends with its session.

use crate::baseline::CleanRequest;
use crate::classify::text;
use crate::glob;
use crate::lock_object::names_word;
use twiceproof_model::target::LockSpec;
use twiceproof_model::{LinkId, Request, ServiceName};

/// Commands that may give a key back.
const GIVE_BACK: &[&str] = &["DEL", "UNLINK", "GETDEL", "EVAL", "EVALSHA", "FCALL"];

/// What a session lock is called, as its key does not show in a signature.
pub const ADVISORY: &str = "advisory";

/// What the clean run has over a part of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The service that keeps it.
    pub service: ServiceName,
    /// The key; [`ADVISORY`] for a lock of a session.
    pub key: String,
    /// The link whose session has it; `None`: it ends by its time.
    pub session: Option<LinkId>,
    /// Ordinal of the request that takes it.
    pub taken: u32,
    /// Ordinal of the request that gives it back; `None`: none does.
    pub freed: Option<u32>,
}

impl Lease {
    /// Returns whether the request is made while the run has it, and can reach its service when the
    /// run has it no more: what goes over the session that has the lock ends with it.
    pub fn covers(&self, request: &Request) -> bool {
        let ordinal = request.id.ordinal;
        let within = self.taken < ordinal && self.freed.is_none_or(|freed| ordinal <= freed);
        within && self.session.as_ref() != Some(&request.link)
    }
}

/// Returns the leases of a clean run, in the order in which they are taken.
///
/// A lock of a session ends with it, given back or not. A key with a time to live that nobody
/// gives back may as well keep duplicates out: it is a lease only where the target declares it.
pub(crate) fn of(requests: &[CleanRequest], locks: &[LockSpec]) -> Vec<Lease> {
    let taken = requests.iter().enumerate().filter_map(|(place, clean)| {
        let signature = &clean.request.signature;
        let (service, text) = (&signature.service, signature.text.as_str());
        let mut declared = locks.iter().filter(|lock| lock.service == *service);
        let declared = declared
            .find(|lock| !lock.acquire.is_empty() && glob::matches_prefix(&lock.acquire, text));
        let is_session = text::takes_session_lock(text);
        let own = is_session.then_some(ADVISORY).or_else(|| text::lease(text));
        let key = own.or_else(|| text::key(text).filter(|_| declared.is_some()))?;
        let behind = requests[place + 1..].iter();
        // Taken again, it was given back before.
        let on_service = behind.filter(|later| later.request.signature.service == *service);
        let until_next = on_service.take_while(|later| later.request.signature.text != text);
        let gives_back = |later: &&CleanRequest| {
            let later = later.request.signature.text.as_str();
            let as_declared = declared.is_some_and(|lock| {
                !lock.release.is_empty() && glob::matches_prefix(&lock.release, later)
            });
            if is_session {
                return as_declared || text::says(later, "advisory_unlock");
            }
            as_declared || GIVE_BACK.contains(&text::verb(later).as_str()) && names_word(later, key)
        };
        let freed = until_next.filter(gives_back).last();
        let freed = freed.map(|later| later.request.id.ordinal);
        (freed.is_some() || declared.is_some() || is_session).then(|| Lease {
            service: service.clone(),
            key: key.to_owned(),
            session: is_session.then(|| clean.request.link.clone()),
            taken: clean.request.id.ordinal,
            freed,
        })
    });
    taken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use twiceproof_model::{InstanceId, Reply, RequestId, Signature};

    fn requests(texts: &[&str]) -> Vec<CleanRequest> {
        let instance = InstanceId::first(1).next().unwrap();
        let service = ServiceName::from("redis");
        let clean = texts.iter().zip(1..).map(|(text, ordinal)| CleanRequest {
            request: Request {
                id: RequestId { instance, ordinal },
                link: LinkId {
                    instance,
                    service: service.clone(),
                    ordinal: 1,
                },
                signature: Signature {
                    service: service.clone(),
                    text: (*text).to_owned(),
                    nth: 1,
                },
            },
            reply: Reply::unknown(),
        });
        clean.collect()
    }

    fn lock(acquire: &str, release: &str) -> LockSpec {
        LockSpec {
            name: "points".to_owned(),
            service: "redis".into(),
            acquire: acquire.to_owned(),
            release: release.to_owned(),
        }
    }

    #[track_caller]
    fn check(texts: &[&str], locks: &[LockSpec], expect: &[(&str, u32, Option<u32>)]) {
        let leases = of(&requests(texts), locks);
        let seen: Vec<_> = (leases.iter())
            .map(|lease| (lease.key.as_str(), lease.taken, lease.freed))
            .collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn leases_are_taken_and_given_back() {
        let take = "SET lock:points ? NX PX ?";
        let free = "EVALSHA a5260dd6 1 lock:points ?";
        check(&[take, "GET a", free], &[], &[("lock:points", 1, Some(3))]);
        check(
            &[take, free, "GET a", free],
            &[],
            &[("lock:points", 1, Some(4))],
        );
        check(
            &[take, "DEL lock:points", take, "SET a ?", "DEL lock:points"],
            &[],
            &[("lock:points", 1, Some(2)), ("lock:points", 3, Some(5))],
        );
        check(&["SET a ? NX", "DEL a"], &[], &[]);
        check(&["SET a ? EX ?", "DEL a"], &[], &[]);
    }

    #[test]
    fn a_key_that_nobody_gives_back_must_be_declared() {
        let take = "SET sent:4711 ? NX EX ?";
        check(&[take, "GET a"], &[], &[]);
        let declared = lock("SET sent:* NX", "");
        check(&[take, "GET a"], &[declared], &[("sent:4711", 1, None)]);
        let scripts = [
            "EVALSHA 11 1 lock ?",
            "GET a",
            "EVALSHA 22 1 lock ?",
            "GET b",
        ];
        check(&scripts, &[], &[]);
        let declared = lock("EVALSHA 11", "EVALSHA 22");
        check(&scripts, &[declared], &[("lock", 1, Some(3))]);
    }

    /// Returns the ordinals that the first lease covers.
    fn covered(requests: &[CleanRequest]) -> Vec<u32> {
        let lease = &of(requests, &[])[0];
        let covered = requests.iter().filter(|clean| lease.covers(&clean.request));
        covered.map(|clean| clean.request.id.ordinal).collect()
    }

    #[test]
    fn a_lease_covers_what_lies_between() {
        let requests = requests(&["SET l ? NX PX ?", "GET a", "DEL l", "GET b"]);
        assert_eq!(covered(&requests), [2, 3]);
    }

    #[test]
    fn a_session_covers_what_goes_over_other_links() {
        let texts = [
            "SELECT pg_try_advisory_lock(?)",
            "UPDATE a",
            "UPDATE b",
            "COMMIT",
        ];
        let mut requests = requests(&texts);
        assert_eq!(covered(&requests), [0u32; 0]);
        requests[2].request.link.ordinal = 2;
        assert_eq!(covered(&requests), [3]);
        check(&["SELECT pg_advisory_xact_lock(?)", "COMMIT"], &[], &[]);
    }
}
