//! Any protocol: bursts of bytes.
//!
//! A request is what one call brings from the instance while none is open; its reply is what the
//! next call brings from the service. All else passes: more bytes of the instance before the first
//! one back, more bytes of the service after it, a greeting. So, as nowhere else, the split into
//! calls decides what the marks are, the first part of a reply stands for the whole, and a service
//! that speaks unasked is not seen to answer. The bias: steps are too many or cut in odd places,
//! never missing, and each counts as a write that may free any lock.

use crate::{Codec, Mark, Meaning, Protocol, Side};
use twiceproof_model::{Outcome, Reply};

/// The protocol of links that nothing here can read.
pub(crate) struct Opaque;

impl Protocol for Opaque {
    fn name(&self) -> &'static str {
        "opaque"
    }

    fn doc(&self) -> &'static str {
        "Any protocol over TCP: a request is a burst of bytes until the first byte back."
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(Bursts::default())
    }
}

/// How far the two streams are, and whether a burst waits for its first byte back.
#[derive(Default)]
struct Bursts {
    instance: u64,
    service: u64,
    is_open: bool,
}

impl Codec for Bursts {
    fn feed(&mut self, side: Side, bytes: &[u8], marks: &mut Vec<Mark>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len() as u64;
        let was_open = self.is_open;
        let (end, meaning) = match side {
            Side::Instance => {
                self.instance += length;
                self.is_open = true;
                let burst = Meaning::Request("burst".to_owned());
                (self.instance, if was_open { Meaning::Pass } else { burst })
            }
            Side::Service => {
                self.service += length;
                self.is_open = false;
                let reply = Meaning::ReplyEnd(reply());
                (self.service, if was_open { reply } else { Meaning::Pass })
            }
        };
        marks.push(Mark { end, meaning });
    }

    fn end(&mut self, _: Side, _: &mut Vec<Mark>) {}
}

/// Returns what can be said of a burst that was answered: nothing, so the worst.
fn reply() -> Reply {
    Reply {
        outcome: Outcome::Ok,
        tags: Vec::new(),
        writes: true,
        frees_locks: true,
    }
}
