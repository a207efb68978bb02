//! What a tap and its dispatcher say to each other.

use super::tcp::{Duplicate, ForgedError};
use twiceproof_model::event::{LinkEnd, Peer};
use twiceproof_model::{Outcome, Reply};
use twiceproof_wire::Meaning;

/// What a tap does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Holds each request until it is permitted, and each reply's end until its delivery is.
    Gate,
    /// Lets all pass and tells what it saw.
    Trace,
    /// Lets all pass unread.
    Pump,
}

/// What a tap tells.
#[derive(Clone, Debug, PartialEq)]
pub enum TapEvent {
    /// A request is complete. Gate: it waits for a permit; trace: it has passed.
    Request {
        /// Its masked text.
        text: String,
        /// Hash of its very bytes.
        bytes_hash: u64,
    },
    /// The reply to the oldest unanswered request is complete. Gate: its end waits for a permit.
    Reply {
        /// What it says.
        reply: Reply,
        /// Hash of its very bytes.
        bytes_hash: u64,
    },
    /// The service sent a message outside any reply.
    Pushed(String),
    /// The service told under which number it knows the session.
    Session(i32),
    /// The link cannot be read from here on.
    Opaque(String),
    /// The instance sent something that is no request, and the service has not answered it:
    /// start-up.
    Asked,
    /// The service sent something after the link was opened, or after [`TapEvent::Asked`].
    Told,
    /// Bytes wait for a time that a rule set, and go by themselves; or no longer.
    Delayed(bool),
    /// A peer ended its direction.
    Closed {
        /// Who.
        by: Peer,
        /// How.
        how: LinkEnd,
    },
    /// The tap ended the link to the instance, and tells the service so.
    Cut,
    /// Both directions ended, and the task with them.
    Gone,
}

impl TapEvent {
    /// Returns what is told where no reply follows: all that can be said is that it may have
    /// written.
    pub(super) fn unanswered() -> Self {
        let outcome = Outcome::Ok;
        let reply = Reply {
            outcome,
            ..Reply::unknown()
        };
        let bytes_hash = 0;
        Self::Reply { reply, bytes_hash }
    }
}

/// Tells what passed on a link that is not gated.
pub(super) fn tell_passed(meaning: Meaning, tell: &mut Tell) {
    let bytes_hash = 0;
    match meaning {
        Meaning::Request(text) => tell(TapEvent::Request { text, bytes_hash }),
        Meaning::Unanswered(text) => {
            tell(TapEvent::Request { text, bytes_hash });
            tell(TapEvent::unanswered());
        }
        Meaning::ReplyEnd(reply) => tell(TapEvent::Reply { reply, bytes_hash }),
        Meaning::Push(text) => tell(TapEvent::Pushed(text)),
        Meaning::Session { session } => tell(TapEvent::Session(session)),
        Meaning::Opaque(reason) => tell(TapEvent::Opaque(reason)),
        _ => {}
    }
}

/// What the dispatcher lets a tap do.
#[derive(Debug)]
pub enum Permit {
    /// Forwards the held request; its reply passes as it comes, but for its last piece.
    Release,
    /// Forwards the held request; its reply is held back as a whole.
    Forward,
    /// Answers the held request with an error, and does not forward it; where that cannot be, it
    /// is released.
    Forge(ForgedError),
    /// Forwards the held request, and gives it to the service once more, where that can be, before
    /// its reply is complete; the reply to that is thrown away.
    Duplicate(Duplicate),
    /// Delivers the reply that is held back.
    Deliver,
    /// Throws the held reply away, resets the instance's side and closes the service's.
    Drop,
    /// Forgets what was not forwarded, as the instance is dead, and ends the link.
    Abandon,
    /// Forgets what was not forwarded, and keeps the service from hearing that the instance is
    /// dead, until the link is abandoned.
    Strand,
    /// Forgets what was not forwarded, as the service is gone, and passes its last words on.
    Desert,
    /// Drops the instance's packets, or no longer.
    Deafen(bool),
    /// Ends the service's side, of which the instance hears nothing until the link is dropped: what
    /// it sends is thrown away.
    Detach,
}

/// Tells the dispatcher what happened on one link.
pub type Tell = Box<dyn FnMut(TapEvent)>;
