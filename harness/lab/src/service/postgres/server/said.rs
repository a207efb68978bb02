//! What the server's programs say, as errors.

use crate::service::output::one_line;
use std::path::Path;
use twiceproof_model::Exit;
use twiceproof_model::escape::escape_cut;

/// Returns what went wrong in a seed file, by the first error that psql tells: `psql:<stdin>:12:
/// ERROR: ...`.
pub(super) fn seed_error(path: &Path, exit: Exit, said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let place = lines
        .iter()
        .position(|line| line.contains("ERROR:") || line.contains("FATAL:"));
    let Some(first) = place else {
        let words = last_words(said);
        return format!(
            "seed file {}: psql ended with {exit}: {words}",
            path.display()
        );
    };
    let from_stdin = lines[first].strip_prefix("psql:<stdin>:");
    let (line, words) = match from_stdin.and_then(|rest| rest.split_once(": ")) {
        Some((number, words)) => (format!(", line {number}"), words),
        None => (String::new(), lines[first]),
    };
    // The server repeats the statement and points into it.
    let mut text = format!("seed file {}{line}: {}", path.display(), one_line(words));
    for more in lines.iter().skip(first + 1).take(SEED_ERROR_LINES_MAX) {
        text.push_str("\n  ");
        text.push_str(&escape_cut(more, SEED_ERROR_CHARS_MAX));
    }
    text
}

/// The most lines, and characters of a line, that follow a seed file's error.
const SEED_ERROR_LINES_MAX: usize = 4;
const SEED_ERROR_CHARS_MAX: usize = 200;

/// Returns the last line that a program said.
pub(super) fn last_words(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| "it said nothing".to_owned(), one_line)
}
