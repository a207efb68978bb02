//! The interface between a tap and a protocol.

use crate::forge::{Errors, Forgery};
use crate::repeat::Part;
use twiceproof_model::Reply;

/// Longest request that is marked as one, so that a tap may hold it whole; a longer one makes the
/// link opaque.
pub const REQUEST_BYTES_MAX: u64 = 16 << 20;

/// The peer that sent the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The instance: it connects and asks.
    Instance,
    /// The service: it accepts and answers.
    Service,
}

/// The end of one piece of a stream, with its meaning.
///
/// A piece begins where the previous mark of the same side ends. Offsets count bytes since the
/// side's stream began, never go back, and never exceed what was fed. A piece may be empty: a
/// request that the service skips after an error has a reply without a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Offset of the first byte behind the piece.
    pub end: u64,
    /// What the piece is.
    pub meaning: Meaning,
}

/// What a piece of a stream is, and so what a tap may do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Belongs to no request of its own (start-up, authentication, COPY data, notices): passes on
    /// in order.
    Pass,
    /// From the instance: one complete request, which a tap may hold. The text is masked (see
    /// [`crate::sql`]) and free of secrets; it is the text of the request's signature.
    Request(String),
    /// From the instance: one complete request that gets no reply (Redis, after CLIENT REPLY OFF).
    /// A tap may hold it like any other; nothing tells when the service has done it.
    Unanswered(String),
    /// From the instance: a question that the tap answers itself with these bytes and does not
    /// forward (PostgreSQL's `SSLRequest`, answered `N`).
    Answer(&'static [u8]),
    /// From the instance: asks the service, on a connection of its own, to cancel what the session
    /// with this process id does. Passes on at once.
    Cancel {
        /// Process id of the session's backend, as the service told it.
        session: i32,
    },
    /// From the instance: takes leave (PostgreSQL's `Terminate`). Passes on in order.
    Goodbye,
    /// From the service: part of the reply to the oldest request without a complete reply. More
    /// will follow. Where nobody holds requests back, a service that was given the first messages
    /// of a request may begin its reply before the request is marked.
    ReplyPart,
    /// From the service: like `ReplyPart`, but the service now waits for more from the instance
    /// (COPY in): a tap that holds replies back must deliver it, or the operation cannot end.
    Prompt,
    /// From the service: the last piece of the reply to the oldest request without a complete
    /// reply.
    ReplyEnd(Reply),
    /// From the service: a message outside any reply, such as a notification. The text is for the
    /// trace.
    Push(String),
    /// From the service: told the process id under which it knows the session. Passes on in order.
    Session {
        /// Process id of the session's backend.
        session: i32,
    },
    /// The codec cannot read the stream from here on, for this reason. It marks all further bytes
    /// of both sides `Pass`, and the link takes part in no schedule. What the other side sent and
    /// no mark covers yet gets its mark with that side's next bytes, of which there may be none:
    /// feed it an empty slice.
    Opaque(String),
}

/// Reads one connection.
pub trait Codec: Send {
    /// Takes bytes from one side, in stream order, and appends the marks they complete.
    ///
    /// Never fails and never panics, whatever the bytes are. How the stream is split into calls
    /// changes no mark, but that a `Pass` or `ReplyPart` piece may come in several parts. The
    /// requests of a pipeline are each marked as they arrive; replies belong to them in order.
    fn feed(&mut self, side: Side, bytes: &[u8], marks: &mut Vec<Mark>);

    /// Takes the end of one side's stream and appends the marks that this completes.
    fn end(&mut self, side: Side, marks: &mut Vec<Mark>);

    /// Returns how this error is forged as the reply to the oldest request without a complete
    /// reply, of which nothing was forwarded; `None` where the service could not give it there, or
    /// what follows on the link would give it away. The forged reply is fed like any other.
    fn forge(&self, _error: &str) -> Option<Forgery> {
        None
    }

    /// Returns what a new connection must say so that the service gets the oldest request without
    /// a complete reply, of which these are the bytes, once more; `None` where nobody would send it
    /// twice, or where that cannot be said.
    fn repeat(&self, _request: &[u8]) -> Option<Vec<Part>> {
        None
    }
}

/// A wire protocol: an entry of [`crate::registry::PROTOCOLS`].
pub trait Protocol: Sync {
    /// Returns the name that links of this protocol carry in records.
    fn name(&self) -> &'static str;
    /// Returns one sentence for the reference.
    fn doc(&self) -> &'static str;
    /// Returns a codec for a new connection.
    fn codec(&self) -> Box<dyn Codec>;
    /// Returns which error replies its codec can forge, if any.
    fn errors(&self) -> Option<Errors> {
        None
    }
    /// Returns whether its codec can repeat requests.
    fn repeats(&self) -> bool {
        false
    }
}
