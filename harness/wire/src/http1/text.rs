//! Requests to texts that are the same in every run and hold no secrets.

use super::RequestHead;
use crate::sql::{cut, printable};

/// Longest text of a request, in bytes.
const TEXT_BYTES_MAX: usize = 512;
/// Longest part of a path that is shown; a longer one may be a token.
const SEGMENT_BYTES_MAX: usize = 40;
/// Most names of a query that are shown.
const NAMES_MAX: usize = 20;
/// Longest method that is shown.
const METHOD_CHARS_MAX: usize = 20;

/// Returns the text of a request's signature: `POST /charge/? idempotency-key=?`.
///
/// Of the path the words stay and the ids go, of the query the names stay. Headers show nothing,
/// but for the presence of an idempotency key. Bodies do not enter: they hold times and ids.
pub fn request_text(head: &RequestHead) -> String {
    let (path, query) = path_and_query(&head.target);
    let mut text = method(&head.method);
    text.push(' ');
    let parts: Vec<&str> = path.split('/').map(segment).collect();
    text.push_str(&parts.join("/"));
    if let Some(query) = query {
        let mut names: Vec<String> = query.split('&').map(parameter).collect();
        names.dedup();
        if names.len() > NAMES_MAX {
            names.truncate(NAMES_MAX);
            names.push("…".to_owned());
        }
        text.push('?');
        text.push_str(&names.join("&"));
    }
    if head.header("idempotency-key").is_some() {
        text.push_str(" idempotency-key=?");
    }
    let mut text = text.chars().map(printable).collect();
    cut(&mut text, TEXT_BYTES_MAX);
    text
}

/// Returns path and query of a request's target, whichever of its forms it has (RFC 9112, section
/// 3.2). What stands before the path, such as a user's name, is left out.
pub fn path_and_query(target: &str) -> (&str, Option<&str>) {
    let behind_scheme = target.split_once("://").filter(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    let target = match behind_scheme {
        Some((_, rest)) => rest.find(['/', '?']).map_or("/", |at| &rest[at..]),
        None if target.starts_with(['/', '*']) => target,
        // Of CONNECT: a host and its port.
        None => "?",
    };
    match target.split_once('?') {
        Some(("", "")) => ("?", None),
        Some(("", query)) => ("/", Some(query)),
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

fn method(method: &str) -> String {
    let is_word = method
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if is_word && method.len() <= METHOD_CHARS_MAX {
        method.to_owned()
    } else {
        "?".to_owned()
    }
}

/// Returns a part of a path if it is a word, and `?` if it may be an id or a value.
fn segment(segment: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte);
    let is_word = segment.len() <= SEGMENT_BYTES_MAX
        && segment.bytes().all(plain)
        && (!segment.bytes().any(|byte| byte.is_ascii_digit()) || is_version(segment));
    if is_word && !looks_random(segment) {
        segment
    } else {
        "?"
    }
}

/// Returns whether this names a version: `v1`, `v2beta3`.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else {
        return false;
    };
    let rest = rest.replacen("alpha", "", 1).replacen("beta", "", 1);
    (1..=4).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a long word mixes its cases as random ones do.
fn looks_random(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let changes = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    bytes.len() >= 16 && changes.count() > 3
}

/// Returns `name=?`, or `?` if the name may be a value.
fn parameter(pair: &str) -> String {
    let Some((name, _)) = pair.split_once('=') else {
        return "?".to_owned();
    };
    let plain = |byte: u8| byte.is_ascii_alphabetic() || b"-_.[]".contains(&byte);
    if name.len() <= SEGMENT_BYTES_MAX && name.bytes().all(plain) && !looks_random(name) {
        format!("{name}=?")
    } else {
        "?=?".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::HeadReader;

    #[track_caller]
    fn check(first: &str, expect: &str) {
        let bytes = format!("{first} HTTP/1.1\r\nAuthorization: Bearer hunter2\r\n\r\n");
        let head = HeadReader::default().take(&mut bytes.as_bytes());
        let head = head.unwrap().expect("the head is whole");
        assert_eq!(request_text(&RequestHead::read(head).unwrap()), expect);
    }

    #[test]
    fn ids_and_values_are_masked() {
        check("POST /v1/charge/17", "POST /v1/charge/?");
        check("GET /", "GET /");
        check(
            "GET /m/6f1b0b1e-7c3c-4a5e-9c7e-0a4f2d3c4b5a/points",
            "GET /m/?/points",
        );
        check(
            "GET /v2beta1/a?limit=10&q=x&token=hunter2",
            "GET /v2beta1/a?limit=?&q=?&token=?",
        );
        check("GET /a?hunter2", "GET /a??");
        check("GET /a?tag[]=1&tag[]=2", "GET /a?tag[]=?");
        check("PUT /user/ann@example.com", "PUT /user/?");
        check("GET /hook/aBcDeFgHiJkLmNoPqRs", "GET /hook/?");
        check("GET http://ann:hunter2@pay/a/b?c=1", "GET /a/b?c=?");
        check("GET http://pay", "GET /");
        check("OPTIONS *", "OPTIONS *");
        check("CONNECT hunter2:443", "CONNECT ?");
        check("hunter2 /", "? /");
        check("GET /a%20b/c", "GET /?/c");
    }

    #[test]
    fn an_idempotency_key_is_seen() {
        let bytes = b"POST /a HTTP/1.1\r\nIdempotency-KEY: hunter2\r\n\r\n";
        let head = HeadReader::default().take(&mut &bytes[..]).unwrap();
        let head = RequestHead::read(head.expect("the head is whole")).unwrap();
        assert_eq!(request_text(&head), "POST /a idempotency-key=?");
    }
}
