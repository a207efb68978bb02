//! Requests whose replies are not complete.

use crate::sql::Effect;
use std::collections::VecDeque;
use twiceproof_model::Tag;

/// Most completions of one reply that are told apart; the rows of the rest count to the last of
/// their command.
const TAGS_MAX: usize = 256;

/// Where a reply ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// At the next ReadyForQuery.
    Ready,
    /// With so many more responses, or with an error.
    Responses(u32),
}

/// A request that waits for the rest of its reply.
#[derive(Debug)]
pub(super) struct Open {
    /// Where its reply ends.
    pub(super) until: Until,
    /// Whether it speaks the extended protocol.
    pub(super) is_extended: bool,
    /// What its statements may do.
    pub(super) effect: Effect,
    /// Whether a part of the reply was seen that cannot be anything else.
    pub(super) has_begun: bool,
    /// Whether it takes COPY data.
    pub(super) is_copy_in: bool,
    /// The completions so far.
    pub(super) tags: Vec<Tag>,
    /// The SQLSTATE of its error.
    pub(super) error: Option<String>,
}

impl Open {
    /// Begins to wait.
    pub(super) fn new(until: Until, is_extended: bool, effect: Effect) -> Self {
        Self {
            until,
            is_extended,
            effect,
            has_begun: false,
            is_copy_in: false,
            tags: Vec::new(),
            error: None,
        }
    }

    /// Takes a completion.
    pub(super) fn complete(&mut self, tag: Tag) {
        if self.tags.len() < TAGS_MAX {
            self.tags.push(tag);
        } else if let Some(last) = self.tags.last_mut()
            && last.command == tag.command
        {
            let rows = last.rows.zip(tag.rows);
            last.rows = rows.map(|(sum, rows)| sum.saturating_add(rows));
        }
    }
}

/// What the service owes an answer, oldest first.
#[derive(Debug)]
pub(super) enum Entry {
    /// A request.
    Request(Open),
    /// The Sync that follows the data of a COPY of the extended protocol. It ends the COPY's reply;
    /// if the COPY failed before it began, it has a ReadyForQuery of its own, which belongs to no
    /// request.
    CopySync,
}

/// Everything that the service owes an answer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The entries, oldest first.
    pub(super) entries: VecDeque<Entry>,
    /// Whether the service skips messages up to the next Sync, since one without Sync failed.
    pub(super) is_skipping: bool,
}

impl Queue {
    /// Returns the request whose reply is due.
    pub(super) fn head(&mut self) -> Option<&mut Open> {
        match self.entries.front_mut() {
            Some(Entry::Request(open)) => Some(open),
            _ => None,
        }
    }
}
