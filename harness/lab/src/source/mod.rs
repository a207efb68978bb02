//! State sources: how the state of a service is read, apart from how the service is run.
//!
//! Each kind of service calls the source it needs; there is no second registry (see
//! `docs/decisions`).

pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod mail;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod sqlite;

use crate::service::{CONTENT_BYTES_MAX, KnownContents};
use std::sync::Arc;
use twiceproof_model::digest::Hasher;
use twiceproof_model::snapshot::{Column, Content, Object, ObjectName};

/// Returns whether the target compares this object: by its whole name `public.members`, or by what
/// stands behind the schema or the file, `members`. No pattern at all compares everything.
pub(crate) fn is_compared(patterns: &[String], object: &str) -> bool {
    let last = object.rsplit(['.', ':']).next().unwrap_or(object);
    let names = |pattern: &String| glob(pattern, object) || glob(pattern, last);
    patterns.is_empty() || patterns.iter().any(names)
}

/// Returns whether the pattern, in which `*` stands for any run of characters, describes the whole
/// text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Returns an object whose rows are all at hand, and hashes them by their text, whatever their
/// order.
///
/// Rows beyond [`CONTENT_BYTES_MAX`] are counted and hashed, but not kept.
pub(crate) fn object_of_rows(
    known: &mut KnownContents,
    name: ObjectName,
    columns: Vec<Column>,
    mut rows: Vec<Vec<Option<String>>>,
) -> Object {
    rows.sort_unstable();
    let mut hasher = Hasher::new("rows 1");
    for row in &rows {
        hasher.field("row");
        for cell in row {
            match cell {
                Some(text) => hasher.field(text),
                None => hasher.bytes(&[]),
            }
            hasher.field(if cell.is_some() { "text" } else { "null" });
        }
    }
    let hash = hasher.finish().to_string();
    let count = rows.len() as u64;
    let content = known.get(&name, &hash).or_else(|| {
        let content = Content { columns, rows };
        keep(known, name, hash.clone(), content)
    });
    Object {
        hash,
        count,
        content,
    }
}

/// Keeps a content under this hash, unless it is too large to be kept.
pub(crate) fn keep(
    known: &mut KnownContents,
    name: ObjectName,
    hash: String,
    content: Content,
) -> Option<Arc<Content>> {
    if content_bytes(&content) > CONTENT_BYTES_MAX {
        return None;
    }
    let content = Arc::new(content);
    known.insert(name, hash, content.clone());
    Some(content)
}

/// Returns about how much memory a content takes.
pub(crate) fn content_bytes(content: &Content) -> usize {
    let cell =
        |cell: &Option<String>| size_of::<Option<String>>() + cell.as_ref().map_or(0, String::len);
    content.rows.iter().flatten().map(cell).sum()
}

/// Returns a column of plain text.
pub(crate) fn text_column(name: &str, key: bool) -> Column {
    Column {
        name: name.to_owned(),
        key,
        ..Column::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_objects_by_whole_or_last_name() {
        let check = |pattern: &str, object: &str, expect: bool| {
            let patterns = [pattern.to_owned()];
            assert_eq!(
                is_compared(&patterns, object),
                expect,
                "{pattern} on {object}"
            );
        };
        check("members", "public.members", true);
        check("public.members", "public.members", true);
        check("member", "public.members", false);
        check("mem*", "public.members", true);
        check("*.mem*s", "public.members", true);
        check("points.db:*", "points.db:members", true);
        check("*", "(schema)", true);
        check("a*a", "a", false);
        check("", "public.members", false);
        assert!(is_compared(&[], "anything"));
    }
}
