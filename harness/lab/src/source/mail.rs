//! Mails as rows: one per recipient, told by what their sender decided and not by what each sending
//! makes anew.

use super::{object_of_rows, text_column};
use crate::service::KnownContents;
use std::collections::BTreeSet;
use twiceproof_model::digest::Digest;
use twiceproof_model::effect::MAILS;
use twiceproof_model::snapshot::{Object, ObjectName};

/// Most bytes of a body that a row shows; all of it is hashed.
const BODY_BYTES_MAX: usize = 4 << 10;

/// Most bytes of one header line, unfolded, that are kept.
const HEADER_BYTES_MAX: usize = 1 << 10;

/// One mail as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Address of the envelope's sender.
    pub(crate) from: String,
    /// Addresses of the envelope's recipients.
    pub(crate) to: Vec<String>,
    /// Headers and body, without the dots that the wire adds.
    pub(crate) data: Vec<u8>,
}

/// Returns the object of these mails.
///
/// A mail whose sender gave it a `Message-ID` is one effect however often it comes; without one
/// every delivery is an effect of its own, told by recipient, subject and body.
pub(crate) fn object(mails: &[Mail], name: ObjectName, known: &mut KnownContents) -> Object {
    let columns = MAILS
        .columns
        .iter()
        .map(|name| text_column(name, false))
        .collect();
    let mut keyed = BTreeSet::new();
    let mut rows = Vec::new();
    for mail in mails {
        let read = Read::of(&mail.data);
        for to in &mail.to {
            let row = vec![
                read.message_id.clone(),
                Some(mail.from.clone()),
                Some(to.clone()),
                Some(read.subject.clone()),
                Some(read.body_hash.clone()),
                Some(read.body.clone()),
            ];
            if read.message_id.is_none() || keyed.insert(row.clone()) {
                rows.push(row);
            }
        }
    }
    object_of_rows(known, name, columns, rows)
}

/// What is compared of a mail's text. The date and other headers are made anew by each sending.
struct Read {
    message_id: Option<String>,
    subject: String,
    body_hash: String,
    body: String,
}

impl Read {
    fn of(data: &[u8]) -> Self {
        let text = String::from_utf8_lossy(data).replace("\r\n", "\n");
        let (headers, body) = match text.strip_prefix('\n') {
            Some(body) => ("", body),
            None => text.split_once("\n\n").unwrap_or((&text, "")),
        };
        let headers = unfold(headers);
        let find = |name: &str| {
            let named = headers
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.clone())
        };
        // Libraries draw the line between parts at random; it is no part of the message.
        let boundary = find("content-type").and_then(|value| boundary(&value));
        let body = match boundary {
            Some(boundary) => body.replace(&boundary, "boundary"),
            None => body.to_owned(),
        };
        let mut shown = body.as_str();
        if shown.len() > BODY_BYTES_MAX {
            shown = &shown[..shown.floor_char_boundary(BODY_BYTES_MAX)];
        }
        Self {
            message_id: find("message-id").filter(|id| !id.is_empty()),
            subject: find("subject").unwrap_or_default(),
            body_hash: Digest::of(body.as_bytes()).short(),
            body: shown.trim_end_matches('\n').to_owned(),
        }
    }
}

/// Returns the headers in order, each on one line.
fn unfold(headers: &str) -> Vec<(String, String)> {
    let mut unfolded: Vec<(String, String)> = Vec::new();
    for line in headers.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = unfolded.last_mut()
                && value.len() < HEADER_BYTES_MAX
            {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            let mut value = value.trim();
            value = &value[..value.floor_char_boundary(HEADER_BYTES_MAX)];
            unfolded.push((key.trim().to_owned(), value.to_owned()));
        }
    }
    unfolded
}

/// Returns the boundary that a `Content-Type` names, if it is long enough to stand for nothing
/// else.
fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary=")?;
    let rest = content_type.get(at + "boundary=".len()..)?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([';', ' ']).next()?,
    };
    (value.len() >= 8).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(mails: &[(&str, &str)]) -> Vec<String> {
        let mails: Vec<Mail> = mails
            .iter()
            .map(|(to, data)| Mail {
                from: "job@x.test".to_owned(),
                to: to.split(' ').map(str::to_owned).collect(),
                data: data.replace('\n', "\r\n").into_bytes(),
            })
            .collect();
        let name = ObjectName::new(&"mail".into(), "(mails)");
        let object = object(&mails, name, &mut KnownContents::default());
        let content = object.content.expect("it is small");
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
        let row =
            |row: &Vec<Option<String>>| [0, 2, 3, 5].map(|column| cell(&row[column])).join("|");
        content.rows.iter().map(row).collect()
    }

    #[test]
    fn a_row_per_recipient() {
        let mail = "Subject: Points\nDate: now\n\nYou have 5.\n";
        assert_eq!(
            rows(&[("ann@x.test bob@x.test", mail)]),
            [
                "-|ann@x.test|Points|You have 5.",
                "-|bob@x.test|Points|You have 5."
            ]
        );
    }

    #[test]
    fn a_mail_with_a_key_counts_once() {
        let keyed = "Message-ID: <1@x>\nSubject: a\n\nb\n";
        assert_eq!(
            rows(&[("ann@x.test", keyed), ("ann@x.test", keyed)]).len(),
            1
        );
        let bare = "Subject: a\n\nb\n";
        assert_eq!(rows(&[("ann@x.test", bare), ("ann@x.test", bare)]).len(), 2);
    }

    #[test]
    fn what_sending_makes_anew_is_left_out() {
        let mail = |boundary: &str, date: &str| {
            format!(
                "Subject: a\n b\nDate: {date}\nContent-Type: multipart/mixed;\n \
                 boundary=\"{boundary}\"\n\n--{boundary}\ntext\n--{boundary}--\n"
            )
        };
        let first = rows(&[("ann@x.test", &mail("===============111==", "Mon"))]);
        assert_eq!(
            first,
            rows(&[("ann@x.test", &mail("===============222==", "Tue"))])
        );
        assert_eq!(first, ["-|ann@x.test|a b|--boundary\ntext\n--boundary--"]);
    }

    #[test]
    fn any_bytes_are_read() {
        for data in [
            "",
            "\n",
            "x",
            ":",
            "\u{1}\n\n\u{0}",
            " folded\n\nbody",
            "Content-Type: boundary=",
        ] {
            assert_eq!(rows(&[("ann@x.test", data)]).len(), 1, "{data:?}");
        }
    }
}
