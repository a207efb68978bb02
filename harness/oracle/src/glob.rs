//! Patterns of target files: `*` stands for any run of characters, nothing else is special.

/// Returns whether the pattern describes the whole text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the last star stood, and how much of the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, from));
            at += 1;
        } else if pattern.get(at) == Some(&text[from]) {
            at += 1;
            from += 1;
        } else if let Some((star_at, swallowed)) = star {
            star = Some((star_at, swallowed + 1));
            at = star_at + 1;
            from = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Returns whether the pattern describes a prefix of the text.
pub fn matches_prefix(pattern: &str, text: &str) -> bool {
    matches(&format!("{pattern}*"), text)
}

/// Returns whether the pattern names the object: by its whole name `public.members`, or by what
/// stands behind the schema or the file, `members`.
pub fn names_object(pattern: &str, object: &str) -> bool {
    let last = object.rsplit(['.', ':']).next().unwrap_or(object);
    matches(pattern, object) || matches(pattern, last)
}

/// Returns whether a `table.column` pattern names this column of this object.
pub fn names_column(pattern: &str, object: &str, column: &str) -> bool {
    pattern
        .rsplit_once('.')
        .is_some_and(|(table, name)| names_object(table, object) && matches(name, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, text, expect) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("*b*b*", "abab", true),
            ("SELECT * FROM t", "SELECT a, b FROM t", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
        assert!(matches_prefix("UPDATE mem", "UPDATE members SET a = ?"));
    }

    #[test]
    fn objects_may_be_named_without_their_schema() {
        assert!(names_column(
            "members.updated_at",
            "public.members",
            "updated_at"
        ));
        assert!(names_column(
            "*.updated_at",
            "points.db:members",
            "updated_at"
        ));
        assert!(names_column("public.members.*", "public.members", "id"));
        assert!(!names_column("ledger.id", "public.members", "id"));
        assert!(!names_column("members", "public.members", "id"));
    }
}
