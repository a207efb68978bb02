//! Target and scenario files as text.

use std::fmt::Write as _;
use twiceproof_model::escape::escape_cut;
use twiceproof_model::kind::{NAME_BYTES_MAX, is_name};

/// Most characters of a line of comment.
const COMMENT_CHARS_MAX: usize = 600;

/// A file that is about to be written: its path below the project's folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Where it belongs.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// What a scenario says.
pub(super) struct Scenario<'a> {
    /// Its path below `scenarios/`, without the ending.
    pub(super) name: String,
    /// The command that made it.
    pub(super) command: &'a str,
    /// Lines of comment.
    pub(super) notes: Vec<String>,
    /// One line on what it shows.
    pub(super) title: String,
    /// The target.
    pub(super) target: &'a str,
    /// Keys of the trigger, with their values in TOML.
    pub(super) trigger: Vec<(&'static str, String)>,
}

impl Scenario<'_> {
    /// Returns the file. It is `depth` folders below `scenarios/`, where the schema lies.
    pub(super) fn file(&self) -> File {
        let depth = self.name.matches('/').count();
        let mut text = format!("#:schema {}scenario.v1.json\n", "../".repeat(depth));
        comment(&mut text, self.command);
        for note in &self.notes {
            comment(&mut text, note);
        }
        let trigger = self.trigger.iter();
        let trigger: Vec<String> = trigger
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "schema  = 1\ntitle   = {}\ntarget  = {}\ntrigger = {{ {} }}\n",
            quoted(&self.title),
            quoted(self.target),
            trigger.join(", ")
        );
        File {
            path: format!("scenarios/{}.toml", self.name),
            text,
        }
    }
}

/// What a target says.
pub(super) struct Target<'a> {
    /// Name of its folder.
    pub(super) name: &'a str,
    /// The command that made it.
    pub(super) command: &'a str,
    /// Lines of comment.
    pub(super) notes: Vec<String>,
    /// Program and first arguments; empty: the image knows them.
    pub(super) argv: Vec<String>,
    /// Further arguments.
    pub(super) args: Vec<String>,
    /// Environment.
    pub(super) env: Vec<(String, String)>,
    /// The image.
    pub(super) image: Option<String>,
    /// Longest life of an instance.
    pub(super) timeout: Option<String>,
}

impl Target<'_> {
    /// Returns the file.
    pub(super) fn file(&self) -> File {
        let mut text = "#:schema ../target.v1.json\n".to_owned();
        comment(&mut text, self.command);
        for note in &self.notes {
            comment(&mut text, note);
        }
        comment(
            &mut text,
            "to do:   the services that the job talks to, as [service.NAME]",
        );
        let _ = writeln!(text, "schema  = 1\ncommand = {}", list(&self.argv));
        if !self.args.is_empty() {
            let _ = writeln!(text, "args    = {}", list(&self.args));
        }
        if !self.env.is_empty() {
            let pairs = self.env.iter();
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
                .collect();
            let _ = writeln!(text, "env     = {{ {} }}", pairs.join(", "));
        }
        for (key, value) in [("image", &self.image), ("timeout", &self.timeout)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key:7} = {}", quoted(value));
            }
        }
        File {
            path: format!("targets/{}/target.toml", self.name),
            text,
        }
    }
}

fn comment(text: &mut String, line: &str) {
    text.push_str("# ");
    text.push_str(&escape_cut(line, COMMENT_CHARS_MAX));
    text.push('\n');
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Returns a basic string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            other if other.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns a name of ours that is as near to the text as can be.
pub(super) fn name_of(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let plain = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        _ => '-',
    };
    let mut name: String = text.chars().map(plain).take(NAME_BYTES_MAX).collect();
    let is_letter = |character: char| character.is_ascii_lowercase();
    let start = name.find(is_letter).unwrap_or(name.len());
    name = name[start..].trim_end_matches('-').to_owned();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    if is_name(&name) {
        name
    } else {
        "job".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, expect) in [
            ("points", "points"),
            ("Points_Grant.v2", "points-grant-v2"),
            ("2-a-", "a"),
            ("/opt/a//b.sh", "opt-a-b-sh"),
            ("…", "job"),
            ("17", "job"),
        ] {
            assert_eq!(name_of(text), expect);
        }
    }

    #[test]
    fn strings() {
        assert_eq!(
            quoted("a \"b\" \\ \n\u{1b}"),
            r#""a \"b\" \\ \u000A\u001B""#
        );
    }
}
