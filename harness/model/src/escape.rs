//! Makes hostile text fit to be shown: one line, nothing that moves a cursor or turns text around.

use std::fmt::Write as _;

/// Returns whether a terminal or a reader could be misled by this character: controls, marks that
/// turn the direction of text, separators of lines, and characters without any width.
pub fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Returns the text with every hostile character written as `\u{HEX}`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Returns the escaped text, cut with `…` where it has more than `chars_max` characters.
pub fn escape_cut(text: &str, chars_max: usize) -> String {
    let escaped = escape(text);
    match escaped.char_indices().nth(chars_max) {
        None => escaped,
        Some(_) => {
            let kept = chars_max.saturating_sub(1);
            escaped.chars().take(kept).chain(['…']).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_are_spelt_out() {
        let cases = [
            ("plain ä 語", "plain ä 語"),
            ("a\nb\tc", "a\\u{a}b\\u{9}c"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{202e}txt.exe\u{2069}", "\\u{202e}txt.exe\\u{2069}"),
            ("\0\u{7f}\u{9b}", "\\u{0}\\u{7f}\\u{9b}"),
        ];
        for (text, expect) in cases {
            assert_eq!(escape(text), expect, "{text:?}");
        }
        assert_eq!(escape_cut("abcdef", 6), "abcdef");
        assert_eq!(escape_cut("abcdefg", 6), "abcde…");
    }
}
