//! Reads the findings that a scenario file says are known.

use super::{Expect, KnownSpec, keys};
use crate::diag::code;
use crate::file::{Content, Fields, Reader};
use crate::kind::Key;

/// Digits of a finding's id.
const ID_DIGITS: usize = 8;

/// Returns the known findings; what is wrong with them is told to the reader.
pub(super) fn read(
    reader: &mut Reader<'_>,
    content: &Content<'_>,
    expect: Expect,
) -> Vec<KnownSpec> {
    let mut known: Vec<KnownSpec> = Vec::new();
    for (name, fields) in content.all(&keys::KNOWN) {
        if expect == Expect::Violation {
            let message = "a known finding where a violation is expected".to_owned();
            let help = "remove the table: what is expected does not fail".to_owned();
            reader.report(code::TYPE, message, name.span.clone(), help);
            continue;
        }
        let finding = fields.text_or_empty(&keys::FINDING);
        check_id(reader, fields, &finding);
        if !finding.is_empty() && known.iter().any(|one| one.finding == finding) {
            let message = format!("finding `{finding}` is known twice");
            let help = "keep one table for each finding".to_owned();
            reader.report(code::TYPE, message, fields.place(&keys::FINDING), help);
        }
        for key in [&keys::TICKET, &keys::REASON] {
            check_text(reader, fields, key);
        }
        // A date that is missing or wrong has been reported.
        if let Some(until) = fields.date(&keys::KNOWN_UNTIL) {
            known.push(KnownSpec {
                finding,
                until,
                ticket: fields.text_or_empty(&keys::TICKET),
                reason: fields.text_or_empty(&keys::REASON),
            });
        }
    }
    known
}

fn check_id(reader: &mut Reader<'_>, fields: &Fields<'_>, finding: &str) {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_id = finding.len() == ID_DIGITS && finding.bytes().all(is_digit);
    if fields.text(&keys::FINDING).is_some() && !is_id {
        let message = "`finding` is no id of a finding".to_owned();
        let help = "8 lowercase hex digits, as `twiceproof list findings` prints them".to_owned();
        reader.report(code::TYPE, message, fields.place(&keys::FINDING), help);
    }
}

fn check_text(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &'static Key) {
    let Some(text) = fields.text(key) else {
        return;
    };
    if text.trim().is_empty() || text.contains(['\n', '\r']) {
        let message = format!("`{}` is not one line of text", key.name);
        reader.report(code::TYPE, message, fields.place(key), key.doc.to_owned());
    }
}
