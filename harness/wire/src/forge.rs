//! Forged error replies: what a tap does in a request's place, so that its instance is told of an
//! error that the service never made, and nothing that follows on the link gives that away.

/// How an error is forged as the reply to one request, which is not forwarded.
pub struct Forgery {
    /// What the service is sent in the request's place, as after a real error it would stand
    /// elsewhere; empty: nothing.
    pub instead: Vec<u8>,
    /// Makes the reply.
    pub finish: Finish,
    /// Whether the link ends behind the reply.
    pub ends: bool,
}

/// Makes a forged reply of what the service has said so far to [`Forgery::instead`]: how many of
/// these bytes belong to its answer, and the bytes that the instance is given in their place.
/// `None`: more must come first.
pub type Finish = Box<dyn Fn(&[u8]) -> Option<(usize, Vec<u8>)> + Send>;

impl Forgery {
    /// Returns one of which the service hears nothing.
    pub(crate) fn unheard(reply: Vec<u8>) -> Self {
        Self {
            instead: Vec::new(),
            finish: Box::new(move |_| Some((0, reply.clone()))),
            ends: false,
        }
    }

    /// Returns the same with the link's end behind it.
    pub(crate) fn and_end(self) -> Self {
        Self { ends: true, ..self }
    }
}

/// The error replies of a protocol that can be forged.
pub struct Errors {
    /// What they are, for people: `a SQLSTATE, such as 40001`.
    pub doc: &'static str,
    /// Returns whether the text is one.
    pub fits: fn(&str) -> bool,
}

/// Returns the text that goes with a code, or what stands for the others.
pub(crate) fn text_of(
    texts: &[(&str, &'static str)],
    code: &str,
    otherwise: &'static str,
) -> &'static str {
    let known = texts.iter().find(|(known, _)| *known == code);
    known.map_or(otherwise, |(_, text)| text)
}

/// Returns whether the text is a number of three digits, of which the first is one of these.
pub(crate) fn is_status(text: &str, first: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3 && bytes.iter().all(u8::is_ascii_digit) && first.contains(&bytes[0])
}
