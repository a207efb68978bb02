//! Forged errors of web services. The service hears nothing, and the link ends behind the reply, as
//! `Connection: close` says: a body that still comes belongs to no request of the service.

use super::{Down, Exchange, Up};
use crate::forge::{Errors, Forgery, is_status, text_of};

/// What can be forged.
pub(super) const ERRORS: Errors = Errors {
    doc: "a status from 400 to 599, such as 503",
    fits: is_error,
};

/// The phrases that go with statuses.
const PHRASES: &[(&str, &str)] = &[
    ("408", "Request Timeout"),
    ("409", "Conflict"),
    ("429", "Too Many Requests"),
    ("500", "Internal Server Error"),
    ("502", "Bad Gateway"),
    ("503", "Service Unavailable"),
    ("504", "Gateway Timeout"),
];

fn is_error(text: &str) -> bool {
    is_status(text, b"45")
}

impl Exchange {
    /// Forges an error as the response to the oldest request.
    pub(super) fn forged(&self, status: &str) -> Option<Forgery> {
        let open = self.open.front().filter(|_| !self.is_opaque)?;
        let is_between = matches!(&self.service, Down::Head(reader) if reader.is_empty())
            && self.down.offset == self.down.marked;
        // A body on its way, unread at the end of the link, would take the reply with it.
        let has_body_to_come = matches!(self.instance, Up::Body(_, None)) && !open.awaits_go;
        let is_whole = open.is_marked && open.early.is_none() && !has_body_to_come;
        if !is_error(status) || !is_between || !is_whole {
            return None;
        }
        let phrase = text_of(PHRASES, status, "Injected Error");
        let reply =
            format!("HTTP/1.1 {status} {phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Some(Forgery::unheard(reply.into_bytes()).and_end())
    }
}
