//! Suggestions: what a person may have meant.

/// The longest text for which a suggestion is looked for.
const TEXT_CHARS_MAX: usize = 64;
/// The most choices that a help text lists.
const CHOICES_MAX: usize = 24;

/// Returns the candidate that is closest to the text, if one is close: one edit, or an edit for
/// every three characters.
pub(crate) fn closest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let text: Vec<char> = text.chars().take(TEXT_CHARS_MAX + 1).collect();
    if text.is_empty() || text.len() > TEXT_CHARS_MAX {
        return None;
    }
    let lower: Vec<char> = text.iter().map(char::to_ascii_lowercase).collect();
    let rated = candidates.iter().filter_map(|candidate| {
        let edits = edits(&lower, &candidate.chars().collect::<Vec<_>>());
        let allowed = (text.len().max(candidate.len()) / 3).max(1);
        (edits <= allowed && edits < text.len()).then_some((edits, *candidate))
    });
    rated
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Returns the help for a word that is none of the choices: the suggestion, then all of them.
pub(crate) fn choices(text: &str, what: &str, candidates: &[&str]) -> String {
    let mut parts = Vec::new();
    if let Some(close) = closest(text, candidates) {
        parts.push(format!("did you mean `{close}`?"));
    }
    if candidates.is_empty() {
        parts.push(format!("{what}: none"));
    } else {
        let shown = candidates.iter().take(CHOICES_MAX).copied();
        let rest = candidates.len().saturating_sub(CHOICES_MAX);
        let rest = (rest > 0).then(|| format!("{rest} more"));
        let names: Vec<String> = shown.map(str::to_owned).chain(rest).collect();
        parts.push(format!("{what}: {}", names.join(", ")));
    }
    parts.join("   ")
}

/// Returns how many characters must be added, removed, replaced or swapped with their neighbour
/// to make one text of the other.
fn edits(left: &[char], right: &[char]) -> usize {
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("fro", "for", 1),
            ("tile", "title", 1),
            ("postgress", "postgres", 1),
            ("kitten", "sitting", 3),
        ];
        for (left, right, expect) in cases {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(edits(&chars(left), &chars(right)), expect, "{left} {right}");
            assert_eq!(edits(&chars(right), &chars(left)), expect, "{right} {left}");
        }
    }

    #[test]
    fn only_what_is_close_is_suggested() {
        let names = ["title", "target", "teaches", "args", "env"];
        let cases = [
            ("titel", Some("title")),
            ("Title", Some("title")),
            ("arg", Some("args")),
            ("tags", None),
            ("clock", None),
            ("", None),
            ("x", None),
        ];
        for (text, expect) in cases {
            assert_eq!(closest(text, &names), expect, "{text}");
        }
    }
}
