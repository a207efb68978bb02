//! File names with what changes from run to run masked, as literals of SQL are.

/// Letters and digits in a row, at least so many, that look random.
const RANDOM_MIN: usize = 6;

/// Length of what Python's `tempfile` draws.
const PYTHON_RANDOM: usize = 8;

/// Length of a UUID in its usual form.
const UUID_LENGTH: usize = 36;

/// Returns a path in which numbers that stand alone and random words are `?`: `out.4711.tmp` is
/// `out.?.tmp`, `tmpab1_x9kq` is `tmp?`.
pub fn mask_file_name(path: &str) -> String {
    let mut masked = String::new();
    let is_word = |c: char| c.is_alphanumeric();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let end = |is: &dyn Fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let starts_part = masked.is_empty() || masked.ends_with('/');
        if starts_part
            && let Some(drawn) = rest.strip_prefix("tmp")
            && let Some(behind) = python_random(drawn)
        {
            masked.push_str("tmp?");
            rest = behind;
            continue;
        }
        if starts_part && let Some(behind) = rest.strip_prefix("tmp.").and_then(shell_random) {
            masked.push_str("tmp.?");
            rest = behind;
            continue;
        }
        if let Some(behind) = uuid(rest).filter(|_| !masked.ends_with(is_word)) {
            masked.push('?');
            rest = behind;
            continue;
        }
        if !is_word(first) {
            masked.push(if first.is_control() { '?' } else { first });
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, behind) = rest.split_at(end(&is_word));
        masked.push_str(if is_volatile(word) { "?" } else { word });
        rest = behind;
    }
    masked
}

/// Returns what stands behind the eight letters, digits and underscores that Python draws, if
/// nothing of their kind does.
fn python_random(text: &str) -> Option<&str> {
    let drawn = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let end = text.find(|c| !drawn(c)).unwrap_or(text.len());
    (end == PYTHON_RANDOM).then(|| &text[end..])
}

/// Returns what stands behind the letters and digits that `mktemp` draws: the end, or another sign.
fn shell_random(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    let end = end.unwrap_or(text.len());
    (end >= RANDOM_MIN).then(|| &text[end..])
}

/// Returns what stands behind a UUID.
fn uuid(text: &str) -> Option<&str> {
    let head = text.get(..UUID_LENGTH)?;
    let fits = head.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    fits.then(|| &text[UUID_LENGTH..])
}

/// A number, or a word that no person would write: letters of both cases or hexadecimal letters
/// mixed with digits in more than one place.
fn is_volatile(word: &str) -> bool {
    if word.chars().all(|c| c.is_ascii_digit()) {
        return true;
    }
    let kind = |c: char| match c {
        'a'..='z' => 0,
        'A'..='Z' => 1,
        _ => 2,
    };
    let kinds: Vec<u8> = word.chars().map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let has_digit = kinds.contains(&2);
    let is_hex = word.chars().all(|c| c.is_ascii_hexdigit());
    word.len() >= RANDOM_MIN && has_digit && (changes >= 3 || (is_hex && changes >= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_is_masked() {
        let check = |path: &str, expect: &str| assert_eq!(mask_file_name(path), expect);
        check("points.lock", "points.lock");
        check("points.db-journal", "points.db-journal");
        check("out.4711.tmp", "out.?.tmp");
        check("job-12/part-00001", "job-?/part-?");
        check("v2/sha256.txt", "v2/sha256.txt");
        check("tmpab1_x9kq", "tmp?");
        check("in/tmpab1_x9kq.part", "in/tmp?.part");
        check("tmp.Ab3dE9xYz1", "tmp.?");
        check("550e8400-e29b-41d4-a716-446655440000", "?");
        check("tmp.abcdefghij", "tmp.?");
        check("tmp.json", "tmp.json");
        check("template", "template");
        check("tmp", "tmp");
        check("a\nb", "a?b");
        check("", "");
        check("ü.lock", "ü.lock");
    }
}
