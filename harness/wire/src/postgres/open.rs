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
    /// Not known yet: more of the request's messages are to come. A service that was given the
    /// first ones may answer them already.
    Undecided,
    /// At the next ReadyForQuery.
    Ready,
    /// With so many responses, or with an error.
    Responses(u32),
}

/// What a request does to the transaction that it stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Control {
    /// Nothing, or it begins one.
    #[default]
    None,
    /// It commits, and nothing else.
    Commit,
    /// It gives up what was done, or a part of it, and nothing else.
    End,
    /// Several statements, of which the first begins a transaction.
    Whole,
    /// Several statements, of which another one begins or ends a transaction.
    Several,
}

impl Control {
    /// Reads it off the masked text of a request.
    pub(super) fn of(text: &str) -> Self {
        let first = |statement: &str| {
            let word = statement.trim_start().split([' ', '(']).next();
            word.unwrap_or_default().to_ascii_uppercase()
        };
        let words: Vec<String> = text.split(';').map(first).collect();
        match words.as_slice() {
            [only] => match only.as_str() {
                "COMMIT" | "END" => Self::Commit,
                "ROLLBACK" | "ABORT" => Self::End,
                _ => Self::None,
            },
            several => {
                let controls = ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"];
                let begins = several
                    .first()
                    .is_some_and(|word| controls[..2].contains(&word.as_str()));
                match several.iter().any(|word| controls.contains(&word.as_str())) {
                    true if begins => Self::Whole,
                    true => Self::Several,
                    false => Self::None,
                }
            }
        }
    }
}

/// A request that waits for the rest of its reply.
#[derive(Debug)]
pub(super) struct Open {
    /// Where its reply ends.
    pub(super) until: Until,
    /// How many responses its messages are owed.
    pub(super) owed: u32,
    /// How many responses there were.
    pub(super) responses: u32,
    /// Whether it speaks the extended protocol.
    pub(super) is_extended: bool,
    /// What its statements may do.
    pub(super) effect: Effect,
    /// What they do to the transaction.
    pub(super) control: Control,
    /// Whether a part of the reply was seen that cannot be anything else.
    pub(super) has_begun: bool,
    /// Whether its last message is a Sync.
    pub(super) has_sync: bool,
    /// Whether it takes COPY data.
    pub(super) is_copy_in: bool,
    /// The completions so far.
    pub(super) tags: Vec<Tag>,
    /// The SQLSTATE of its error.
    pub(super) error: Option<String>,
}

impl Open {
    /// Begins with a request of which nothing is known.
    fn new() -> Self {
        Self {
            until: Until::Undecided,
            owed: 0,
            responses: 0,
            is_extended: true,
            effect: Effect::NONE,
            control: Control::None,
            has_begun: false,
            has_sync: false,
            is_copy_in: false,
            tags: Vec::new(),
            error: None,
        }
    }

    /// Returns whether the reply has ended, other than by a ReadyForQuery.
    pub(super) fn is_complete(&self) -> bool {
        match self.until {
            Until::Responses(count) => self.responses >= count || self.error.is_some(),
            _ => false,
        }
    }

    /// Returns whether the next response is the last that the reply waits for.
    pub(super) fn awaits_last(&self) -> bool {
        matches!(self.until, Until::Responses(count) if self.responses.saturating_add(1) >= count)
    }

    /// Returns whether what comes now can be told to be part of its reply, though it may be
    /// unasked.
    pub(super) fn is_due(&self) -> bool {
        self.until != Until::Undecided || self.has_begun
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
    /// The SQLSTATE of the error since which the service has skipped messages.
    pub(super) skipped_for: Option<String>,
}

impl Queue {
    /// Returns the request whose reply is due.
    pub(super) fn head(&mut self) -> Option<&mut Open> {
        match self.entries.front_mut() {
            Some(Entry::Request(open)) => Some(open),
            _ => None,
        }
    }

    /// Begins a request, of which more messages are to come.
    pub(super) fn begin(&mut self) {
        self.entries.push_back(Entry::Request(Open::new()));
    }

    /// Returns the request of which more messages are to come.
    pub(super) fn last(&mut self) -> Option<&mut Open> {
        match self.entries.back_mut() {
            Some(Entry::Request(open)) if open.until == Until::Undecided => Some(open),
            _ => None,
        }
    }

    /// Takes the error of the oldest request, whose messages no Sync follows: the service skips all
    /// up to the next one. Returns how many requests behind it get no answer.
    pub(super) fn skip(&mut self, code: &str) -> usize {
        self.skipped_for = Some(code.to_owned());
        let is_sync = |entry: &Entry| match entry {
            Entry::Request(open) => open.has_sync,
            Entry::CopySync => true,
        };
        let is_undecided = |entry: &Entry| match entry {
            Entry::Request(open) => open.until == Until::Undecided,
            Entry::CopySync => false,
        };
        self.is_skipping = !self.entries.iter().any(is_sync);
        let behind = self.entries.iter().skip(1);
        behind
            .take_while(|entry| !is_sync(entry) && !is_undecided(entry))
            .count()
    }

    /// Forgets the request of which more messages are to come.
    pub(super) fn drop_last(&mut self) {
        if self.last().is_some() {
            self.entries.pop_back();
        }
    }
}
