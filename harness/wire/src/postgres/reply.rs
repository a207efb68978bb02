//! What replies say.

use super::framing::take_string;
use super::open::Open;
use crate::sql::{Effect, cut, printable};
use twiceproof_model::{Outcome, Reply, Tag};

/// Longest command of a tag, in bytes.
const COMMAND_BYTES_MAX: usize = 64;

/// Commands whose tag tells of a write, whatever their SQL looked like.
const WRITING_COMMANDS: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE"];

/// Where the session stands between requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// In no transaction.
    Idle,
    /// In a transaction.
    Transaction,
    /// In a transaction that failed.
    Failed,
}

impl Status {
    /// Reads the byte of a ReadyForQuery.
    pub(super) fn read(body: &[u8]) -> Self {
        match body.first() {
            Some(b'T') => Self::Transaction,
            Some(b'E') => Self::Failed,
            _ => Self::Idle,
        }
    }
}

/// Returns the reply of a request that ended with a response, within or without a transaction.
pub(super) fn of_responses(open: Open) -> Reply {
    let effect = open.effect;
    let frees_locks = effect.frees_locks || open.error.is_some();
    build(open, effect.writes, frees_locks)
}

/// Returns the reply of a request that ended with a ReadyForQuery, which changed the session's
/// status as given. The effect is that of requests since the last ReadyForQuery, whose statements
/// end their transaction here too.
pub(super) fn of_ready(open: Open, effect: Effect, before: Status, after: Status) -> Reply {
    let is_autocommit = before == Status::Idle && after == Status::Idle;
    let ends_transaction = before != Status::Idle && after == Status::Idle;
    let all = open.effect | if is_autocommit { effect } else { Effect::NONE };
    // COMMIT of a failed transaction completes as ROLLBACK.
    let is_undone = !open.tags.is_empty() && open.tags.iter().all(|tag| tag.command == "ROLLBACK");
    let frees_locks = all.frees_locks
        || open.error.is_some()
        || ends_transaction
        || (is_autocommit && (all.writes || all.locks));
    build(open, all.writes && !is_undone, frees_locks)
}

fn build(open: Open, writes: bool, frees_locks: bool) -> Reply {
    let has_writing_tag = open.tags.iter().any(|tag| {
        WRITING_COMMANDS.contains(&tag.command.as_str())
            || (open.is_copy_in && tag.command == "COPY")
    });
    Reply {
        outcome: open.error.map_or(Outcome::Ok, Outcome::Error),
        tags: open.tags,
        writes: writes || has_writing_tag,
        frees_locks,
    }
}

/// Reads the body of a CommandComplete: `INSERT 0 5`, `UPDATE 3`, `CREATE TABLE`.
pub(super) fn read_tag(mut body: &[u8]) -> Tag {
    let text = String::from_utf8_lossy(take_string(&mut body)).into_owned();
    let (command, rows) = match text.rsplit_once(' ') {
        Some((command, rows)) => match rows.parse() {
            Ok(rows) => (command, Some(rows)),
            Err(_) => (text.as_str(), None),
        },
        None => (text.as_str(), None),
    };
    // INSERT's first number is the object id of old times.
    let command = command.strip_suffix(" 0").unwrap_or(command);
    let mut command: String = command.chars().map(printable).collect();
    cut(&mut command, COMMAND_BYTES_MAX);
    Tag { command, rows }
}

/// An ErrorResponse, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    /// Its SQLSTATE.
    pub(super) code: String,
    /// Whether the service closes the connection after it.
    pub(super) is_fatal: bool,
}

/// Reads the start of the body of an ErrorResponse: severity and code come before any text.
pub(super) fn read_error(mut body: &[u8]) -> ServiceError {
    let mut code = "XX000".to_owned();
    let mut is_fatal = false;
    while let Some((&field, rest)) = body.split_first() {
        body = rest;
        let value = take_string(&mut body);
        let is_code = value.len() == 5 && value.iter().all(u8::is_ascii_alphanumeric);
        match field {
            b'S' | b'V' => is_fatal |= value == b"FATAL" || value == b"PANIC",
            b'C' if is_code => code = String::from_utf8_lossy(value).into_owned(),
            b'C' => {}
            _ => break,
        }
    }
    ServiceError { code, is_fatal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        #[track_caller]
        fn check(body: &str, command: &str, rows: Option<u64>) {
            let tag = read_tag(body.as_bytes());
            assert_eq!((tag.command.as_str(), tag.rows), (command, rows));
        }
        check("INSERT 0 5\0", "INSERT", Some(5));
        check("UPDATE 3\0", "UPDATE", Some(3));
        check("CREATE TABLE\0", "CREATE TABLE", None);
        check("BEGIN\0", "BEGIN", None);
        check(
            "SELECT 18446744073709551616\0",
            "SELECT 18446744073709551616",
            None,
        );
        check("A\u{1b}[2J", "A\u{fffd}[2J", None);
    }

    #[test]
    fn errors() {
        #[track_caller]
        fn check(body: &[u8], code: &str, is_fatal: bool) {
            let error = read_error(body);
            assert_eq!((error.code.as_str(), error.is_fatal), (code, is_fatal));
        }
        check(b"SERROR\0VERROR\0C23505\0Mno\0\0", "23505", false);
        check(b"SFATAAL\0VFATAL\0C57P01\0Mno\0\0", "57P01", true);
        check(b"SERROR\0Chunter2\0", "XX000", false);
        check(b"", "XX000", false);
    }
}
