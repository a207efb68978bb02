//! PostgreSQL's protocol, version 3.
//!
//! A request is a simple query, a function call, or the messages of the extended protocol up to a
//! Sync or a Flush. Its reply ends at ReadyForQuery, or, after a Flush, with the last response that
//! the messages are owed. A COPY is part of the request that began it, and its data pass.
//! Encryption is declined; so is nothing else.

mod backend;
mod bound;
mod draft;
mod forge;
mod framing;
mod frontend;
mod open;
mod reply;
mod statements;

use crate::marks::Marks;
use crate::{Codec, Errors, Forgery, Mark, Meaning, Protocol, Side};
use backend::Backend;
use frontend::Frontend;
use open::Queue;

/// The protocol of PostgreSQL and of what speaks like it.
pub(crate) struct Postgres;

impl Protocol for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn doc(&self) -> &'static str {
        "PostgreSQL, protocol 3: queries, prepared statements, pipelines, COPY, cancel requests."
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(PostgresCodec {
            frontend: Frontend::new(),
            backend: Backend::new(),
            queue: Queue::default(),
            is_opaque: false,
        })
    }

    fn errors(&self) -> Option<Errors> {
        Some(forge::ERRORS)
    }
}

/// Why and from which offset on a stream cannot be read.
#[derive(Debug)]
struct Unreadable {
    start: u64,
    reason: String,
}

/// The streams of one connection.
struct PostgresCodec {
    frontend: Frontend,
    backend: Backend,
    queue: Queue,
    is_opaque: bool,
}

impl Codec for PostgresCodec {
    fn feed(&mut self, side: Side, bytes: &[u8], marks: &mut Vec<Mark>) {
        let mut marks = Marks::new(marks);
        if self.is_opaque {
            self.pass_on(side, bytes.len(), &mut marks);
            return;
        }
        let mut rest = bytes;
        let read = match side {
            Side::Instance => self.frontend.feed(&mut rest, &mut self.queue, &mut marks),
            Side::Service => self.backend.feed(&mut rest, &mut self.queue, &mut marks),
        };
        if let Err(Unreadable { start, reason }) = read {
            self.is_opaque = true;
            marks.push(start, Meaning::Opaque(reason));
            *self.marked(side) = start;
            self.pass_on(side, rest.len(), &mut marks);
        }
    }

    fn end(&mut self, side: Side, marks: &mut Vec<Mark>) {
        let mut marks = Marks::new(marks);
        if side == Side::Service && !self.is_opaque {
            self.backend.finish_complete(&mut self.queue, &mut marks);
        }
        if side == Side::Service && self.backend.is_in_reply(&self.queue) && !self.is_opaque {
            let end = self.backend.framing.offset;
            if end > self.backend.marked {
                marks.push(end, Meaning::ReplyPart);
            }
            return;
        }
        self.pass_on(side, 0, &mut marks);
    }

    fn forge(&self, error: &str) -> Option<Forgery> {
        self.forged(error)
    }
}

impl PostgresCodec {
    /// Passes all that the side sent, these last bytes included.
    fn pass_on(&mut self, side: Side, length: usize, marks: &mut Marks<'_>) {
        let framing = match side {
            Side::Instance => &mut self.frontend.framing,
            Side::Service => &mut self.backend.framing,
        };
        framing.offset += length as u64;
        let end = framing.offset;
        let marked = self.marked(side);
        if end > *marked {
            *marked = end;
            marks.push(end, Meaning::Pass);
        }
    }

    /// Returns the end of the side's last mark.
    fn marked(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Instance => &mut self.frontend.marked,
            Side::Service => &mut self.backend.marked,
        }
    }
}
