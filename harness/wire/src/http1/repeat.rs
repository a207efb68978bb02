//! Web requests that reach the service twice, as where a proxy tries again.

use super::body::Body;
use super::head::{HeadReader, ResponseHead};
use super::{Exchange, Up};
use crate::Part;

impl Exchange {
    /// Repeats the oldest request, of which these are the bytes.
    pub(super) fn repeated(&self, request: &[u8]) -> Option<Vec<Part>> {
        let open = self.open.front().filter(|_| !self.is_opaque)?;
        // Of a request whose body passes behind it, the bytes are not at hand.
        let is_whole = open.is_marked && !matches!(self.instance, Up::Body(_, None));
        let is_plain = !open.is_bodiless && !open.is_connect && !open.awaits_go;
        (is_whole && is_plain).then(|| {
            vec![Part {
                bytes: request.to_vec(),
                end: end_of_response,
            }]
        })
    }
}

/// Returns how many of the bytes the first final response has, once it is whole.
fn end_of_response(bytes: &[u8], is_end: bool) -> Option<usize> {
    let mut rest = bytes;
    loop {
        // What cannot be read is an answer all the same.
        let Ok(head) = HeadReader::default().take(&mut rest) else {
            return Some(bytes.len());
        };
        let Some(head) = head else {
            return (is_end && !bytes.is_empty()).then_some(bytes.len());
        };
        let Ok(response) = ResponseHead::read(&head, false) else {
            return Some(bytes.len());
        };
        if (100..200).contains(&response.status) {
            continue;
        }
        let mut body = Body::new(response.framing);
        while !rest.is_empty() && !body.is_done() {
            if body.take(&mut rest).is_err() {
                return Some(bytes.len());
            }
        }
        return (body.is_done() || is_end).then_some(bytes.len() - rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_responses() {
        #[track_caller]
        fn check(bytes: &[u8], is_end: bool, expect: Option<usize>) {
            assert_eq!(end_of_response(bytes, is_end), expect);
        }
        let sized = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        check(sized, false, Some(sized.len()));
        check(&sized[..sized.len() - 1], false, None);
        check(&sized[..10], false, None);
        check(&sized[..10], true, Some(10));
        let chunked = b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        check(chunked, false, Some(chunked.len()));
        let to_end = b"HTTP/1.0 200 OK\r\n\r\nall";
        check(to_end, false, None);
        check(to_end, true, Some(to_end.len()));
        let after = [&b"HTTP/1.1 103 Early\r\n\r\n"[..], sized].concat();
        check(&after, false, Some(after.len()));
        check(b"", true, None);
        check(b"hunter2\r\n\r\n", false, Some(11));
    }
}
