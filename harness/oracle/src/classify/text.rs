//! What the masked text of a request says of itself.

use crate::lock_object::names_word;

/// Returns the words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ')
}

/// Returns the first word in upper case.
pub(crate) fn verb(text: &str) -> String {
    words(text).next().unwrap_or_default().to_ascii_uppercase()
}

/// Returns the second word: the key of a Redis command, the name of a call on a file.
pub(super) fn operand(text: &str) -> Option<&str> {
    words(text).nth(1)
}

/// Returns whether the word stands in the text, upper or lower case.
pub(crate) fn has(text: &str, word: &str) -> bool {
    words(text).any(|one| one.eq_ignore_ascii_case(word))
}

/// Returns the key that the request takes for a time, unless it is there: `SET key ? NX PX ?`.
pub(crate) fn lease(text: &str) -> Option<&str> {
    let ends = ["PX", "EX", "PXAT", "EXAT"]
        .iter()
        .any(|word| has(text, word));
    let takes = verb(text) == "SET" && has(text, "NX") && ends;
    operand(text).filter(|_| takes)
}

/// Returns whether the request takes a lock that ends with its session.
pub(crate) fn takes_session_lock(text: &str) -> bool {
    let calls = ["pg_advisory_lock(", "pg_try_advisory_lock("];
    calls.iter().any(|call| says(text, call))
}

/// Returns the first key that a request to Redis names: that of a script stands behind its hash and
/// how many there are.
pub(crate) fn key(text: &str) -> Option<&str> {
    match verb(text).as_str() {
        "EVAL" | "EVALSHA" | "FCALL" => words(text).nth(3),
        "SET" | "SETNX" | "HSET" | "HSETNX" => operand(text),
        _ => None,
    }
}

/// Returns whether the words stand in the text one after the other, upper or lower case.
pub(crate) fn says(text: &str, phrase: &str) -> bool {
    text.to_ascii_lowercase().contains(phrase)
}

/// Commands of Redis that add to what is there.
const RELATIVE: &[&str] = &[
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "DECR",
    "DECRBY",
    "HINCRBY",
    "HINCRBYFLOAT",
    "ZINCRBY",
];

/// Returns whether the request adds to what is there: `balance = balance + ?`.
pub(super) fn is_relative(text: &str) -> bool {
    RELATIVE.contains(&verb(text).as_str()) || own_column(text).is_some()
}

/// Returns the column that an UPDATE computes from itself.
fn own_column(text: &str) -> Option<&str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '"';
    text.match_indices('=').find_map(|(at, _)| {
        let left = text[..at].trim_end();
        let start = left.rfind(|c| !is_name(c)).map_or(0, |place| place + 1);
        let column = &left[start..];
        let mut right = text[at + 1..].trim_start();
        for opening in ["coalesce(", "COALESCE(", "ifnull(", "IFNULL(", "("] {
            right = right.strip_prefix(opening).unwrap_or(right);
        }
        let rest = right.strip_prefix(column)?;
        let is_whole = !rest.starts_with(is_name);
        let rest = rest.trim_start_matches([' ', ',', '?', ')']);
        let computes = rest.starts_with(['+', '-', '*', '|']);
        (!column.is_empty() && is_whole && computes).then_some(column)
    })
}

/// Returns the table that a statement writes.
pub(super) fn table(text: &str) -> Option<&str> {
    let mut words = words(text);
    let name = match words.next()?.to_ascii_uppercase().as_str() {
        "UPDATE" => words.find(|word| !word.eq_ignore_ascii_case("only")),
        "INSERT" | "DELETE" => words.find(|word| {
            let is_noise = |noise: &&str| word.eq_ignore_ascii_case(noise);
            !["into", "from", "ignore", "or"].iter().any(is_noise)
        }),
        _ => None,
    }?;
    let name = name.split('(').next().unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(last.trim_matches(['"', '`'])).filter(|name| !name.is_empty())
}

/// Commands of Redis that add an element, whatever is there.
const ADDING: &[&str] = &["RPUSH", "LPUSH", "XADD"];

/// Returns whether the request adds a row and does nothing about one that is there.
pub(super) fn is_bare_insert(text: &str) -> bool {
    let is_sql = verb(text) == "INSERT"
        && !says(text, "on conflict")
        && !says(text, "insert ignore")
        && !says(text, "on duplicate key")
        && !says(text, "not exists");
    is_sql || ADDING.contains(&verb(text).as_str())
}

/// Names of columns in which the state of a thing stands.
const STATUS: &[&str] = &["status", "state", "phase", "stage"];

/// Returns the column of a status that the request changes without asking what it was.
pub(super) fn unguarded_status(text: &str) -> Option<&'static str> {
    if verb(text) != "UPDATE" {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (sets, guards) = lower.split_once(" where ").unwrap_or((&lower, ""));
    let set = sets.split_once(" set ").map_or("", |(_, set)| set);
    let mut columns = STATUS.iter();
    let found = columns.find(|column| names_word(set, column) && !names_word(guards, column));
    found.copied()
}

/// Returns whether the request takes the next number of a counter.
pub(super) fn takes_number(text: &str) -> bool {
    says(text, "nextval(") || (is_relative(text) && says(text, " returning "))
}

/// Returns whether the request ends a transaction with its changes kept.
pub(super) fn commits(text: &str) -> bool {
    matches!(verb(text).trim_end_matches(';'), "COMMIT" | "END")
}

/// Returns whether the request begins a transaction.
pub(super) fn begins(text: &str) -> bool {
    verb(text).trim_end_matches(';') == "BEGIN" || says(text, "start transaction")
}

/// Returns whether the request ends a transaction, either way.
pub(super) fn ends_transaction(text: &str) -> bool {
    commits(text) || verb(text).trim_end_matches(';') == "ROLLBACK"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_updates() {
        for (text, expect) in [
            ("UPDATE m SET balance = balance + ? WHERE id = ?", true),
            ("UPDATE m SET a = ?, b=b-? WHERE id = ?", true),
            ("UPDATE m SET n = COALESCE(n, ?) + ?", true),
            ("UPDATE m SET balance = balance_before + ?", false),
            ("UPDATE m SET balance = ? WHERE id = id", false),
            ("UPDATE m SET balance = ?", false),
            ("INCRBY k ?", true),
            ("SET k ?", false),
        ] {
            assert_eq!(is_relative(text), expect, "{text}");
        }
    }

    #[test]
    fn tables() {
        for (text, expect) in [
            ("UPDATE public.members SET a = ?", Some("members")),
            ("INSERT INTO \"ledger\" (a) VALUES (?)", Some("ledger")),
            ("INSERT INTO ledger(a) VALUES (?)", Some("ledger")),
            ("DELETE FROM runs", Some("runs")),
            ("SELECT ? FROM runs", None),
            ("UPDATE", None),
        ] {
            assert_eq!(table(text), expect, "{text}");
        }
    }

    #[test]
    fn guards_of_a_status() {
        for (text, expect) in [
            ("UPDATE o SET status = ? WHERE id = ?", Some("status")),
            ("UPDATE o SET status = ? WHERE id = ? AND status = ?", None),
            ("UPDATE o SET paid = ? WHERE status = ?", None),
            ("UPDATE o SET status = ?", Some("status")),
        ] {
            assert_eq!(unguarded_status(text), expect, "{text}");
        }
    }
}
