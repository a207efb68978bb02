//! Heads of messages: strict, so that no other reader can have framed them differently.

use super::Flaw;
use super::line::Line;

/// Longest head of a message.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// Longest method.
const METHOD_BYTES_MAX: usize = 32;
/// Most digits of a content length.
const LENGTH_DIGITS_MAX: usize = 18;
/// Methods that ask and change nothing (RFC 9110, section 9.2.1).
const SAFE_METHODS: &[&str] = &["GET", "HEAD", "OPTIONS", "TRACE"];

/// Where a body ends (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With the stream.
    ToEnd,
}

/// First line and headers.
#[derive(Debug, Default)]
pub struct Head {
    first: String,
    headers: Vec<(String, String)>,
}

/// Reads one head, piece by piece.
#[derive(Debug, Default)]
pub struct HeadReader {
    line: Line,
    length: usize,
    head: Option<Head>,
}

impl HeadReader {
    /// Takes bytes off the front, up to the empty line that ends the head; returns the head then.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Head>, Flaw> {
        while !bytes.is_empty() {
            let room = HEAD_BYTES_MAX - self.length;
            let Some(line) = self.line.take(bytes, room)? else {
                return Ok(None);
            };
            self.length = (self.length + line.len() + 2).min(HEAD_BYTES_MAX);
            match &mut self.head {
                // An empty line before the first one is an old habit (RFC 9112, section 2.2).
                None if line.is_empty() => {}
                None => {
                    self.head = Some(Head {
                        first: String::from_utf8_lossy(&line).into_owned(),
                        headers: Vec::new(),
                    });
                }
                Some(_) if line.is_empty() => return Ok(self.head.take()),
                Some(head) => head.headers.push(header(&line)?),
            }
        }
        Ok(None)
    }

    /// Returns whether nothing of a head has come.
    pub fn is_empty(&self) -> bool {
        self.length == 0 && self.line.is_empty()
    }
}

/// Reads one header. Its name is returned in lowercase.
pub(super) fn header(line: &[u8]) -> Result<(String, String), Flaw> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err("a header folded over two lines");
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.ok_or("a header without a colon")?);
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err("a header with a strange name");
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let value = String::from_utf8_lossy(value[1..].trim_ascii()).into_owned();
    Ok((name, value))
}

/// Returns whether names are made of this byte (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl Head {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Returns the framing that the headers name; `None` if they name none.
    fn framing(&self, is_old: bool) -> Result<Option<Framing>, Flaw> {
        let mut codings = self.values("transfer-encoding");
        let mut lengths = self.values("content-length");
        let (coding, length) = (codings.next(), lengths.next());
        if codings.next().is_some() || lengths.next().is_some() {
            return Err("a length that is given twice");
        }
        match (coding, length) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err("a length and a transfer coding"),
            (Some(_), None) if is_old => Err("a transfer coding in HTTP/1.0"),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => {
                Ok(Some(Framing::Chunked))
            }
            (Some(_), None) => Err("an unknown transfer coding"),
            (None, Some(length)) => {
                let is_number = !length.is_empty()
                    && length.len() <= LENGTH_DIGITS_MAX
                    && length.bytes().all(|byte| byte.is_ascii_digit());
                let number = length.parse().ok().filter(|_| is_number);
                number
                    .map(|number| Some(Framing::Length(number)))
                    .ok_or("a length that is no number")
            }
        }
    }
}

/// The head of a request.
#[derive(Debug)]
pub struct RequestHead {
    /// The method, as sent.
    pub method: String,
    /// The target, as sent.
    pub target: String,
    /// Whether it speaks HTTP/1.0.
    pub is_old: bool,
    /// Where its body ends.
    pub framing: Framing,
    /// Whether its body waits for a `100 Continue`.
    pub expects_continue: bool,
    /// Names, in lowercase, and values, in order.
    pub headers: Vec<(String, String)>,
}

impl RequestHead {
    /// Reads a head as that of a request.
    pub fn read(head: Head) -> Result<Self, Flaw> {
        let mut words = head.first.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("no request of HTTP");
        };
        let is_method =
            !method.is_empty() && method.len() <= METHOD_BYTES_MAX && method.bytes().all(is_token);
        let is_old = match version {
            _ if !is_method || target.is_empty() => return Err("no request of HTTP"),
            "HTTP/1.1" => false,
            "HTTP/1.0" => true,
            "HTTP/2.0" => return Err("HTTP/2"),
            _ => return Err("no request of HTTP"),
        };
        let is_call = |value: &str| value.eq_ignore_ascii_case("100-continue");
        let expects_continue = !is_old && head.values("expect").any(is_call);
        Ok(Self {
            framing: head.framing(is_old)?.unwrap_or(Framing::None),
            method: method.to_owned(),
            target: target.to_owned(),
            is_old,
            expects_continue,
            headers: head.headers,
        })
    }

    /// Returns the value of the first header of this name, which is in lowercase.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Returns whether the method may change something: every one but those that are defined not
    /// to.
    pub fn writes(&self) -> bool {
        !SAFE_METHODS.contains(&self.method.as_str())
    }

    /// Returns whether the connection stays open for another request.
    pub fn keeps_alive(&self) -> bool {
        let named = |word: &str| {
            let values = self.headers.iter().filter(|(key, _)| key == "connection");
            let mut words = values.flat_map(|(_, value)| value.split(','));
            words.any(|other| other.trim().eq_ignore_ascii_case(word))
        };
        !named("close") && (!self.is_old || named("keep-alive"))
    }
}

/// The head of a response.
#[derive(Debug)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) framing: Framing,
}

impl ResponseHead {
    /// Reads a head as that of a response, to a request whose replies have a body or not.
    pub(super) fn read(head: &Head, is_bodiless: bool) -> Result<Self, Flaw> {
        let (version, rest) = head.first.split_once(' ').unwrap_or((&head.first, ""));
        let is_old = match version {
            "HTTP/1.1" => false,
            "HTTP/1.0" => true,
            _ => return Err("no response of HTTP"),
        };
        let code = rest.split(' ').next().unwrap_or_default();
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        let status = code.parse().ok().filter(|_| is_code);
        let status: u16 = status.ok_or("no response of HTTP")?;
        let framing = match status {
            0..100 => return Err("no response of HTTP"),
            100..200 | 204 | 304 => Framing::None,
            _ if is_bodiless => Framing::None,
            _ => head.framing(is_old)?.unwrap_or(Framing::ToEnd),
        };
        Ok(Self { status, framing })
    }
}
