//! What a trial's requests come to: those that were taken, and the replies that keys are owed.

use crate::source::http::Taken;
use std::collections::BTreeMap;
use twiceproof_model::replies::ReplySpec;
use twiceproof_wire::http1::{RequestHead, path_and_query};

/// Most requests, and bytes of them, that a trial can send.
const TAKEN_MAX: usize = 10_000;
const BYTES_MAX: usize = 64 << 20;

/// What is written down of a request, the same in every trial.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Names, in lowercase, of the headers that are compared.
    pub(super) headers: Vec<String>,
    /// Name, in lowercase, of the header with the idempotency key.
    pub(super) key: String,
    /// The replies of the sink.
    pub(super) replies: Vec<ReplySpec>,
}

/// What the sink answers.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Given {
    /// Returns a reply of one line of text.
    pub(super) fn plain(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: format!("{body}\n"),
        }
    }
}

/// The requests of one trial.
#[derive(Debug)]
pub(super) struct Book {
    rules: Rules,
    pub(super) taken: Vec<Taken>,
    bytes: usize,
    /// For each key the request that came with it first, and its reply.
    keys: BTreeMap<String, (Taken, Given)>,
}

impl Book {
    /// Opens an empty book.
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            taken: Vec::new(),
            bytes: 0,
            keys: BTreeMap::new(),
        }
    }

    /// Writes a request down unless it only asks, and returns the reply; `None`: the book is full.
    ///
    /// A request with a key that came before gets the reply of the first one, and has no effect.
    pub(super) fn answer(&mut self, head: &RequestHead, body: &[u8]) -> Option<Given> {
        let given = self.reply(head);
        if !head.writes() {
            return Some(given);
        }
        let taken = Taken::of(head, body, &self.rules.headers, &self.rules.key);
        if let Some(key) = &taken.key
            && let Some((first, given)) = self.keys.get(key)
        {
            return Some(match *first == taken {
                true => given.clone(),
                false => Given::plain(422, "this key came with another request"),
            });
        }
        if given.status < 400 {
            if let Some(key) = &taken.key {
                self.keys
                    .insert(key.clone(), (taken.clone(), given.clone()));
            }
            self.keep(taken)?;
        }
        Some(given)
    }

    /// Writes down a request that another service answered with this status.
    pub(super) fn note(&mut self, head: &RequestHead, body: &[u8], status: u16) -> Option<()> {
        if !head.writes() || status >= 400 {
            return Some(());
        }
        self.keep(Taken::of(head, body, &self.rules.headers, &self.rules.key))
    }

    fn keep(&mut self, taken: Taken) -> Option<()> {
        self.bytes += taken.length();
        if self.taken.len() >= TAKEN_MAX || self.bytes > BYTES_MAX {
            return None;
        }
        self.taken.push(taken);
        Some(())
    }

    fn reply(&self, head: &RequestHead) -> Given {
        let (path, _) = path_and_query(&head.target);
        let fits = |spec: &&ReplySpec| {
            (spec.method == "*" || spec.method == head.method)
                && crate::source::glob(&spec.path, path)
        };
        match self.rules.replies.iter().find(fits) {
            Some(spec) => Given {
                status: spec.status,
                headers: spec.headers.clone(),
                body: spec.body.clone(),
            },
            None => Given {
                status: 200,
                headers: Vec::new(),
                body: String::new(),
            },
        }
    }
}
