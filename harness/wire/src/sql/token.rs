//! SQL text to tokens.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword without quotes.
    Word,
    /// A name in double quotes, the quotes included.
    Quoted,
    /// A string in any of the notations: `'a'`, `E'a'`, `B'1'`, `$tag$a$tag$`.
    Text,
    /// A number.
    Number,
    /// A parameter: `$1`.
    Parameter,
    /// Any other single character: an operator, a bracket, a comma.
    Symbol,
}

/// A token, and whether blanks or comments stood before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text, as it stands in the SQL.
    pub text: &'a str,
    /// Whether blanks or comments part it from the token before.
    pub apart: bool,
}

impl Token<'_> {
    /// Returns whether this is the keyword, which the caller gives in upper case.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Returns whether this is the symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// Iterates over the tokens of an SQL text, which may be cut or nonsense: what has no end ends with
/// the text.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Begins at the start of the text.
    pub fn new(sql: &'a str) -> Self {
        Self { rest: sql }
    }

    /// Skips blanks and comments, and returns whether there were any.
    fn skip_blanks(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_whitespace() || c == '\0');
            if self.rest.starts_with("--") {
                let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            } else if self.rest.starts_with("/*") {
                self.rest = &self.rest[comment_length(self.rest)..];
            } else {
                return self.rest.len() != before;
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let apart = self.skip_blanks();
        let first = self.rest.chars().next()?;
        let (kind, length) = measure(self.rest, first);
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Token { kind, text, apart })
    }
}

/// Returns the kind and the length of the token at the start of the text.
fn measure(text: &str, first: char) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let second = bytes.get(1).copied();
    match (first, second) {
        ('\'', _) => (Kind::Text, quoted_length(text, '\'', false)),
        ('"', _) => (Kind::Quoted, quoted_length(text, '"', false)),
        ('e' | 'E', Some(b'\'')) => (Kind::Text, 1 + quoted_length(&text[1..], '\'', true)),
        ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some(b'\'')) => {
            (Kind::Text, 1 + quoted_length(&text[1..], '\'', false))
        }
        ('u' | 'U', Some(b'&')) if bytes.get(2) == Some(&b'\'') => {
            (Kind::Text, 2 + quoted_length(&text[2..], '\'', false))
        }
        ('u' | 'U', Some(b'&')) if bytes.get(2) == Some(&b'"') => {
            (Kind::Quoted, 2 + quoted_length(&text[2..], '"', false))
        }
        ('$', Some(b'0'..=b'9')) => (
            Kind::Parameter,
            1 + span(&text[1..], |c| c.is_ascii_digit()),
        ),
        ('$', _) => match dollar_length(text) {
            Some(length) => (Kind::Text, length),
            None => (Kind::Symbol, 1),
        },
        ('.', Some(b'0'..=b'9')) | ('0'..='9', _) => (Kind::Number, number_length(text)),
        _ if is_word_start(first) => (Kind::Word, span(text, is_word)),
        _ => (Kind::Symbol, first.len_utf8()),
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_word(c: char) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == '$'
}

/// Returns the length of the longest start of the text whose characters all pass.
fn span(text: &str, pass: impl Fn(char) -> bool) -> usize {
    text.find(|c| !pass(c)).unwrap_or(text.len())
}

/// Returns the length of a quoted token, quotes included; a doubled quote does not end it.
fn quoted_length(text: &str, quote: char, backslash: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if backslash && c == '\\' {
            chars.next();
        } else if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return at + 1,
            }
        }
    }
    text.len()
}

/// Returns the length of a dollar-quoted string, or nothing if the dollar begins none.
fn dollar_length(text: &str) -> Option<usize> {
    let tag = 1 + span(&text[1..], |c| is_word(c) && c != '$');
    if !text[tag..].starts_with('$') {
        return None;
    }
    let quote = &text[..=tag];
    let end = text[quote.len()..].find(quote);
    Some(end.map_or(text.len(), |end| 2 * quote.len() + end))
}

/// Returns the length of a number, its exponent included.
fn number_length(text: &str) -> usize {
    let length = span(text, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
    let number = &text[..length];
    // A range such as `1..9` belongs to procedural languages; two numbers, to be exact.
    let length = number.find("..").unwrap_or(length);
    let is_decimal = !text.starts_with("0x") && !text.starts_with("0X");
    if is_decimal && text[..length].ends_with(['e', 'E']) {
        let sign = span(&text[length..], |c| c == '-' || c == '+').min(1);
        let digits = span(&text[length + sign..], |c| c.is_ascii_digit());
        if digits > 0 {
            return length + sign + digits;
        }
    }
    length.max(1)
}

/// Returns the length of a comment, which nests.
fn comment_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expect: &[&str]) {
        let tokens: Vec<&str> = Tokens::new(sql).map(|token| token.text).collect();
        assert_eq!(tokens, expect, "{sql}");
    }

    #[test]
    fn tokens() {
        check("select a.b+1", &["select", "a", ".", "b", "+", "1"]);
        check("'it''s' E'a\\'b' x'1F'", &["'it''s'", "E'a\\'b'", "x'1F'"]);
        check("a -- b\n/* c /* d */ e */ f", &["a", "f"]);
        check("$$a$b$$ $t$x$$y$t$ $1", &["$$a$b$$", "$t$x$$y$t$", "$1"]);
        check(
            "1.5e-3 .5 0x1F 1e 10_000",
            &["1.5e-3", ".5", "0x1F", "1e", "10_000"],
        );
        check(
            "\"a\"\"b\" U&\"c\" \u{fc}ber",
            &["\"a\"\"b\"", "U&\"c\"", "\u{fc}ber"],
        );
        check("'never ends", &["'never ends"]);
        check("$t$never ends", &["$t$never ends"]);
        check("/* never ends", &[]);
        check("$x", &["$", "x"]);
        check("x::text", &["x", ":", ":", "text"]);
    }
}
