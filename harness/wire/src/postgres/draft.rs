//! A request of which more messages are to come.

use super::statements::Statement;
use crate::sql::{Effect, MASK_BYTES_MAX, cut};
use std::sync::Arc;

/// Most different statements of one request that its text names.
const PARTS_MAX: usize = 64;

/// The messages since the last request.
#[derive(Debug)]
pub(super) struct Draft {
    /// What its statements may do.
    pub(super) effect: Effect,
    /// How many responses its messages are owed.
    pub(super) responses: u32,
    /// The statements that it executes, each with how often in a row.
    executed: Vec<(Arc<str>, u64)>,
    /// What it does else, for a text if it executes nothing.
    prepared: Vec<(&'static str, Arc<str>)>,
}

impl Draft {
    /// Begins without a message.
    pub(super) fn new() -> Self {
        Self {
            effect: Effect::NONE,
            responses: 0,
            executed: Vec::new(),
            prepared: Vec::new(),
        }
    }

    /// Takes an execution.
    pub(super) fn execute(&mut self, statement: Statement) {
        self.effect = self.effect | statement.effect;
        let has_room = self.executed.len() < PARTS_MAX;
        match self.executed.last_mut() {
            Some((text, times)) if *text == statement.text => *times += 1,
            _ if has_room => self.executed.push((statement.text, 1)),
            _ => {}
        }
    }

    /// Takes a Parse, a Describe or a Close. A Describe of what was just parsed says nothing more.
    pub(super) fn prepare(&mut self, verb: &'static str, text: Arc<str>) {
        let is_known = |(_, known): &(&str, Arc<str>)| verb == "DESCRIBE" && *known == text;
        if !self.prepared.last().is_some_and(is_known) && self.prepared.len() < PARTS_MAX {
            self.prepared.push((verb, text));
        }
    }

    /// Returns the text of the request.
    pub(super) fn text(&self) -> String {
        let executed = self.executed.iter().map(|(text, times)| match times {
            1 => text.to_string(),
            _ => format!("{text} x{times}"),
        });
        let prepared = self
            .prepared
            .iter()
            .map(|(verb, text)| format!("{verb} {text}").trim_end().to_owned());
        let parts: Vec<String> = match (self.executed.is_empty(), self.prepared.is_empty()) {
            (false, _) => executed.collect(),
            (true, false) => prepared.collect(),
            (true, true) if self.responses > 0 => vec!["BIND".to_owned()],
            (true, true) => vec!["SYNC".to_owned()],
        };
        let mut text = parts.join("; ");
        cut(&mut text, MASK_BYTES_MAX);
        text
    }
}
