//! The prepared statements and portals of a connection, by name.

use super::bound;
use crate::sql::{self, Effect};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most statements, and most portals, remembered. What lies beyond executes under [`UNKNOWN_TEXT`].
const NAMES_MAX: usize = 1024;

/// The text of a statement that was prepared by nothing we know of.
const UNKNOWN_TEXT: &str = "EXECUTE (unknown statement)";

/// A statement as requests need it.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Its masked SQL.
    pub(super) text: Arc<str>,
    /// What it may do to others.
    pub(super) effect: Effect,
}

impl Statement {
    /// Reads SQL as it came, of which a part may be missing.
    pub(super) fn read(sql: &[u8], is_cut: bool) -> Self {
        let sql = String::from_utf8_lossy(sql);
        let mut text = sql::mask(&sql);
        if text.is_empty() {
            text.push_str("(empty query)");
        }
        let effect = if is_cut {
            Effect::UNKNOWN
        } else {
            Effect::of(&sql)
        };
        Self {
            text: text.into(),
            effect,
        }
    }

    /// Returns what stands for a statement that nobody prepared.
    pub(super) fn unknown() -> Self {
        Self {
            text: UNKNOWN_TEXT.into(),
            effect: Effect::UNKNOWN,
        }
    }
}

/// Both name spaces of a connection, as its requests leave them if all of them succeed.
#[derive(Debug, Default)]
pub(super) struct Statements {
    statements: BTreeMap<Vec<u8>, Statement>,
    portals: BTreeMap<Vec<u8>, Statement>,
}

impl Statements {
    /// Takes a Parse.
    pub(super) fn prepare(&mut self, name: &[u8], statement: Statement) {
        insert(&mut self.statements, name, statement);
    }

    /// Takes a Bind with its values.
    pub(super) fn bind(&mut self, portal: &[u8], name: &[u8], values: &[u8]) {
        let mut statement = self.statement(name).unwrap_or_else(Statement::unknown);
        if let Some(text) = bound::with_lock_numbers(&statement.text, values) {
            statement.text = text.into();
        }
        insert(&mut self.portals, portal, statement);
    }

    /// Takes a Close of a statement (`S`) or a portal (`P`).
    pub(super) fn close(&mut self, kind: u8, name: &[u8]) {
        match kind {
            b'S' => self.statements.remove(name),
            _ => self.portals.remove(name),
        };
    }

    /// Returns the statement of this name, if it is known.
    pub(super) fn statement(&self, name: &[u8]) -> Option<Statement> {
        self.statements.get(name).cloned()
    }

    /// Returns the statement that this portal runs. A portal of an SQL cursor is none that we know.
    pub(super) fn portal(&self, name: &[u8]) -> Option<Statement> {
        self.portals.get(name).cloned()
    }
}

fn insert(names: &mut BTreeMap<Vec<u8>, Statement>, name: &[u8], statement: Statement) {
    if names.len() < NAMES_MAX || names.contains_key(name) {
        names.insert(name.to_vec(), statement);
    }
}
