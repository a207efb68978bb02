//! Bytes to whole requests.

use twiceproof_wire::http1::{Body, Flaw, HeadReader, RequestHead};

/// Most bytes of a request's body.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;

/// What has come of a request.
pub(super) enum Progress {
    /// Its body waits to be called for.
    Waits,
    /// All of it.
    Whole(RequestHead, Vec<u8>),
}

/// Reads requests, one after the other.
#[derive(Debug, Default)]
pub(super) struct RequestReader {
    head: HeadReader,
    /// What follows the head that was read last.
    rest: Option<(RequestHead, Body, Vec<u8>)>,
}

impl RequestReader {
    /// Takes bytes off the front, up to the next thing to say of a request.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Progress>, Flaw> {
        loop {
            if let Some((_, body, content)) = &mut self.rest {
                while !body.is_done() && !bytes.is_empty() {
                    content.extend_from_slice(body.take(bytes)?);
                    if content.len() > BODY_BYTES_MAX {
                        return Err(TOO_LARGE);
                    }
                }
                if !body.is_done() {
                    return Ok(None);
                }
                let (head, _, content) = self.rest.take().expect("it is there");
                return Ok(Some(Progress::Whole(head, content)));
            }
            let Some(head) = self.head.take(bytes)? else {
                return Ok(None);
            };
            self.head = HeadReader::default();
            let head = RequestHead::read(head)?;
            let body = Body::new(head.framing);
            let waits = head.expects_continue && !body.is_done();
            self.rest = Some((head, body, Vec::new()));
            if waits {
                return Ok(Some(Progress::Waits));
            }
        }
    }
}

/// The flaw of a request that is longer than [`BODY_BYTES_MAX`].
pub(super) const TOO_LARGE: Flaw = "a body of more than 16 MiB";
