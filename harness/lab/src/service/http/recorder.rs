//! Reads what passes between a link and a real service, and writes down the requests that it took.

use super::book::Book;
use super::request::{Progress, RequestReader};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use twiceproof_wire::http1::RequestHead;
use twiceproof_wire::{Codec, Mark, Meaning, Side, registry};

/// The reader of one connection.
pub(super) struct Recorder {
    book: Arc<Mutex<Book>>,
    codec: Box<dyn Codec>,
    reader: RequestReader,
    /// Requests that came whole and have no reply yet.
    requests: VecDeque<(RequestHead, Vec<u8>)>,
    /// Statuses of replies whose requests were not whole yet.
    statuses: VecDeque<u16>,
    /// Whether the connection can be read no more.
    is_lost: bool,
}

impl Recorder {
    /// Begins a connection.
    pub(super) fn new(book: Arc<Mutex<Book>>) -> Self {
        let protocol = registry::find("http").expect("the protocol is registered");
        Self {
            book,
            codec: protocol.codec(),
            reader: RequestReader::default(),
            requests: VecDeque::new(),
            statuses: VecDeque::new(),
            is_lost: false,
        }
    }

    /// Takes bytes on their way to the service.
    pub(super) fn asked(&mut self, bytes: &[u8]) {
        self.mark(|codec, marks| codec.feed(Side::Instance, bytes, marks));
        let mut rest = bytes;
        while !self.is_lost {
            match self.reader.take(&mut rest) {
                Ok(None) => break,
                Ok(Some(Progress::Waits)) => {}
                Ok(Some(Progress::Whole(head, body))) => self.requests.push_back((head, body)),
                Err(_) => self.is_lost = true,
            }
        }
        self.pair();
    }

    /// Takes bytes on their way back.
    pub(super) fn answered(&mut self, bytes: &[u8]) {
        self.mark(|codec, marks| codec.feed(Side::Service, bytes, marks));
        self.pair();
    }

    /// Takes the end of what the service says.
    pub(super) fn end(&mut self) {
        self.mark(|codec, marks| codec.end(Side::Service, marks));
        self.pair();
    }

    fn mark(&mut self, feed: impl FnOnce(&mut dyn Codec, &mut Vec<Mark>)) {
        let mut marks = Vec::new();
        if !self.is_lost {
            feed(self.codec.as_mut(), &mut marks);
        }
        for mark in marks {
            match mark.meaning {
                Meaning::ReplyEnd(reply) => {
                    let status = reply.tags.first().and_then(|tag| tag.command.parse().ok());
                    self.statuses.push_back(status.unwrap_or(0));
                }
                Meaning::Opaque(_) => self.is_lost = true,
                _ => {}
            }
        }
    }

    fn pair(&mut self) {
        while !self.requests.is_empty()
            && let Some(status) = self.statuses.pop_front()
        {
            let (head, body) = self.requests.pop_front().expect("there is one");
            let mut book = self.book.lock().expect("no holder of this lock panics");
            self.is_lost |= book.note(&head, &body, status).is_none();
        }
    }
}
