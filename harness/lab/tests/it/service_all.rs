//! What every kind of service promises.

use crate::service_kit::{Fixture, Wanted, hashes, run};
use std::collections::BTreeSet;
use twiceproof_lab::service::{SERVICES, ServiceStream};
use twiceproof_model::scenario::SQL_KINDS;

#[test]
fn kinds_have_names_docs_and_a_page() {
    let mut names = BTreeSet::new();
    for service in SERVICES {
        let kind = service.kind();
        assert!(names.insert(kind.name), "{} is there twice", kind.name);
        assert!(kind.doc.ends_with('.'), "{}", kind.name);
        assert!(
            kind.keys.iter().all(|key| key.doc.ends_with('.')),
            "{}",
            kind.name
        );
        assert_eq!(
            kind.port.is_some(),
            service.protocol().is_some(),
            "{}",
            kind.name
        );
        if let Some(protocol) = service.protocol() {
            assert!(
                twiceproof_wire::registry::find(protocol).is_some(),
                "{protocol}"
            );
        }
    }
}

#[test]
fn a_service_is_usable_and_comes_back_to_its_seed() {
    for service in SERVICES {
        let kind = service.kind();
        run(async {
            let options: Vec<(&str, &str)> = kind
                .keys
                .iter()
                .filter(|key| key.required)
                .map(|key| (key.name, "/shared"))
                .collect();
            let wanted = Wanted {
                kind: kind.name,
                options: &options,
                ..Wanted::default()
            };
            let mut fixture = Fixture::start(wanted).await.unwrap();
            assert!(!fixture.service.version().is_empty());
            let first = hashes(&fixture.capture().await);
            assert_eq!(hashes(&fixture.capture().await), first, "{}", kind.name);
            match (kind.port, fixture.service.dial().await) {
                (Some(_), Ok(ServiceStream::Tcp(_) | ServiceStream::Unix(_))) | (None, Err(_)) => {}
                (port, other) => panic!("{} at {port:?}: {other:?}", kind.name),
            }
            for _ in 0..2 {
                fixture.service.reset().await.unwrap();
                assert_eq!(hashes(&fixture.capture().await), first, "{}", kind.name);
            }
            assert!(
                fixture.service.blocked(&[1, 2]).await.unwrap().is_empty(),
                "{}",
                kind.name
            );
            let answer = fixture.service.ask("select 1").await.unwrap();
            let speaks_sql = SQL_KINDS.contains(&kind.name);
            assert_eq!(answer.error.is_none(), speaks_sql, "{}", kind.name);
            // It lives: nothing to report by itself.
            let died = tokio::time::timeout(std::time::Duration::ZERO, fixture.service.died());
            assert!(died.await.is_err(), "{}", kind.name);
        });
    }
}
