//! What the schema of a PostgreSQL database says of its tables: which hold rows and nothing else,
//! and which refer to which.

use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::snapshot::Content;

/// The tables of a database of which a statement's text tells all that it touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    /// By the last part of the name: two of one name are one.
    tables: BTreeMap<String, Relations>,
}

/// What a change of a table looks at beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Relations {
    /// Tables that its rows refer to.
    pub(super) parents: BTreeSet<String>,
    /// Tables whose rows refer to its own.
    pub(super) children: BTreeSet<String>,
    /// Whether a row that goes or gets another key changes rows of the children.
    pub(super) acts: bool,
}

impl Schema {
    /// Reads the rows of the object that the schema is in a captured state; `None` where a
    /// statement can do more than its text says, whatever table it names: by a function of the
    /// user's own, or under another isolation than READ COMMITTED.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let mut schema = Self::default();
        let mut odd = BTreeSet::new();
        let mut sequences: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in &content.rows {
            let [Some(kind), Some(name), definition] = row.as_slice() else {
                return None;
            };
            let definition = definition.as_deref().unwrap_or("");
            let parts = parts(name);
            let table = || parts.get(1).cloned();
            match kind.as_str() {
                "function" if !is_of_trigger(definition) => return None,
                "role" | "database" if definition.contains("isolation") => return None,
                "table" => {
                    schema.tables.entry(table()?).or_default();
                    if !is_plain(definition) {
                        odd.insert(table()?);
                    }
                }
                "trigger" | "rule" | "policy" | "view" | "foreign table" => {
                    odd.insert(table()?);
                }
                "column" => {
                    for sequence in definition.split("nextval('").skip(1) {
                        let users = sequences.entry(sequence.to_owned()).or_default();
                        users.insert(table()?);
                    }
                }
                "constraint" => schema.refer(&table()?, definition),
                _ => {}
            }
        }
        // A number that one table takes is gone for the other.
        let shared = sequences.into_values().filter(|users| users.len() > 1);
        odd.extend(shared.flatten());
        schema.tables.retain(|name, _| !odd.contains(name));
        Some(schema)
    }

    fn refer(&mut self, child: &str, definition: &str) {
        let Some((_, target)) = definition.split_once(" REFERENCES ") else {
            return;
        };
        let target = target.split('(').next().unwrap_or("");
        let Some(parent) = parts(target).pop() else {
            return;
        };
        let acts = definition.contains(" ON DELETE ") || definition.contains(" ON UPDATE ");
        let own = self.tables.entry(child.to_owned()).or_default();
        own.parents.insert(parent.clone());
        let other = self.tables.entry(parent).or_default();
        other.children.insert(child.to_owned());
        other.acts |= acts;
    }

    /// Returns what a change of the table looks at; `None` where nobody can tell.
    pub(super) fn table(&self, name: &str) -> Option<&Relations> {
        self.tables.get(name)
    }
}

/// Returns whether a function is run by triggers alone: no expression can call it.
fn is_of_trigger(definition: &str) -> bool {
    let mut words = definition.split(' ').skip(2);
    words.next() == Some("returns") && words.next() == Some("trigger")
}

/// Returns whether a table has no partitions, parents or rules for rows: what is said of it begins
/// with its owner.
fn is_plain(definition: &str) -> bool {
    let definition = definition.strip_prefix("unlogged ").unwrap_or(definition);
    definition.starts_with("owner ")
}

/// Returns the parts of a name, without the quotes that SQL asks for.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = name.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let last = parts.last_mut().expect("there is always one");
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last.push('"');
            }
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            _ => last.push(c),
        }
    }
    parts
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns the schema of lines like `table|public.t|owner app`.
    pub(crate) fn schema(lines: &[&str]) -> Option<Schema> {
        let row = |line: &&str| {
            line.splitn(3, '|')
                .map(|cell| Some(cell.to_owned()))
                .collect()
        };
        Schema::of(&Content {
            columns: Vec::new(),
            rows: lines.iter().map(row).collect(),
        })
    }

    /// Checks which tables are known, with what they refer to: `child>parent`.
    #[track_caller]
    fn check(lines: &[&str], expect: &str) {
        let found = match schema(lines) {
            None => "nothing".to_owned(),
            Some(schema) => {
                let words = schema.tables.iter().map(|(name, relations)| {
                    let parents: Vec<String> =
                        relations.parents.iter().map(|p| format!(">{p}")).collect();
                    let acts = if relations.acts { "!" } else { "" };
                    format!("{name}{}{acts}", parents.concat())
                });
                words.collect::<Vec<_>>().join(" ")
            }
        };
        assert_eq!(found, expect, "{lines:?}");
    }

    #[test]
    fn tables_that_hold_rows_and_nothing_else() {
        check(&["table|public.a|owner app"], "a");
        check(
            &["table|public.\"Odd.\"\"b\"|unlogged owner app"],
            "Odd.\"b",
        );
        check(&["table|s.a|LIST (k) owner app"], "");
        check(&["table|s.a|row security owner app"], "");
        check(&["table|s.a|inherits owner app"], "");
        check(&["table|s.a|owner app", "view|t.a|owner app SELECT 1"], "");
        let trigger = "trigger|public.a.stamp|CREATE TRIGGER stamp";
        check(
            &[
                "table|public.a|owner app",
                "table|public.b|owner app",
                trigger,
            ],
            "b",
        );
        let numbered = |table: &str| {
            format!("column|public.{table}.id|integer default nextval('public.s'::regclass)")
        };
        let (a, b) = (numbered("a"), numbered("b"));
        check(&["table|public.a|owner app", &a], "a");
        check(
            &[
                "table|public.a|owner app",
                "table|public.b|owner app",
                &a,
                &b,
            ],
            "",
        );
    }

    #[test]
    fn tables_that_refer_to_others() {
        let tables = ["table|public.c|owner app", "table|public.\"P\"|owner app"];
        let with = |line| [tables[0], tables[1], line];
        let key = "constraint|public.c.k|FOREIGN KEY (p) REFERENCES public.\"P\"(id)";
        check(&with(key), "P c>P");
        let cascade = format!("{key} ON DELETE CASCADE");
        check(&with(&cascade), "P! c>P");
        check(&with("constraint|public.c.k|CHECK ((n > 0))"), "P c");
    }

    #[test]
    fn databases_of_which_nothing_is_known() {
        check(
            &["function|public.f()|f sql returns integer v  select 1"],
            "nothing",
        );
        check(
            &["function|public.f()|f plpgsql returns trigger v  begin end"],
            "",
        );
        check(
            &["role|app|login {default_transaction_isolation=serializable}"],
            "nothing",
        );
        check(
            &["database|app|owner app {default_transaction_isolation=serializable}"],
            "nothing",
        );
    }
}
