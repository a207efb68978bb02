//! HTTP/1.1 and 1.0 (RFC 9112): requests and responses, keep-alive, pipelines, chunked bodies.
//!
//! A request is a head with its body, and each of a pipeline is one. Where the body waits for a
//! `100 Continue`, or is longer than a tap would hold, the head alone is the request and the body
//! passes. Anything that two readers could frame differently makes the link opaque.

mod body;
mod forge;
mod head;
mod line;
mod repeat;
mod text;

pub use body::Body;
pub use head::{Framing, HEAD_BYTES_MAX, HeadReader, RequestHead};
pub use text::{path_and_query, request_text};

use crate::marks::Marks;
use crate::{Codec, Errors, Forgery, Mark, Meaning, Part, Protocol, REQUEST_BYTES_MAX, Side};
use head::{Head, ResponseHead};
use std::collections::VecDeque;
use twiceproof_model::{Outcome, Reply, Tag};

/// Why bytes cannot be read.
pub type Flaw = &'static str;

/// Most requests of one link without a complete reply.
const OPEN_MAX: usize = 10_000;

/// The protocol of web services.
pub(crate) struct Http1;

impl Protocol for Http1 {
    fn name(&self) -> &'static str {
        "http"
    }

    fn doc(&self) -> &'static str {
        "HTTP/1.1 and 1.0 without encryption: pipelines, chunked bodies, 100 Continue."
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(Exchange::default())
    }

    fn errors(&self) -> Option<Errors> {
        Some(forge::ERRORS)
    }

    fn repeats(&self) -> bool {
        true
    }
}

/// How far one stream is.
#[derive(Debug, Default)]
struct Stream {
    /// Offset of the next byte.
    offset: u64,
    /// Offset up to which bytes are known to make sense.
    settled: u64,
    /// The end of the last mark.
    marked: u64,
}

impl Stream {
    /// Counts bytes that were read, of which so many are not settled: see [`Body::unsettled`].
    fn count(&mut self, length: usize, unsettled: Option<u64>) {
        self.offset += length as u64;
        if let Some(unsettled) = unsettled {
            self.settled = self.offset - unsettled;
        }
    }

    /// Marks all up to the offset that was not marked yet, if there is any.
    fn mark_to(&mut self, offset: u64, meaning: Meaning, marks: &mut Marks<'_>) {
        if offset > self.marked {
            self.marked = offset;
            marks.push(offset, meaning);
        }
    }
}

/// A request without a complete reply.
#[derive(Debug)]
struct Open {
    /// Whether its replies have no body: HEAD.
    is_bodiless: bool,
    /// Whether a good reply makes a tunnel of the link: CONNECT.
    is_connect: bool,
    /// Whether its method may change something.
    writes: bool,
    /// Whether its body waits for a `100 Continue` that has not come.
    awaits_go: bool,
    /// Whether its mark was made.
    is_marked: bool,
    /// Its whole reply, if that came before the mark.
    early: Option<Reply>,
}

/// What the instance sends now.
#[derive(Debug)]
enum Up {
    /// The head of a request.
    Head(HeadReader),
    /// The body of one; with its text, or without one if the head was marked already.
    Body(Body, Option<String>),
}

/// What the service sends now.
#[derive(Debug)]
enum Down {
    /// The head of a response.
    Head(HeadReader),
    /// The body of one, with its status.
    Body(Body, u16),
}

/// The streams of one connection.
#[derive(Debug)]
struct Exchange {
    up: Stream,
    down: Stream,
    instance: Up,
    service: Down,
    /// The requests without a complete reply, oldest first.
    open: VecDeque<Open>,
    /// Why nothing the instance says from now on can be read.
    doubt: Option<Flaw>,
    is_opaque: bool,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            up: Stream::default(),
            down: Stream::default(),
            instance: Up::Head(HeadReader::default()),
            service: Down::Head(HeadReader::default()),
            open: VecDeque::new(),
            doubt: None,
            is_opaque: false,
        }
    }
}

impl Codec for Exchange {
    fn feed(&mut self, side: Side, bytes: &[u8], marks: &mut Vec<Mark>) {
        let mut marks = Marks::new(marks);
        let mut rest = bytes;
        if !self.is_opaque {
            let read = match side {
                Side::Instance => self.feed_instance(&mut rest, &mut marks),
                Side::Service => self.feed_service(&mut rest, &mut marks),
            };
            let settled = self.settle(side, &mut marks);
            if let Err(reason) = read {
                self.is_opaque = true;
                marks.push(settled, Meaning::Opaque(reason.to_owned()));
            }
        }
        if self.is_opaque {
            let stream = self.stream(side);
            stream.offset += rest.len() as u64;
            stream.mark_to(stream.offset, Meaning::Pass, &mut marks);
        }
    }

    fn end(&mut self, side: Side, marks: &mut Vec<Mark>) {
        let mut marks = Marks::new(marks);
        if side == Side::Service && !self.is_opaque {
            self.finish_early(&mut marks);
            if let Down::Body(body, status) = &self.service
                && body.ends_with_stream()
            {
                let status = *status;
                self.complete(status, &mut marks);
                return;
            }
        }
        let meaning = match side {
            Side::Service if !self.is_opaque && !self.open.is_empty() => Meaning::ReplyPart,
            _ => Meaning::Pass,
        };
        let stream = self.stream(side);
        stream.mark_to(stream.offset, meaning, &mut marks);
    }

    fn forge(&self, error: &str) -> Option<Forgery> {
        self.forged(error)
    }

    fn repeat(&self, request: &[u8]) -> Option<Vec<Part>> {
        self.repeated(request)
    }
}

impl Exchange {
    fn stream(&mut self, side: Side) -> &mut Stream {
        match side {
            Side::Instance => &mut self.up,
            Side::Service => &mut self.down,
        }
    }

    /// Marks what of a body has settled; returns up to where the stream makes sense.
    fn settle(&mut self, side: Side, marks: &mut Marks<'_>) -> u64 {
        let meaning = match (side, &self.instance, &self.service) {
            (Side::Instance, Up::Body(_, None), _) => Meaning::Pass,
            (Side::Service, _, Down::Body(..)) => self.part(),
            _ => return self.stream(side).marked,
        };
        let stream = self.stream(side);
        stream.mark_to(stream.settled, meaning, marks);
        stream.marked
    }

    /// Returns what a part of the response that comes now is.
    fn part(&self) -> Meaning {
        if self.open.is_empty() {
            Meaning::Pass
        } else {
            Meaning::ReplyPart
        }
    }

    fn feed_instance(&mut self, bytes: &mut &[u8], marks: &mut Marks<'_>) -> Result<(), Flaw> {
        while !bytes.is_empty() {
            if let Some(doubt) = self.doubt {
                return Err(doubt);
            }
            let before = bytes.len();
            match &mut self.instance {
                Up::Head(reader) => {
                    let read = reader.take(bytes);
                    self.up.count(before - bytes.len(), None);
                    if let Some(head) = read? {
                        let length = self.up.offset - self.up.marked;
                        self.begin(&RequestHead::read(head)?, length, marks)?;
                    }
                }
                Up::Body(body, text) => {
                    let read = body.take(bytes);
                    let unsettled = read.ok().and_then(|_| body.unsettled());
                    self.up.count(before - bytes.len(), unsettled);
                    read?;
                    if text.is_some() && self.up.offset - self.up.marked > REQUEST_BYTES_MAX {
                        return Err("a request of more than 16 MiB");
                    }
                    if body.is_done() {
                        let text = text.take();
                        self.finish_request(text, marks);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the head of a request, which has so many bytes.
    fn begin(
        &mut self,
        head: &RequestHead,
        length: u64,
        marks: &mut Marks<'_>,
    ) -> Result<(), Flaw> {
        if self.open.len() >= OPEN_MAX {
            return Err("10000 requests without a reply");
        }
        let has_body = !matches!(head.framing, Framing::None | Framing::Length(0));
        let awaits_go = has_body && head.expects_continue;
        let is_long = matches!(head.framing, Framing::Length(rest) if length.saturating_add(rest) > REQUEST_BYTES_MAX);
        self.open.push_back(Open {
            is_bodiless: head.method == "HEAD",
            is_connect: head.method == "CONNECT",
            writes: head.writes(),
            awaits_go,
            is_marked: false,
            early: None,
        });
        let text = request_text(head);
        if !has_body {
            self.finish_request(Some(text), marks);
            return Ok(());
        }
        let mut text = Some(text);
        if awaits_go || is_long {
            self.mark_request(text.take(), marks);
        }
        self.up.settled = self.up.offset;
        self.instance = Up::Body(Body::new(head.framing), text);
        Ok(())
    }

    fn finish_request(&mut self, text: Option<String>, marks: &mut Marks<'_>) {
        self.instance = Up::Head(HeadReader::default());
        if text.is_some() {
            self.mark_request(text, marks);
        } else {
            self.up.mark_to(self.up.offset, Meaning::Pass, marks);
        }
    }

    fn mark_request(&mut self, text: Option<String>, marks: &mut Marks<'_>) {
        if let (Some(open), Some(text)) = (self.open.back_mut(), text) {
            open.is_marked = true;
            self.up
                .mark_to(self.up.offset, Meaning::Request(text), marks);
        }
    }

    fn feed_service(&mut self, bytes: &mut &[u8], marks: &mut Marks<'_>) -> Result<(), Flaw> {
        if !bytes.is_empty() {
            self.finish_early(marks);
        }
        while !bytes.is_empty() {
            if self.open.front().is_some_and(|open| open.early.is_some()) {
                return Err("a second response before the end of the request");
            }
            let before = bytes.len();
            match &mut self.service {
                Down::Head(reader) => {
                    let read = reader.take(bytes);
                    self.down.count(before - bytes.len(), None);
                    if let Some(head) = read? {
                        self.respond(&head, marks)?;
                    }
                }
                Down::Body(body, status) => {
                    let read = body.take(bytes);
                    let status = *status;
                    let is_done = body.is_done();
                    let unsettled = read.ok().and_then(|_| body.unsettled());
                    self.down.count(before - bytes.len(), unsettled);
                    read?;
                    if is_done {
                        self.complete(status, marks);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the head of a response.
    fn respond(&mut self, head: &Head, marks: &mut Marks<'_>) -> Result<(), Flaw> {
        let open = self.open.front_mut();
        let is_bodiless = open.as_ref().is_some_and(|open| open.is_bodiless);
        let response = ResponseHead::read(head, is_bodiless)?;
        self.service = Down::Head(HeadReader::default());
        let status = response.status;
        if status == 101 {
            self.complete(status, marks);
            return Err("another protocol after an upgrade");
        }
        if (100..200).contains(&status) {
            let meaning = match open {
                Some(open) if open.awaits_go => {
                    open.awaits_go = false;
                    Meaning::Prompt
                }
                Some(_) => Meaning::ReplyPart,
                None => Meaning::Pass,
            };
            self.down.mark_to(self.down.offset, meaning, marks);
            return Ok(());
        }
        if open.is_some_and(|open| open.is_connect && (200..300).contains(&status)) {
            self.complete(status, marks);
            return Err("a tunnel after CONNECT");
        }
        let body = Body::new(response.framing);
        if body.is_done() {
            self.complete(status, marks);
        } else {
            self.down.settled = self.down.offset;
            self.service = Down::Body(body, status);
        }
        Ok(())
    }

    /// Ends the response that came last.
    fn complete(&mut self, status: u16, marks: &mut Marks<'_>) {
        self.service = Down::Head(HeadReader::default());
        self.down.mark_to(self.down.settled, self.part(), marks);
        let is_last = self.open.len() == 1;
        let Some(open) = self.open.front_mut() else {
            let text = Meaning::Push(status.to_string());
            self.down.mark_to(self.down.offset, text, marks);
            return;
        };
        let reply = reply(status, open.writes);
        if !open.is_marked {
            // The request is still on its way; its mark comes first.
            open.early = Some(reply);
            self.down
                .mark_to(self.down.offset, Meaning::ReplyPart, marks);
            return;
        }
        if open.awaits_go && is_last && matches!(self.instance, Up::Body(_, None)) {
            // Whether the body still comes is the client's choice.
            self.doubt = Some("a body that was refused before it was sent");
        }
        self.open.pop_front();
        self.down.marked = self.down.offset;
        marks.push(self.down.offset, Meaning::ReplyEnd(reply));
    }

    /// Ends the reply that came before its request was whole, now that the request is.
    fn finish_early(&mut self, marks: &mut Marks<'_>) {
        if let Some(open) = self.open.front_mut().filter(|open| open.is_marked)
            && let Some(reply) = open.early.take()
        {
            self.open.pop_front();
            marks.push(self.down.marked, Meaning::ReplyEnd(reply));
        }
    }
}

fn reply(status: u16, writes: bool) -> Reply {
    let code = status.to_string();
    Reply {
        outcome: match status {
            400.. => Outcome::Error(code.clone()),
            _ => Outcome::Ok,
        },
        tags: vec![Tag {
            command: code,
            rows: None,
        }],
        writes,
        frees_locks: writes,
    }
}
