//! SQL to what it may do to others, told from its tokens alone.
//!
//! The bias is to call a statement a write that is none: this costs trials, the other error costs
//! findings. What the tokens cannot show stays unseen all the same: an operator, a view or a type
//! whose own function writes, and the function that a cursor calls in a later FETCH.

use super::names;
use super::{Kind, Token, Tokens};
use std::ops::BitOr;

/// What an SQL text may do to other sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// It may change what others see.
    pub writes: bool,
    /// It may take locks that end with the transaction.
    pub locks: bool,
    /// It may free locks, whether or not a transaction ends with it.
    pub frees_locks: bool,
}

impl Effect {
    /// Nothing that others notice.
    pub const NONE: Self = Self {
        writes: false,
        locks: false,
        frees_locks: false,
    };
    /// Anything.
    pub const UNKNOWN: Self = Self {
        writes: true,
        locks: true,
        frees_locks: true,
    };
    const WRITE: Self = Self {
        writes: true,
        locks: true,
        frees_locks: false,
    };
    const LOCK: Self = Self {
        writes: false,
        locks: true,
        frees_locks: false,
    };
    const FREE: Self = Self {
        writes: false,
        locks: false,
        frees_locks: true,
    };
    const COMMIT: Self = Self {
        writes: true,
        locks: false,
        frees_locks: true,
    };

    /// Returns what all statements of the text together may do.
    pub fn of(sql: &str) -> Self {
        let tokens: Vec<Token<'_>> = Tokens::new(sql).collect();
        let statements = tokens.split(|token| token.is_symbol(";"));
        statements.map(of_statement).fold(Self::NONE, Self::bitor)
    }
}

impl BitOr for Effect {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            writes: self.writes | other.writes,
            locks: self.locks | other.locks,
            frees_locks: self.frees_locks | other.frees_locks,
        }
    }
}

fn of_statement(tokens: &[Token<'_>]) -> Effect {
    let mut words = tokens.iter().skip_while(|token| token.is_symbol("("));
    let Some(head) = words.next() else {
        return Effect::NONE;
    };
    let has = |word: &str| tokens.iter().any(|token| token.is(word));
    match head.text.to_ascii_uppercase().as_str() {
        "SELECT" | "VALUES" | "TABLE" | "WITH" | "DECLARE" => of_query(tokens),
        "BEGIN" | "CLOSE" | "DEALLOCATE" | "FETCH" | "LISTEN" | "MOVE" | "RELEASE" | "RESET"
        | "SAVEPOINT" | "SET" | "SHOW" | "START" | "UNLISTEN" => Effect::NONE,
        "COMMIT" | "END" => Effect::COMMIT,
        "ROLLBACK" | "ABORT" | "DISCARD" => Effect::FREE,
        "LOCK" => Effect::LOCK,
        "PREPARE" if has("TRANSACTION") => Effect::COMMIT,
        "PREPARE" => Effect::NONE,
        "EXPLAIN" if has("ANALYZE") || has("ANALYSE") => Effect::UNKNOWN,
        "EXPLAIN" => Effect::NONE,
        "COPY" if has("TO") && has("STDOUT") => of_query(tokens),
        "CALL" | "DO" | "EXECUTE" => Effect::UNKNOWN,
        _ => Effect::WRITE | of_functions(tokens),
    }
}

/// Returns the effect of a statement that only reads, unless something in it says otherwise.
fn of_query(tokens: &[Token<'_>]) -> Effect {
    let mut effect = of_functions(tokens);
    for (at, token) in tokens.iter().enumerate() {
        let follows = |word: &str| at > 0 && tokens[at - 1].is(word);
        let is_lock = follows("FOR") || follows("KEY");
        if ["UPDATE", "SHARE"].iter().any(|word| token.is(word)) && is_lock {
            effect = effect | Effect::LOCK;
        } else if WRITING_WORDS.iter().any(|word| token.is(word)) {
            effect = effect | Effect::WRITE;
        }
    }
    effect
}

/// Returns what the functions that the statement names may do.
fn of_functions(tokens: &[Token<'_>]) -> Effect {
    let names = tokens
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1].is_symbol("("))
        .filter(|(_, pair)| matches!(pair[0].kind, Kind::Word | Kind::Quoted));
    names
        .map(|(at, _)| of_name(tokens, at))
        .fold(Effect::NONE, Effect::bitor)
}

/// Returns what the name at this place, which a bracket follows, may do if it is a function's.
fn of_name(tokens: &[Token<'_>], at: usize) -> Effect {
    let mut start = at;
    while start >= 2 && tokens[start - 1].is_symbol(".") {
        start -= 2;
    }
    let before = start.checked_sub(1).map(|before| &tokens[before]);
    if before.is_some_and(|token| token.is_symbol(":") || is_before_other_name(token)) {
        return Effect::NONE;
    }
    let name = match tokens[at].kind {
        Kind::Quoted => tokens[at].text.trim_matches('"').to_owned(),
        _ => tokens[at].text.to_ascii_lowercase(),
    };
    let is_known_schema = start == at || (start + 2 == at && tokens[start].is("pg_catalog"));
    let is_known = |list: &str| is_known_schema && names::has(list, &name);
    let is_keyword = tokens[at].kind == Kind::Word && start == at;
    let is_syntax = is_keyword && names::has(names::SYNTAX, &name);
    if is_syntax || is_known(names::PURE) || is_known(names::SESSION_LOCKS) {
        Effect::NONE
    } else if is_known(names::TRANSACTION_LOCKS) {
        Effect::LOCK
    } else if is_known(names::UNLOCKS) {
        Effect::FREE
    } else if is_known(names::WRITES) {
        Effect::WRITE
    } else {
        Effect::UNKNOWN
    }
}

/// Returns whether the name that follows is a type's, an alias or a table's, and so no function's.
fn is_before_other_name(token: &Token<'_>) -> bool {
    ["AS", "COPY", "EXISTS", "INTO", "TABLE"]
        .iter()
        .any(|word| token.is(word))
}

/// Words that make a query write wherever they stand.
const WRITING_WORDS: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "INTO"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the effect, given as letters: `w`rites, `l`ocks, `f`rees locks.
    #[track_caller]
    fn check(sql: &str, expect: &str) {
        let effect = Effect::of(sql);
        let letters = [
            (effect.writes, 'w'),
            (effect.locks, 'l'),
            (effect.frees_locks, 'f'),
        ];
        let found: String = letters
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, l)| l)
            .collect();
        assert_eq!(found, expect, "{sql}");
    }

    #[test]
    fn reads() {
        check("", "");
        check("SELECT 1", "");
        check("(SELECT 1) UNION (VALUES (2))", "");
        check(
            "select count(*), coalesce(max(a), 0) from t where b in (1, 2)",
            "",
        );
        check(
            "SELECT a FROM t WHERE EXISTS (SELECT 1) AND (b = ANY ($1))",
            "",
        );
        check("SELECT a::numeric(10, 2), CAST(a AS varchar(3)) FROM t", "");
        check("SELECT pg_catalog.set_config('search_path', '', false)", "");
        check("SELECT \"count\"(*) FROM t", "");
        check("SELECT 'f(x)' -- g(y)", "");
        check("WITH a AS (SELECT 1) SELECT * FROM a", "");
        check("SHOW search_path", "");
        check("SET x = 1; BEGIN; SAVEPOINT a", "");
        check("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "");
        check("FETCH FORWARD 10 FROM c", "");
        check("DECLARE c CURSOR FOR SELECT * FROM t", "");
        check("COPY s.t (a, b) TO STDOUT", "");
        check("COPY t TO STDOUT", "");
        check("COPY (SELECT a FROM t) TO STDOUT", "");
        check("EXPLAIN SELECT f()", "");
        check("PREPARE p AS UPDATE t SET a = 1", "");
        check("SELECT pg_try_advisory_lock(1)", "");
    }

    #[test]
    fn writes() {
        check(
            "INSERT INTO s.t (a, b) VALUES (1, 2) ON CONFLICT (a) DO NOTHING",
            "wl",
        );
        check("UPDATE t SET a = lower(b)", "wl");
        check("UPDATE t SET a = f(b)", "wlf");
        check("SELECT nextval('s')", "wl");
        check("SELECT f(1)", "wlf");
        check("SELECT public.count(1)", "wlf");
        check("SELECT \"Count\"(1)", "wlf");
        check("SELECT a INTO b FROM t", "wl");
        check(
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            "wl",
        );
        check("COPY t FROM STDIN", "wl");
        check("EXPLAIN ANALYZE DELETE FROM t", "wlf");
        check("NOTIFY c, 'x'", "wl");
        check("CREATE TABLE IF NOT EXISTS t (a int)", "wl");
        check("DO $$ begin commit; end $$", "wlf");
        check("EXECUTE p(1)", "wlf");
        check("nonsense", "wl");
    }

    #[test]
    fn locks() {
        check("SELECT a FROM t FOR UPDATE", "l");
        check("SELECT a FROM t FOR NO KEY UPDATE SKIP LOCKED", "l");
        check("SELECT a FROM t FOR KEY SHARE", "l");
        check("LOCK TABLE t IN EXCLUSIVE MODE", "l");
        check("SELECT pg_advisory_xact_lock(1)", "l");
        check("SELECT pg_advisory_unlock(1)", "f");
        check("COMMIT", "wf");
        check("ROLLBACK", "f");
        check("ROLLBACK TO SAVEPOINT a", "f");
        check("BEGIN; UPDATE t SET a = 1; COMMIT", "wlf");
    }
}
