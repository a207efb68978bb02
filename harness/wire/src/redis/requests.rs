//! The instance's stream: bytes to the words of commands.

use super::COUNT_MAX;
use super::command::is_before_script;
use super::line::Line;
use crate::REQUEST_BYTES_MAX;

/// Most bytes of a word that are kept, unless it is a script.
const WORD_BYTES_MAX: usize = 256;
/// Most words of a command that are kept.
const WORDS_MAX: usize = 128;

/// The words of one command.
#[derive(Debug)]
pub(super) struct Words {
    /// The first of them, each cut.
    pub(super) words: Vec<Vec<u8>>,
    /// How many there are.
    pub(super) count: u64,
}

/// A word that is being read.
#[derive(Debug)]
struct Word {
    /// Bytes to come, with the line end behind it.
    left: u64,
    kept: Vec<u8>,
    keep_max: usize,
    last: [u8; 2],
}

/// The stream of the instance.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Offset of the next byte.
    pub(super) offset: u64,
    /// The end of the last mark.
    pub(super) marked: u64,
    line: Line,
    words: Vec<Vec<u8>>,
    /// How many words the command has, once that is known.
    count: Option<u64>,
    /// How many of them are to come.
    left: u64,
    word: Option<Word>,
}

impl Requests {
    /// Reads on, up to the end of a command. A command without words gets no answer.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Words>, &'static str> {
        loop {
            if let Some(word) = &mut self.word {
                let length = (bytes.len() as u64).min(word.left) as usize;
                let (read, rest) = bytes.split_at(length);
                *bytes = rest;
                self.offset += length as u64;
                word.take(read);
                if word.left > 0 {
                    return Ok(None);
                }
                self.end_word()?;
            } else {
                let Some(line) = self.line.take(bytes, &mut self.offset)? else {
                    return Ok(None);
                };
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                match self.count {
                    None => self.begin(line)?,
                    Some(_) => self.begin_word(line)?,
                }
            }
            if self.offset - self.marked > REQUEST_BYTES_MAX {
                return Err("a command of more than 16 MiB");
            }
            if let Some(count) = self.count.filter(|_| self.left == 0 && self.word.is_none()) {
                self.count = None;
                let words = std::mem::take(&mut self.words);
                return Ok(Some(Words { words, count }));
            }
        }
    }

    /// Begins a command: `*N`, or all of it in one line.
    fn begin(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let Some(count) = line.strip_prefix(b"*") else {
            self.words = split(line).unwrap_or_else(|| vec![b"?".to_vec()]);
            self.count = Some(self.words.len() as u64);
            return Ok(());
        };
        let count = number(count).ok_or("no command of Redis")?;
        if count > COUNT_MAX as i64 {
            return Err("a command of more than 1048576 words");
        }
        let count = u64::try_from(count).unwrap_or(0);
        self.count = Some(count);
        self.left = count;
        Ok(())
    }

    /// Begins a word: `$N`.
    fn begin_word(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let length = line.strip_prefix(b"$").and_then(number);
        let length = length.and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or("no command of Redis")?;
        if length > REQUEST_BYTES_MAX {
            return Err("a command of more than 16 MiB");
        }
        let keep_max = match self.words.len() {
            WORDS_MAX.. => 0,
            _ if is_before_script(&self.words) => REQUEST_BYTES_MAX as usize,
            _ => WORD_BYTES_MAX,
        };
        self.word = Some(Word {
            left: length + 2,
            kept: Vec::new(),
            keep_max: keep_max.min(length as usize),
            last: [0; 2],
        });
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), &'static str> {
        let Some(word) = self.word.take() else {
            return Ok(());
        };
        if word.last != *b"\r\n" {
            return Err("no command of Redis");
        }
        if self.words.len() < WORDS_MAX {
            self.words.push(word.kept);
        }
        self.left -= 1;
        Ok(())
    }
}

impl Word {
    fn take(&mut self, bytes: &[u8]) {
        let keep = (self.keep_max - self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..keep]);
        self.left -= bytes.len() as u64;
        for byte in &bytes[bytes.len().saturating_sub(2)..] {
            self.last = [self.last[1], *byte];
        }
    }
}

/// Reads a length.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Splits a line into words as the server and its command line do: words in double quotes with
/// escapes, or in single quotes. `None` where quotes are not closed, which the server refuses.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0 || *byte == 0x0b;
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.iter().position(|byte| !is_blank(byte));
        let Some(start) = start else {
            return Some(words);
        };
        rest = &rest[start..];
        let mut word = Vec::new();
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'"' | b'\'' => {
                    rest = take_quoted(byte, rest, &mut word)?;
                    if rest.first().is_some_and(|byte| !is_blank(byte)) {
                        return None;
                    }
                    break;
                }
                _ if is_blank(&byte) => break,
                _ => word.push(byte),
            }
        }
        words.push(word);
    }
}

/// Takes the rest of a quoted word; returns what follows the closing quote.
fn take_quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            _ if byte == quote => return Some(rest),
            b'\\' if quote == b'"' => {
                let hex = rest.strip_prefix(b"x").and_then(|hex| hex.get(..2));
                let hex = hex.filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
                if let Some(value) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    word.push(value);
                    rest = &rest[3..];
                    continue;
                }
                let (&escaped, behind) = rest.split_first()?;
                rest = behind;
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                });
            }
            b'\\' if rest.first() == Some(&b'\'') => {
                word.push(b'\'');
                rest = &rest[1..];
            }
            _ => word.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_the_server_does() {
        #[track_caller]
        fn check(line: &str, expect: Option<&[&str]>) {
            let words = split(line.as_bytes());
            let expect = expect.map(|words| words.iter().map(|word| word.as_bytes().to_vec()));
            assert_eq!(words, expect.map(Iterator::collect), "{line}");
        }
        check("", Some(&[]));
        check("  SET  k v ", Some(&["SET", "k", "v"]));
        check(r#"SET k "a b\x21\n\"""#, Some(&["SET", "k", "a b!\n\""]));
        check(r"SET k 'a\'b\n'", Some(&["SET", "k", r"a'b\n"]));
        check(r#"SET "k" """#, Some(&["SET", "k", ""]));
        check(r#"SET "k"v"#, None);
        check(r#"SET "k"#, None);
        check("SET 'k", None);
    }
}
