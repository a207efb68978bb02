//! SQL to a text that is the same in every run and holds no values.

use super::{Kind, Token, Tokens};

/// Longest mask, in bytes.
pub const MASK_BYTES_MAX: usize = 4096;

/// Words after which a sign belongs to the number that follows. After any other word it is an
/// operator, so that `a - 1` and `a - 2` agree with each other and differ from `a + 1`.
const BEFORE_SIGN: &[&str] = &[
    "AND",
    "BETWEEN",
    "BY",
    "DEFAULT",
    "ELSE",
    "HAVING",
    "IN",
    "LIMIT",
    "OFFSET",
    "ON",
    "OR",
    "RETURNING",
    "SELECT",
    "SET",
    "THEN",
    "TO",
    "VALUES",
    "WHEN",
    "WHERE",
];

/// Returns the SQL with blanks squeezed, comments gone, and each literal as `?`, cut to
/// [`MASK_BYTES_MAX`].
///
/// Names, quoted ones included, casts and parameters such as `$1` stay. A list of nothing but
/// literals becomes `(?)`, so that its length does not count. No value gets out, not even one whose
/// end is cut off; but numbers given to functions on advisory locks stay, since they name the lock.
pub fn mask(sql: &str) -> String {
    let mut masked = String::new();
    let mut tokens = Tokens::new(sql).peekable();
    let mut previous: Option<Token<'_>> = None;
    // Where the list of literals began that is open now.
    let mut list: Option<usize> = None;
    // How deep the brackets of a call on an advisory lock are.
    let mut call = 0_u32;
    while let Some(token) = tokens.next() {
        if masked.len() > MASK_BYTES_MAX {
            break;
        }
        let is_last = tokens.peek().is_none();
        if is_last && token.is_symbol(";") {
            break;
        }
        let is_sign = (token.is_symbol("-") || token.is_symbol("+"))
            && is_operand_due(previous.as_ref())
            && tokens
                .peek()
                .is_some_and(|next| next.kind == Kind::Number && !next.apart);
        if token.apart && previous.is_some() && !masked.ends_with(' ') {
            masked.push(' ');
        }
        if is_sign && call == 0 {
            continue;
        }
        match token.kind {
            Kind::Number if call > 0 => masked.push_str(token.text),
            Kind::Text | Kind::Number => masked.push('?'),
            Kind::Quoted => masked.extend(token.text.chars().map(printable)),
            _ => masked.push_str(token.text),
        }
        match token.text {
            "(" if call > 0 || previous.as_ref().is_some_and(is_advisory) => call += 1,
            ")" if call > 0 => call -= 1,
            "(" => list = Some(masked.len()),
            ")" => {
                if let Some(start) = list.take()
                    && masked[start..].contains(',')
                {
                    masked.truncate(start);
                    masked.push_str("?)");
                }
            }
            "," => {}
            _ if matches!(token.kind, Kind::Text | Kind::Number) => {}
            _ => list = None,
        }
        previous = Some(token);
    }
    cut(&mut masked, MASK_BYTES_MAX);
    masked.truncate(masked.trim_end_matches([' ', ';']).len());
    masked
}

/// Returns whether this is the name of a function on advisory locks.
fn is_advisory(token: &Token<'_>) -> bool {
    let names = ["pg_advisory_", "pg_try_advisory_"];
    let name = token.text.to_ascii_lowercase();
    token.kind == Kind::Word && names.iter().any(|begin| name.starts_with(begin))
}

/// Returns whether an operand, and so a signed number, may follow here.
fn is_operand_due(previous: Option<&Token<'_>>) -> bool {
    previous.is_none_or(|token| match token.kind {
        Kind::Symbol => !matches!(token.text, ")" | "]"),
        Kind::Word => BEFORE_SIGN.iter().any(|word| token.is(word)),
        _ => false,
    })
}

/// Returns the character, or its stand-in where it would steer a terminal.
pub(crate) fn printable(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

/// Cuts the text to so many bytes, or a few less, where a character would be cut in two.
pub(crate) fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expect: &str) {
        assert_eq!(mask(sql), expect, "{sql}");
    }

    #[test]
    fn masks() {
        check("", "");
        check(" ; ", "");
        check("SELECT 1;", "SELECT ?");
        check("SELECT 1; SELECT 2 ;", "SELECT ?; SELECT ?");
        check("select  a,\n\tb -- no\nfrom t", "select a, b from t");
        check(
            "UPDATE t SET a = 'x' WHERE id=17",
            "UPDATE t SET a = ? WHERE id=?",
        );
        check(
            "INSERT INTO t VALUES (1, 'a', -2.5e-7)",
            "INSERT INTO t VALUES (?)",
        );
        check("VALUES (1,2), (3,4)", "VALUES (?), (?)");
        check(
            "SELECT * FROM t WHERE a IN (1)",
            "SELECT * FROM t WHERE a IN (?)",
        );
        check("SELECT f(a, 1), g(1, 2)", "SELECT f(a, ?), g(?)");
        check("SELECT -1, a-1, a - 1, -a", "SELECT ?, a-?, a - ?, -a");
        check("SET x = -1", "SET x = ?");
        check(
            "SELECT $1::text, 'a'::text, \"A b\"",
            "SELECT $1::text, ?::text, \"A b\"",
        );
        check("DO $body$ secret $body$", "DO ?");
        check(
            "SELECT B'10', X'1F', E'\\'', U&'x', n'y'",
            "SELECT ?, ?, ?, ?, ?",
        );
        check("SELECT 'never ends", "SELECT ?");
        check("SELECT a /* b */ FROM/**/t", "SELECT a FROM t");
        check("SELECT \"a\u{1b}[2J\"", "SELECT \"a\u{fffd}[2J\"");
        check("ALTER ROLE u PASSWORD 'hunter2'", "ALTER ROLE u PASSWORD ?");
        check(
            "SELECT '\u{1f600}', \u{e9}t\u{e9}",
            "SELECT ?, \u{e9}t\u{e9}",
        );
        check("SELECT 1 UNION SELECT null", "SELECT ? UNION SELECT null");
    }

    #[test]
    fn the_numbers_of_an_advisory_lock_stay() {
        check(
            "SELECT pg_advisory_lock(7), 7",
            "SELECT pg_advisory_lock(7), ?",
        );
        check(
            "select PG_TRY_ADVISORY_XACT_LOCK (1, -2) where a = 1",
            "select PG_TRY_ADVISORY_XACT_LOCK (1, -2) where a = ?",
        );
        check(
            "SELECT pg_advisory_lock(hashtext('points'))",
            "SELECT pg_advisory_lock(hashtext(?))",
        );
        check(
            "SELECT my_pg_advisory_lock(7)",
            "SELECT my_pg_advisory_lock(?)",
        );
        check("SELECT pg_advisory_lock(7", "SELECT pg_advisory_lock(7");
    }

    #[test]
    fn a_mask_is_bounded_on_a_character() {
        let masked = mask(&"\u{e9} ".repeat(100_000));
        assert!(masked.len() <= MASK_BYTES_MAX);
        assert!(masked.len() > MASK_BYTES_MAX - 4);
    }
}
