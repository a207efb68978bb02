//! Requests of HTTP as rows: one for each that changed something.

use super::{object_of_rows, text_column};
use crate::service::KnownContents;
use std::collections::BTreeSet;
use twiceproof_model::digest::Digest;
use twiceproof_model::effect::REQUESTS;
use twiceproof_model::snapshot::{Object, ObjectName};
use twiceproof_wire::http1::{RequestHead, path_and_query};

/// Most bytes of a body that a row shows; all of it is hashed.
const BODY_BYTES_MAX: usize = 4 << 10;
/// Parts of names in a query whose values are secrets.
const SECRETS: &[&str] = &[
    "token",
    "secret",
    "passw",
    "signature",
    "credential",
    "auth",
];
/// Names in a query whose values are secrets.
const SECRET_NAMES: &[&str] = &["key", "api_key", "apikey", "api-key", "sig", "code"];

/// One request that a service took.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Taken {
    /// Its idempotency key.
    pub(crate) key: Option<String>,
    method: String,
    path: String,
    query: String,
    headers: String,
    body_hash: String,
    body: String,
}

impl Taken {
    /// Returns a request with this body, and of its headers those that are compared, by names in
    /// lowercase. `key` names the one that holds the idempotency key.
    pub(crate) fn of(head: &RequestHead, body: &[u8], compared: &[String], key: &str) -> Self {
        let (path, query) = path_and_query(&head.target);
        let headers = head.headers.iter();
        let mut headers: Vec<String> = headers
            .filter(|(name, _)| compared.contains(name))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort();
        let text = String::from_utf8_lossy(body);
        let shown = &text[..text.floor_char_boundary(BODY_BYTES_MAX)];
        Self {
            key: head
                .header(key)
                .filter(|key| !key.is_empty())
                .map(str::to_owned),
            method: head.method.clone(),
            path: path.to_owned(),
            query: sorted(query.unwrap_or_default()),
            headers: headers.join("\n"),
            body_hash: Digest::of(body).short(),
            body: shown.to_owned(),
        }
    }

    /// Returns how many bytes it takes.
    pub(crate) fn length(&self) -> usize {
        let texts = [
            &self.method,
            &self.path,
            &self.query,
            &self.headers,
            &self.body,
        ];
        texts.iter().map(|text| text.len()).sum()
    }
}

/// Returns a query with its parts in order and without secrets.
fn sorted(query: &str) -> String {
    let masked = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=?"),
        _ => pair.to_owned(),
    });
    let mut parts: Vec<String> = masked.collect();
    parts.sort();
    parts.join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str()) || SECRETS.iter().any(|part| name.contains(part))
}

/// Returns the object of these requests.
///
/// A request with an idempotency key is one effect however often it comes; without one every
/// request is an effect of its own.
pub(crate) fn object(taken: &[Taken], name: ObjectName, known: &mut KnownContents) -> Object {
    let columns = REQUESTS
        .columns
        .iter()
        .map(|name| text_column(name, false))
        .collect();
    let mut keyed = BTreeSet::new();
    let mut rows = Vec::new();
    for taken in taken {
        if taken.key.is_some() && !keyed.insert(taken) {
            continue;
        }
        let texts = [
            &taken.method,
            &taken.path,
            &taken.query,
            &taken.headers,
            &taken.body_hash,
            &taken.body,
        ];
        let mut row = vec![taken.key.clone()];
        row.extend(texts.map(|text| Some(text.clone())));
        rows.push(row);
    }
    object_of_rows(known, name, columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_sorted_and_hold_no_secrets() {
        assert_eq!(
            sorted("b=2&access_token=hunter2&a=1&key=hunter2"),
            "a=1&access_token=?&b=2&key=?"
        );
        assert_eq!(sorted(""), "");
    }
}
