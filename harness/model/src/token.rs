//! Tokens of the line formats: moments and schedules.

use crate::diag::{Flaw, code};
use crate::escape::is_hostile;
use crate::name::InstanceId;
use std::fmt;
use std::ops::Range;

/// The longest string in quotes.
pub(crate) const STRING_BYTES_MAX: usize = 200;

/// A string as files hold it: in double quotes, with `\"`, `\\` and `\u{HEX}` for what would hide.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                _ if is_hostile(character) => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                _ => write!(f, "{character}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A word as files hold it: bare where that can be read back, else in quotes.
pub(crate) struct Word<'a>(pub(crate) &'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match !self.0.is_empty() && self.0.chars().all(is_bare) {
            true => f.write_str(self.0),
            false => write!(f, "{}", Quoted(self.0)),
        }
    }
}

/// Returns whether a word can hold this character without quotes.
fn is_bare(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '+' | '.' | ':' | '/')
}

/// The tokens of one line.
#[derive(Clone)]
pub(crate) struct Tokens<'a> {
    line: &'a str,
    /// Where the rest begins.
    at: usize,
    /// Where the line begins in its text.
    offset: usize,
}

impl<'a> Tokens<'a> {
    /// Reads this line, which begins at the offset in its text.
    pub(crate) fn new(line: &'a str, offset: usize) -> Self {
        Self {
            line,
            at: 0,
            offset,
        }
    }

    /// Returns the place of the next token: its characters up to a blank, or the line's end.
    pub(crate) fn next_span(&mut self) -> Range<usize> {
        self.skip_blanks();
        let rest = &self.line[self.at..];
        let length = rest.find([' ', '\t']).unwrap_or(rest.len());
        self.offset + self.at..self.offset + self.at + length
    }

    /// Returns an error about the next token.
    pub(crate) fn expected(&mut self, what: &str) -> Flaw {
        let span = self.next_span();
        let found = &self.line[self.at..self.at + span.len()];
        let message = match found {
            "" => format!("the line ends, expected {what}"),
            _ => format!(
                "`{}` stands where {what} is expected",
                crate::escape::escape_cut(found, 40)
            ),
        };
        Flaw {
            code: code::SYNTAX,
            message,
            span,
            help: String::new(),
        }
    }

    /// Returns the next token's characters up to a blank.
    pub(crate) fn peek(&mut self) -> &'a str {
        let length = self.next_span().len();
        &self.line[self.at..self.at + length]
    }

    /// Returns where the rest begins in the text.
    pub(crate) fn position(&self) -> usize {
        self.offset + self.at
    }

    /// Takes the next token if it is this keyword.
    pub(crate) fn take(&mut self, keyword: &str) -> bool {
        let span = self.next_span();
        let is_it = &self.line[self.at..self.at + span.len()] == keyword;
        if is_it {
            self.at += keyword.len();
        }
        is_it
    }

    /// Takes a word, bare or in quotes.
    pub(crate) fn word(&mut self, what: &str) -> Result<String, Flaw> {
        self.skip_blanks();
        let rest = &self.line[self.at..];
        if rest.starts_with('"') {
            return self.string(what).map(|(text, _)| text);
        }
        let length = rest
            .find(|character| !is_bare(character))
            .unwrap_or(rest.len());
        if length == 0 || length > STRING_BYTES_MAX {
            return Err(self.expected(what));
        }
        self.at += length;
        Ok(rest[..length].to_owned())
    }

    /// Takes a string in quotes, with its place.
    pub(crate) fn string(&mut self, what: &str) -> Result<(String, Range<usize>), Flaw> {
        self.skip_blanks();
        let start = self.at;
        let Some(rest) = self.line[start..].strip_prefix('"') else {
            return Err(self.expected(what));
        };
        let mut text = String::new();
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = start + at + 2;
                    let span = self.offset + start..self.offset + self.at;
                    return match text.len() {
                        0..=STRING_BYTES_MAX => Ok((text, span)),
                        long => {
                            let message = format!("a string of {long} bytes");
                            let help = format!("at most {STRING_BYTES_MAX} bytes");
                            Err(Flaw {
                                code: code::TYPE,
                                message,
                                span,
                                help,
                            })
                        }
                    };
                }
                '\\' => {
                    let rest = &rest[at + 1..];
                    let Some((escaped, length)) = unescape(rest) else {
                        let at = self.offset + start + 1 + at;
                        return Err(Flaw {
                            code: code::SYNTAX,
                            message: "an unknown escape in a string".to_owned(),
                            span: at..at + 1,
                            help: "escapes are \\\" and \\\\ and \\u{HEX}".to_owned(),
                        });
                    };
                    text.push(escaped);
                    // An escape is ASCII: a character a byte.
                    characters.nth(length - 1);
                }
                _ => text.push(character),
            }
        }
        Err(Flaw {
            code: code::SYNTAX,
            message: "a string without its closing quote".to_owned(),
            span: self.offset + start..self.offset + self.line.len(),
            help: "the line may have been cut".to_owned(),
        })
    }

    /// Takes a number from 1.
    pub(crate) fn number(&mut self, what: &str) -> Result<u32, Flaw> {
        let span = self.next_span();
        let text = &self.line[self.at..self.at + span.len()];
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        match text.parse() {
            Ok(number) if is_number => {
                self.at += text.len();
                Ok(number)
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Takes an instance.
    pub(crate) fn instance(&mut self) -> Result<InstanceId, Flaw> {
        let span = self.next_span();
        let text = &self.line[self.at..self.at + span.len()];
        match text.parse() {
            Ok(instance) => {
                self.at += text.len();
                Ok(instance)
            }
            Err(_) => {
                let mut flaw = self.expected("an instance");
                flaw.help = format!("instances are job#1 to job#{}", crate::name::INSTANCES_MAX);
                Err(flaw)
            }
        }
    }

    /// Takes one of these keywords and returns what it stands for.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<T, Flaw> {
        for (keyword, value) in choices {
            if self.take(keyword) {
                return Ok(*value);
            }
        }
        let span = self.next_span();
        let found = self.line[self.at..self.at + span.len()].to_owned();
        let names: Vec<&str> = choices.iter().map(|(keyword, _)| *keyword).collect();
        let mut flaw = self.expected(&names.join(" or "));
        if let Some(close) = crate::file::closest(&found, &names) {
            flaw.help = format!("did you mean `{close}`?");
        }
        Err(flaw)
    }

    /// Takes a character that follows at once.
    pub(crate) fn follows(&mut self, character: char) -> bool {
        let follows = self.line[self.at..].starts_with(character);
        if follows {
            self.at += character.len_utf8();
        }
        follows
    }

    /// Returns whether nothing but blanks and a comment is left.
    pub(crate) fn is_end(&mut self) -> bool {
        self.skip_blanks();
        let rest = &self.line[self.at..];
        rest.is_empty() || rest.starts_with('#')
    }

    /// Checks that nothing but blanks and a comment is left.
    pub(crate) fn end(&mut self) -> Result<(), Flaw> {
        match self.is_end() {
            true => Ok(()),
            false => Err(self.expected("the end of the line")),
        }
    }

    fn skip_blanks(&mut self) {
        let rest = self.line[self.at..].trim_start_matches([' ', '\t']);
        self.at = self.line.len() - rest.len();
    }
}

/// Returns what the text after a backslash stands for, and how many bytes of it that takes.
fn unescape(text: &str) -> Option<(char, usize)> {
    match text.bytes().next()? {
        b'"' => Some(('"', 1)),
        b'\\' => Some(('\\', 1)),
        b'u' => {
            let (digits, _) = text.strip_prefix("u{")?.split_once('}')?;
            let is_short = (1..=6).contains(&digits.len());
            let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16)
                .ok()
                .filter(|_| is_short && is_hex)?;
            Some((char::from_u32(code)?, digits.len() + 3))
        }
        _ => None,
    }
}
