//! Errors that a service can give at a write, one of each class: what the search forges.

use crate::strategy::Plan;
use twiceproof_model::Outcome;
use twiceproof_oracle::CleanRequest;

/// Most errors that are forged at one write.
const ERRORS_MAX: usize = 3;

/// Returns the errors that the service of this request could answer it with, one a class.
pub(crate) fn at(plan: &Plan, write: &CleanRequest) -> Vec<&'static str> {
    let signature = &write.request.signature;
    let kind = plan.kinds.get(&signature.service).map(String::as_str);
    if matches!(write.reply.outcome, Outcome::Error(_)) {
        return Vec::new();
    }
    let mut errors = match kind {
        Some("postgres") => postgres(&signature.text, isolation(plan, write)),
        Some("redis") => vec!["LOADING", "READONLY"],
        Some("http") => vec!["503", "429"],
        Some("smtp") => vec!["421"],
        _ => Vec::new(),
    };
    errors.truncate(ERRORS_MAX);
    errors
}

/// The isolation levels of PostgreSQL that differ in the errors they give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isolation {
    /// Nobody fails for what others wrote.
    Committed,
    /// Who writes what others wrote since fails.
    Repeatable,
    /// COMMIT can fail too.
    Serializable,
}

/// Returns the errors of a statement: a transaction rolled back for the sake of others, a machine
/// without room, an operator who cancels. COMMIT waits for nobody and takes no room of its own.
fn postgres(text: &str, isolation: Isolation) -> Vec<&'static str> {
    let rolled_back = match isolation {
        Isolation::Committed => "40P01",
        Isolation::Repeatable | Isolation::Serializable => "40001",
    };
    let controls = ["COMMIT", "END", "ROLLBACK", "ABORT"];
    let words = text.split(';').map(|statement| {
        let word = statement.trim_start().split(' ').next();
        word.unwrap_or_default().to_ascii_uppercase()
    });
    let words: Vec<String> = words.collect();
    let ends = words.iter().any(|word| controls.contains(&word.as_str()));
    let begins = words[0] == "BEGIN" || words[0] == "START";
    match words[0].as_str() {
        // Where its middle would leave the session, nobody can say.
        _ if words.len() > 1 && ends && !begins => Vec::new(),
        "COMMIT" | "END" if isolation == Isolation::Serializable => vec!["40001"],
        "COMMIT" | "END" | "ROLLBACK" | "ABORT" => Vec::new(),
        _ => vec![rolled_back, "53100", "57014"],
    }
}

/// Returns the isolation level of the request's transaction, as the requests before it on its link
/// set it.
fn isolation(plan: &Plan, write: &CleanRequest) -> Isolation {
    let before = plan.requests.iter().filter(|clean| {
        let request = &clean.request;
        request.link == write.request.link && request.id.ordinal <= write.request.id.ordinal
    });
    level(before.map(|clean| clean.request.signature.text.as_str()))
}

/// Returns the level that a session of these requests has at their end.
fn level<'a>(texts: impl Iterator<Item = &'a str>) -> Isolation {
    let (mut session, mut now) = (Isolation::Committed, Isolation::Committed);
    for text in texts {
        let text = text.to_ascii_uppercase();
        let named = match () {
            () if text.contains("SERIALIZABLE") => Some(Isolation::Serializable),
            () if text.contains("REPEATABLE READ") => Some(Isolation::Repeatable),
            () if text.contains("READ COMMITTED") => Some(Isolation::Committed),
            () => None,
        };
        let begins = text.starts_with("BEGIN") || text.starts_with("START TRANSACTION");
        if text.starts_with("SET SESSION CHARACTERISTICS") {
            session = named.unwrap_or(session);
            now = session;
        } else if begins {
            now = named.unwrap_or(session);
        } else if text.starts_with("SET TRANSACTION") {
            now = named.unwrap_or(now);
        }
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        #[track_caller]
        fn check(texts: &[&str], expect: Isolation) {
            assert_eq!(level(texts.iter().copied()), expect, "{texts:?}");
        }
        check(&["BEGIN", "UPDATE t"], Isolation::Committed);
        check(
            &["BEGIN ISOLATION LEVEL SERIALIZABLE", "UPDATE t"],
            Isolation::Serializable,
        );
        check(
            &["begin isolation level repeatable read", "UPDATE t"],
            Isolation::Repeatable,
        );
        check(
            &["BEGIN ISOLATION LEVEL SERIALIZABLE", "COMMIT", "BEGIN"],
            Isolation::Committed,
        );
        check(
            &["BEGIN", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
            Isolation::Serializable,
        );
        let session = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ";
        check(&[session, "BEGIN", "UPDATE t"], Isolation::Repeatable);
    }

    #[test]
    fn only_what_the_server_could_say() {
        #[track_caller]
        fn check(text: &str, isolation: Isolation, expect: &[&str]) {
            assert_eq!(postgres(text, isolation), expect, "{text}");
        }
        check(
            "UPDATE t SET a = ?",
            Isolation::Committed,
            &["40P01", "53100", "57014"],
        );
        check(
            "UPDATE t SET a = ?",
            Isolation::Repeatable,
            &["40001", "53100", "57014"],
        );
        check("COMMIT", Isolation::Committed, &[]);
        check("COMMIT", Isolation::Repeatable, &[]);
        check("COMMIT", Isolation::Serializable, &["40001"]);
        check("ROLLBACK", Isolation::Serializable, &[]);
        check("UPDATE t SET a = ?; COMMIT", Isolation::Committed, &[]);
        check(
            "BEGIN; UPDATE t SET a = ?; COMMIT",
            Isolation::Committed,
            &["40P01", "53100", "57014"],
        );
    }
}
