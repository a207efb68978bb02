//! Input that is no file at all: errors, never a panic.

use super::{parse_scenario, parse_target};
use crate::examples::{SCENARIO, TARGET};
use proptest::prelude::*;
use twiceproof_model::diag::Diag;
use twiceproof_model::escape::is_hostile;
use unicode_width::UnicodeWidthStr as _;

/// Checks that every diagnostic can be drawn, and that nothing hostile comes through.
fn check(text: &str, diags: Option<Vec<Diag>>) {
    for diag in diags.unwrap_or_default() {
        let drawn = diag.render(text, 80);
        assert!(
            drawn.ends_with('\n') && drawn.starts_with("TP-S"),
            "{drawn:?}"
        );
        let plain = diag.plain(text);
        assert!(!plain.chars().any(is_hostile), "{plain:?}");
        assert!(
            !drawn.chars().any(|c| c != '\n' && is_hostile(c)),
            "{drawn:?}"
        );
        let is_wide = |line: &&str| line.trim_end().width() > 80;
        let wide = drawn.lines().find(is_wide);
        // Only a word that cannot be broken is wider than asked for.
        let is_word = |line: &str| line.trim().split(' ').any(|word| word.width() > 40);
        assert!(wide.is_none_or(is_word), "{drawn}");
        if let Some(span) = &diag.span {
            assert!(span.start <= span.end && span.end <= text.len().max(span.start));
        }
    }
}

fn parse(text: &str) {
    check(text, parse_target(text).err());
    check(text, parse_scenario(text).err());
}

/// A sound file with one stretch replaced.
pub(crate) fn mutated(good: &'static str) -> impl Strategy<Value = String> {
    let characters = prop_oneof!["\\PC{0,8}", "[\\[\\]{}=.,\"'\n# a1]{0,8}", ".{0,4}"];
    (any::<prop::sample::Index>(), 0..40_usize, characters).prop_map(move |(at, length, new)| {
        let characters: Vec<char> = good.chars().collect();
        let at = at.index(characters.len());
        let end = (at + length).min(characters.len());
        let (left, right) = (&characters[..at], &characters[end..]);
        left.iter()
            .copied()
            .chain(new.chars())
            .chain(right.iter().copied())
            .collect()
    })
}

#[test]
fn large_and_deep_files() {
    let lines = |line: fn(usize) -> String| (0..50_000).map(line).collect::<String>();
    let texts = [
        lines(|index| format!("key{index} = 1\n")),
        lines(|index| format!("[[check]]\nx{index} = 1\n")),
        lines(|index| format!("[service.s{index}]\n")),
        format!("args = [{}]\n", "1,".repeat(200_000)),
        format!("x = [{}\n", "{a=[".repeat(100_000)),
        format!("{}a = 1\n", "a.".repeat(100_000)),
        format!("[{}a]\n", "a.".repeat(100_000)),
        format!("args = [{}]\n", "\"\\e\",".repeat(100_000)),
        format!("x = \"{}\"\n", "\\".repeat(400_000)),
        format!("x = \"{}\"\n", "\u{200b}".repeat(300_000)),
    ];
    for text in texts {
        let diags = parse_target(&text).unwrap_err();
        assert!(diags.len() <= 101, "{}", diags.len());
        parse(&text);
    }
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        parse(&text);
    }

    #[test]
    fn any_keys(text in "([a-z]{1,8} = [\\[{\"0-9a-z,\\]}]{1,8}\n){0,6}") {
        parse(&text);
    }

    #[test]
    fn a_target_with_a_change(text in mutated(TARGET)) {
        parse(&text);
    }

    #[test]
    fn a_scenario_with_a_change(text in mutated(SCENARIO)) {
        parse(&text);
    }

    #[test]
    fn any_bytes(bytes in any::<Vec<u8>>()) {
        let file = std::path::Path::new("f.toml");
        if let Err(diag) = twiceproof_model::file::text(&bytes, file) {
            check("", Some(vec![diag]));
        }
    }
}
