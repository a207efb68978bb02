//! What the statements of one PostgreSQL session touch, in their order. Under READ COMMITTED a
//! change takes its locks at the statement, and others see it when its transaction commits.

use super::schema::{Relations, Schema};
use super::sql::{self, ADVISORY};
use super::{Access, Touched};
use sqlparser::ast::Statement;
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::Reply;

/// Words of statements that ask for another isolation, where statements see what is committed
/// before the first of them, and a commit may fail by what others read.
const ISOLATION: &[&str] = &["isolation", "serializable", "repeatable"];

/// One session, as far as the texts of its statements tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// Whether a transaction is open.
    is_open: bool,
    /// Tables that it changed: others see that when it commits.
    written: BTreeSet<String>,
    /// Locks that it holds, and whether each is shared, which is a read.
    locked: BTreeMap<String, Access>,
    /// Whether the session may hold an advisory lock.
    is_locker: bool,
    /// Whether what is open may be more than is known, up to its end.
    is_lost: bool,
    /// Whether nothing is known for as long as the session lives.
    is_isolated: bool,
}

impl Session {
    /// Returns what a request touches, all in all; `None` where nobody can tell.
    pub(super) fn request(
        &mut self,
        schema: Option<&Schema>,
        text: &str,
        reply: &Reply,
    ) -> Touched {
        let lower = text.to_lowercase();
        self.is_isolated |= ISOLATION.iter().any(|word| lower.contains(word));
        if self.is_isolated {
            return None;
        }
        let Some(statements) = sql::parse(text) else {
            self.lose();
            return None;
        };
        let mut touched = Some(Vec::new());
        for statement in &statements {
            let own = self.statement(schema, statement, reply);
            touched = touched.zip(own).map(|(mut all, own)| {
                all.extend(own);
                all
            });
        }
        touched
    }

    /// Notes that a request of the session could not be read.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// Returns what the end of the session touches: what was not committed is gone, and every lock
    /// is free.
    pub(super) fn close(&mut self) -> Touched {
        if self.is_lost || self.is_isolated {
            return None;
        }
        self.written.clear();
        let mut touched = self.end();
        if self.is_locker {
            touched.push((ADVISORY.to_owned(), Access::Write));
        }
        Some(touched)
    }

    fn statement(
        &mut self,
        schema: Option<&Schema>,
        statement: &Statement,
        reply: &Reply,
    ) -> Touched {
        let chain = match statement {
            Statement::StartTransaction { .. } => {
                self.is_open = true;
                return Some(Vec::new());
            }
            Statement::Rollback {
                savepoint: Some(_), ..
            } if !self.is_lost => {
                let locked = self.locked.clone();
                return Some(locked.into_iter().collect());
            }
            Statement::Commit { chain, .. } => *chain,
            Statement::Rollback { chain, .. } => {
                self.written.clear();
                *chain
            }
            other => {
                let touched = self.change(schema, other, reply);
                if touched.is_none() {
                    self.lose();
                }
                return touched;
            }
        };
        let touched = self.end();
        self.is_open = chain;
        (!std::mem::take(&mut self.is_lost)).then_some(touched)
    }

    /// Ends the transaction: what it changed is seen, what it locked is free.
    fn end(&mut self) -> Vec<(String, Access)> {
        self.is_open = false;
        let written = std::mem::take(&mut self.written).into_iter();
        let locked = std::mem::take(&mut self.locked);
        let written = written.map(|table| (table, Access::Write));
        written.chain(locked).collect()
    }

    fn change(&mut self, schema: Option<&Schema>, statement: &Statement, reply: &Reply) -> Touched {
        let mut named = Vec::new();
        sql::of_statement(statement, reply, &mut named)?;
        let mut touched = Vec::new();
        for (name, access) in named {
            if name == ADVISORY {
                self.is_locker = true;
                self.lock(&mut touched, name, Access::Write);
                continue;
            }
            let relations = schema?.table(&name)?;
            let is_changed = access == Access::Write && !matches!(statement, Statement::Query(_));
            if access == Access::Write {
                self.lock(&mut touched, locks_of(&name), Access::Write);
            }
            if !is_changed {
                touched.push((name, Access::Read));
                continue;
            }
            for other in looked_at(relations, statement)? {
                touched.push((other.clone(), Access::Read));
                self.lock(&mut touched, locks_of(other), Access::Read);
            }
            if self.is_open {
                touched.push((name.clone(), Access::Read));
                self.written.insert(name);
            } else {
                touched.push((name, Access::Write));
            }
        }
        Some(touched)
    }

    fn lock(&mut self, touched: &mut Vec<(String, Access)>, lock: String, access: Access) {
        if self.is_open {
            let held = self.locked.entry(lock.clone()).or_insert(access);
            *held = access.max(*held);
        }
        touched.push((lock, access));
    }
}

/// Returns the object that the locks on a table's rows are.
fn locks_of(table: &str) -> String {
    format!("{table} (locks)")
}

/// Returns the tables that keys make a change look at; `None` where nobody can tell.
fn looked_at<'r>(relations: &'r Relations, statement: &Statement) -> Option<Vec<&'r String>> {
    // An insert updates where it conflicts, if it says so.
    let only_adds = matches!(statement, Statement::Insert(insert) if insert.on.is_none());
    if relations.acts && !only_adds {
        return None;
    }
    let children = relations.children.iter().filter(|_| !only_adds);
    Some(relations.parents.iter().chain(children).collect())
}

#[cfg(test)]
mod tests {
    use super::super::schema::tests::schema;
    use super::super::tests::reply;
    use super::*;

    /// Checks what each request of one session touches, its end last: `r a, w a (locks)`.
    #[track_caller]
    fn check(requests: &[&str], expect: &[&str]) {
        let schema = schema(&[
            "table|public.a|owner app",
            "table|public.b|owner app",
            "table|public.p|owner app",
            "constraint|public.b.k|FOREIGN KEY (p) REFERENCES public.p(id)",
        ]);
        let mut session = Session::default();
        let mut found: Vec<String> = Vec::new();
        let words = |touched: Touched| match touched {
            None => "unknown".to_owned(),
            Some(touched) => {
                let words: BTreeSet<String> = (touched.into_iter())
                    .map(|(object, access)| match access {
                        Access::Read => format!("r {object}"),
                        Access::Write => format!("w {object}"),
                    })
                    .collect();
                words.into_iter().collect::<Vec<_>>().join(", ")
            }
        };
        for text in requests {
            let writes = !text.starts_with("SELECT a");
            found.push(words(session.request(
                schema.as_ref(),
                text,
                &reply(writes),
            )));
        }
        found.push(words(session.close()));
        assert_eq!(found, expect, "{requests:?}");
    }

    #[test]
    fn a_change_outside_of_a_transaction_is_seen_at_once() {
        check(&["UPDATE a SET n = ?"], &["w a, w a (locks)", ""]);
        check(&["SELECT a FROM a"], &["r a", ""]);
        check(
            &["INSERT INTO b (p) VALUES (?)"],
            &["r p, r p (locks), w b, w b (locks)", ""],
        );
        check(
            &["DELETE FROM p WHERE id = ?"],
            &["r b, r b (locks), w p, w p (locks)", ""],
        );
    }

    #[test]
    fn a_transaction_locks_at_once_and_shows_its_changes_at_its_end() {
        check(
            &[
                "BEGIN",
                "UPDATE a SET n = ?",
                "SELECT a FROM b",
                "COMMIT",
                "SELECT a FROM a",
            ],
            &["", "r a, w a (locks)", "r b", "w a, w a (locks)", "r a", ""],
        );
        check(
            &["BEGIN; UPDATE a SET n = ?", "ROLLBACK"],
            &["r a, w a (locks)", "w a (locks)", ""],
        );
        check(
            &["BEGIN", "SELECT a FROM a FOR UPDATE"],
            &["", "r a, w a (locks)", "w a (locks)"],
        );
        check(
            &["BEGIN", "UPDATE a SET n = ?", "ROLLBACK TO SAVEPOINT s"],
            &["", "r a, w a (locks)", "w a (locks)", "w a (locks)"],
        );
    }

    #[test]
    fn what_a_part_of_a_change_locks_counts_as_changed() {
        check(
            &["UPDATE a SET n = ? WHERE id = (SELECT id FROM p LIMIT ? FOR UPDATE SKIP LOCKED)"],
            &["r b, r b (locks), w a, w a (locks), w p, w p (locks)", ""],
        );
    }

    #[test]
    fn an_advisory_lock_may_live_as_long_as_its_session() {
        check(
            &["SELECT pg_advisory_lock(?)"],
            &["w (advisory locks)", "w (advisory locks)"],
        );
        check(
            &["BEGIN", "SELECT pg_advisory_xact_lock(?)", "COMMIT"],
            &[
                "",
                "w (advisory locks)",
                "w (advisory locks)",
                "w (advisory locks)",
            ],
        );
    }

    #[test]
    fn what_cannot_be_read_makes_the_end_of_its_transaction_unknown() {
        check(
            &[
                "BEGIN",
                "SELECT pay(?)",
                "COMMIT",
                "SELECT a FROM a",
                "COMMIT",
            ],
            &["", "unknown", "unknown", "r a", "", ""],
        );
        check(&["nonsense", "COMMIT"], &["unknown", "unknown", ""]);
        check(&["UPDATE other SET n = ?"], &["unknown", "unknown"]);
        check(&["SELECT a FROM pg_locks"], &["unknown", "unknown"]);
    }

    #[test]
    fn another_isolation_makes_the_session_unknown() {
        check(
            &[
                "SELECT a FROM a",
                "BEGIN ISOLATION LEVEL REPEATABLE READ",
                "COMMIT",
                "SELECT a FROM a",
            ],
            &["r a", "unknown", "unknown", "unknown", "unknown"],
        );
    }

    #[test]
    fn without_a_schema_only_sessions_are_known() {
        let mut session = Session::default();
        let mut known = |text| session.request(None, text, &reply(false)).is_some();
        assert!(known("BEGIN"));
        assert!(known("SET search_path = ?"));
        assert!(!known("SELECT a FROM a"));
        assert!(!known("COMMIT"));
    }
}
