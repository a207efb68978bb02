//! SQL: a table is an object, and so are all advisory locks together.

use super::{Access, Touched};
use sqlparser::ast::{
    Expr, FromTable, Insert, ObjectName, Query, Statement, TableFactor, TableObject,
    TableWithJoins, Visit, Visitor, visit_expressions, visit_relations,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use twiceproof_model::Reply;

/// The object that advisory locks are.
pub(super) const ADVISORY: &str = "(advisory locks)";

/// What the names of functions on advisory locks begin with.
const ADVISORY_NAMES: &[&str] = &["pg_advisory_", "pg_try_advisory_"];

/// Functions that look at nothing but what they are given, and stand in statements that write.
const PURE: &[&str] = &[
    "abs",
    "avg",
    "coalesce",
    "concat",
    "count",
    "current_date",
    "current_timestamp",
    "date_trunc",
    "gen_random_uuid",
    "greatest",
    "least",
    "length",
    "lower",
    "max",
    "md5",
    "min",
    "now",
    "nullif",
    "round",
    "sum",
    "to_char",
    "trim",
    "upper",
];

/// How deep a statement may nest before it counts as unknown.
const DEPTH_MAX: usize = 50;

pub(super) fn read(text: &str, reply: &Reply) -> Touched {
    let mut touched = Vec::new();
    for statement in &parse(text)? {
        of_statement(statement, reply, &mut touched)?;
    }
    Some(touched)
}

/// Returns the statements of a masked text; `None` where it is none that can be read.
pub(super) fn parse(text: &str) -> Option<Vec<Statement>> {
    let mut parser = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(&literals(text))
        .ok()?;
    parser.parse_statements().ok()
}

/// Returns the text with an empty literal where one was masked.
fn literals(masked: &str) -> String {
    let parts = masked.split('"').enumerate();
    let parts = parts.map(|(place, part)| match place % 2 {
        0 => part.replace('?', "''"),
        // Between double quotes stands a name.
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("\"")
}

/// Adds what the statement touches; `None` where nobody can tell.
pub(super) fn of_statement(
    statement: &Statement,
    reply: &Reply,
    touched: &mut Vec<(String, Access)>,
) -> Option<()> {
    let written = match statement {
        Statement::StartTransaction { .. }
        | Statement::Set(_)
        | Statement::ShowVariable { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. } => return Some(()),
        Statement::Query(_) => Vec::new(),
        Statement::Insert(Insert { table, .. }) => match table {
            TableObject::TableName(name) => vec![name],
            TableObject::TableFunction(_) => return None,
        },
        Statement::Update { table, .. } => vec![table_of(table)?],
        Statement::Delete(delete) => match &delete.from {
            FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables) => {
                tables.iter().map(table_of).collect::<Option<_>>()?
            }
        },
        // A commit shows all that its transaction wrote, DDL changes what others see of a table.
        _ => return None,
    };
    let mut written: BTreeSet<String> = written.into_iter().map(name_of).collect();
    written.extend(locked(statement));
    let calls = calls(statement);
    let locks = calls.iter().any(|name| is_advisory(name));
    let is_odd = |name: &String| !is_advisory(name) && !PURE.contains(&name.as_str());
    // The codec knows the functions of a statement that otherwise only reads.
    let is_known = if matches!(statement, Statement::Query(_)) {
        !reply.writes || locks && !calls.iter().any(is_odd)
    } else {
        !calls.iter().any(is_odd)
    };
    if !is_known {
        return None;
    }
    if locks {
        touched.push((ADVISORY.to_owned(), Access::Write));
    }
    for name in relations(statement) {
        if !written.contains(&name) {
            touched.push((name, Access::Read));
        }
    }
    touched.extend(written.into_iter().map(|name| (name, Access::Write)));
    Some(())
}

/// Returns the tables of whose rows a query in the statement locks some, wherever it stands: all
/// that its FROM names, those of its subqueries too, as there the lock reaches them.
fn locked(statement: &Statement) -> BTreeSet<String> {
    let mut locked = Locked::default();
    let _: ControlFlow<()> = statement.visit(&mut locked);
    locked.0
}

/// Tables whose rows the queries seen so far lock.
#[derive(Default)]
struct Locked(BTreeSet<String>);

impl Visitor for Locked {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if !query.locks.is_empty() {
            self.0.extend(match query.body.as_select() {
                Some(select) => relations(&select.from),
                None => relations(&query.body),
            });
        }
        ControlFlow::Continue(())
    }
}

fn table_of(table: &TableWithJoins) -> Option<&ObjectName> {
    factor(&table.relation)
}

fn factor(factor: &TableFactor) -> Option<&ObjectName> {
    match factor {
        TableFactor::Table { name, .. } => Some(name),
        _ => None,
    }
}

/// Returns every table that a part of a statement names, those of its subqueries too. The name of
/// a common table expression counts as one: it makes the footprint larger, never smaller.
fn relations(part: &impl Visit) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _: ControlFlow<()> = visit_relations(part, |name| {
        names.insert(name_of(name));
        ControlFlow::Continue(())
    });
    names
}

/// Returns the functions that the statement calls, in lower case.
fn calls(statement: &Statement) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions(statement, |expression| {
        if let Expr::Function(function) = expression {
            names.insert(name_of(&function.name));
        }
        ControlFlow::Continue(())
    });
    names
}

fn is_advisory(name: &str) -> bool {
    ADVISORY_NAMES.iter().any(|start| name.starts_with(start))
}

/// Returns the last part of a name. Two schemas with a table of one name are one object: that makes
/// the footprint larger, never smaller.
fn name_of(name: &ObjectName) -> String {
    let last = name.0.last().and_then(|part| part.as_ident());
    last.map_or_else(String::new, |ident| match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::read;

    #[test]
    fn reads() {
        check(
            read,
            "SELECT balance FROM members WHERE id = ?",
            false,
            "r members",
        );
        check(
            read,
            "SELECT count(*) FROM a JOIN s.\"B?\" ON a.x = y",
            false,
            "r B?, r a",
        );
        check(
            read,
            "SELECT ? FROM a WHERE EXISTS (SELECT ? FROM b) LIMIT ?",
            false,
            "r a, r b",
        );
        check(read, "BEGIN", false, "");
        check(read, "SET search_path = ?", false, "");
        check(read, "SELECT ?", false, "");
    }

    #[test]
    fn writes() {
        check(
            read,
            "UPDATE Members SET a = a + ? WHERE id = $1",
            true,
            "w members",
        );
        check(
            read,
            "INSERT INTO runs (day, host) VALUES (?, now())",
            true,
            "w runs",
        );
        check(
            read,
            "INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO NOTHING",
            true,
            "w t",
        );
        check(read, "INSERT INTO t SELECT a FROM s.u", true, "r u, w t");
        check(
            read,
            "DELETE FROM t USING u WHERE t.a = u.a",
            true,
            "r u, w t",
        );
        check(
            read,
            "UPDATE t SET a = (SELECT max(b) FROM u)",
            true,
            "r u, w t",
        );
        check(read, "BEGIN; UPDATE t SET a = ?", true, "w t");
    }

    #[test]
    fn locks() {
        check(read, "SELECT a FROM t WHERE b = ? FOR UPDATE", false, "w t");
        check(
            read,
            "SELECT a FROM t JOIN u ON t.a = u.a FOR UPDATE SKIP LOCKED",
            false,
            "w t, w u",
        );
        for (text, expect) in [
            ("SELECT a FROM (SELECT a FROM t FOR UPDATE) x", "w t"),
            (
                "UPDATE u SET a = ? WHERE b IN (SELECT b FROM t FOR UPDATE SKIP LOCKED)",
                "w t, w u",
            ),
            (
                "WITH q AS (SELECT a FROM t FOR UPDATE) SELECT a FROM q",
                "r q, w t",
            ),
            ("SELECT a FROM (SELECT a FROM t) x FOR UPDATE", "w t"),
            (
                "SELECT a FROM t WHERE b IN (SELECT b FROM u) FOR UPDATE",
                "r u, w t",
            ),
        ] {
            check(read, text, text.starts_with("UPDATE"), expect);
        }
        check(
            read,
            "SELECT pg_advisory_lock(?)",
            false,
            "w (advisory locks)",
        );
        check(
            read,
            "SELECT pg_try_advisory_xact_lock($1)",
            false,
            "w (advisory locks)",
        );
        check(
            read,
            "SELECT pg_advisory_unlock(?)",
            true,
            "w (advisory locks)",
        );
    }

    #[test]
    fn what_may_touch_anything() {
        check(read, "COMMIT", true, "unknown");
        check(read, "ROLLBACK", false, "unknown");
        check(read, "SELECT pay(?)", true, "unknown");
        check(
            read,
            "SELECT pay(?), pg_advisory_unlock(?)",
            true,
            "unknown",
        );
        check(read, "UPDATE t SET a = pay(?)", true, "unknown");
        check(read, "CREATE TABLE t (a int)", true, "unknown");
        check(
            read,
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            true,
            "unknown",
        );
        check(read, "CALL work()", true, "unknown");
        check(read, "nonsense", true, "unknown");
        check(read, "SELECT a FROM t FOR NO KEY UPDATE", false, "unknown");
        check(read, "SELECT a FROM t WHERE b @? ?", false, "unknown");
    }
}
