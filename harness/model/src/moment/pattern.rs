//! Patterns over masked request texts, as moments hold them.

use crate::digest::Digest;
use crate::escape::is_hostile;

/// The longest pattern that a file can hold.
pub const PATTERN_BYTES_MAX: usize = 200;
/// The longest prefix that is printed; of longer texts a mark tells the rest.
const PREFIX_CHARS_MAX: usize = 60;
/// Bound on a printed prefix, so that it stays a pattern with its mark.
const PREFIX_BYTES_MAX: usize = 180;
/// How many hex digits a mark has.
const MARK_DIGITS: usize = 4;

/// Returns whether the pattern is that of a request with this masked text.
///
/// A pattern is a prefix of the text. In it `*` stands for any run of characters, also for none.
/// `?` is no wildcard: it is the character that masking puts in the place of a literal, and stands
/// for itself. A pattern that ends in `#` and 4 hex digits matches where what is before it is a
/// prefix and the digits are the first ones of the whole text's digest.
pub fn is_match(pattern: &str, masked_text: &str) -> bool {
    match split_mark(pattern) {
        None => is_prefix(pattern, masked_text),
        Some((prefix, mark)) => is_prefix(prefix, masked_text) && mark_of(masked_text) == mark,
    }
}

/// Returns the shortest pattern that matches the text and none of the others: a prefix that ends
/// with a word where it can, else one with a mark.
pub fn shortest_unique_prefix(text: &str, others: &[&str]) -> String {
    let is_unique = |pattern: &str| {
        let is_other = |other: &&&str| **other != text;
        !others
            .iter()
            .filter(is_other)
            .any(|other| is_match(pattern, other))
    };
    let ends = text
        .char_indices()
        .skip(1)
        .map(|(end, _)| end)
        .chain([text.len()]);
    for end in ends
        .take(PREFIX_CHARS_MAX)
        .take_while(|end| *end <= PREFIX_BYTES_MAX)
    {
        let (prefix, rest) = text.split_at(end);
        let is_inside = |character: char| character.is_alphanumeric() || character == '_';
        let cuts_word = prefix.ends_with(is_inside) && rest.starts_with(is_inside);
        if cuts_word || prefix.ends_with(char::is_whitespace) || prefix.is_empty() {
            continue;
        }
        let pattern = shown(prefix);
        if split_mark(&pattern).is_none() && is_unique(&pattern) {
            return pattern;
        }
    }
    marked(text)
}

/// Returns the pattern that matches this text by its mark: exact but for chance.
pub(super) fn marked(text: &str) -> String {
    let ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
    let end = ends
        .take(PREFIX_CHARS_MAX + 1)
        .take_while(|end| *end <= PREFIX_BYTES_MAX)
        .last();
    let prefix = shown(&text[..end.unwrap_or(0)]);
    format!("{prefix}#{}", mark_of(text))
}

/// Returns the prefix as patterns show it: what cannot be shown matches as `*`.
fn shown(prefix: &str) -> String {
    prefix
        .chars()
        .map(|character| {
            if is_hostile(character) {
                '*'
            } else {
                character
            }
        })
        .collect()
}

fn mark_of(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()[..MARK_DIGITS].to_owned()
}

/// Returns a pattern's prefix and mark, where it has one.
fn split_mark(pattern: &str) -> Option<(&str, &str)> {
    let (prefix, mark) = pattern.rsplit_once('#')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (mark.len() == MARK_DIGITS && mark.bytes().all(is_digit)).then_some((prefix, mark))
}

/// Returns whether the pattern without a mark matches a prefix of the text.
///
/// Every part between stars is found as early as it can be, which leaves the most for the others:
/// one pass is enough, and its time is bounded by the product of both lengths.
fn is_prefix(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            None => return false,
            Some(at) => rest = &rest[at + part.len()..],
        }
    }
    true
}
