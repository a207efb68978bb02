//! Tables of replies: what a recording web service answers, as a file that people write.

use crate::diag::{Diag, code};
use crate::file::{Fields, Form, Format, Reader, Section};
use crate::kind::{Key, KeyType, Kinds};
use std::path::Path;

const METHOD: Key = Key {
    name: "method",
    value: KeyType::Text,
    required: false,
    default: "*",
    doc: "Method of the requests that it answers.",
};
const PATH: Key = Key {
    name: "path",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "Path of the requests that it answers, without query; `*` stands for any characters.",
};
const STATUS: Key = Key {
    name: "status",
    value: KeyType::Integer { min: 200, max: 599 },
    required: false,
    default: "200",
    doc: "Status of the reply; a request that is answered with 400 or more has no effect.",
};
const HEADERS: Key = Key {
    name: "headers",
    value: KeyType::TextTable,
    required: false,
    default: "{}",
    doc: "Headers of the reply, beside `Content-Length`.",
};
const BODY: Key = Key {
    name: "body",
    value: KeyType::Text,
    required: false,
    default: "none",
    doc: "Body of the reply.",
};
const REPLY: Section = Section {
    name: "reply",
    form: Form::List,
    doc: "One reply; of several that fit a request the first is given.",
    keys: &[METHOD, PATH, STATUS, HEADERS, BODY],
};

/// The format of tables of replies.
pub const FORMAT: Format = Format {
    name: "table of replies",
    doc: "What a service of kind `http` answers: the file that its option `replies` names.",
    keys: &[],
    sections: &[REPLY],
};

/// One reply of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplySpec {
    /// Method of the requests that it answers; `*`: any.
    pub method: String,
    /// Pattern over their paths, in which `*` stands for any characters.
    pub path: String,
    /// Status, from 200.
    pub status: u16,
    /// Headers beside those that frame the body.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// Headers that the service sets itself.
const FRAMING: &[&str] = &["content-length", "transfer-encoding", "connection"];

/// Reads a table of replies, or returns every error in it. `file` is its name in diagnostics.
pub fn parse(text: &str, file: &Path) -> Result<Vec<ReplySpec>, Vec<Diag>> {
    let kinds = Kinds {
        services: &[],
        triggers: &[],
        checks: &[],
        stages: &[],
        faults: &[],
        causes: &[],
    };
    let mut reader = Reader::new(file, &kinds);
    let content = reader.content(&FORMAT, text);
    let mut replies = Vec::new();
    for (_, fields) in content.all(&REPLY) {
        check_path(&mut reader, fields);
        check_headers(&mut reader, fields);
        replies.push(ReplySpec {
            method: fields.text_or_default(&METHOD),
            path: fields.text_or_empty(&PATH),
            status: fields.integer_or_default(&STATUS),
            headers: fields.pairs(&HEADERS).into_iter().collect(),
            body: fields.text(&BODY).unwrap_or_default().to_owned(),
        });
    }
    reader.finish(replies)
}

fn check_path(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    let Some(path) = fields.text(&PATH) else {
        return;
    };
    if !path.starts_with(['/', '*']) || path.contains('?') {
        let message = format!("`{path}` is no pattern of a path");
        let help = "write path = \"/charge/*\"; the query is not looked at".to_owned();
        reader.report(code::TYPE, message, fields.place(&PATH), help);
    }
}

fn check_headers(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    for (name, value) in fields.pairs(&HEADERS) {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let flaw = match () {
            () if !name.bytes().all(token) => "is no name of a header",
            () if value.contains(char::is_control) => "has a value that is not one line of text",
            () if FRAMING.contains(&name.to_ascii_lowercase().as_str()) => {
                "is set by the service itself"
            }
            () => continue,
        };
        let message = format!("header `{name}` {flaw}");
        let help = HEADERS.doc.to_owned();
        reader.report(code::TYPE, message, fields.place(&HEADERS), help);
    }
}
