//! The same review as questions, for a person at a terminal.

use super::{Entry, Standing, What};
use crate::args;
use std::io::{self, BufRead, Write};
use twiceproof_model::Date;

/// How often a question is asked again before it is skipped.
const ASKED_MAX: u32 = 3;

/// What makes a finding a known one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    /// The last day on which it does not fail.
    pub(crate) until: Date,
    /// Where it is dealt with.
    pub(crate) ticket: String,
    /// Why it can wait.
    pub(crate) reason: String,
}

/// Asks about each entry that is proposed or new, and returns those that are accepted, findings
/// with their details. The end of the input ends the questions.
pub(crate) fn ask<'e>(
    entries: &'e [Entry],
    words: &dyn Fn(&Entry) -> String,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<Vec<(&'e Entry, Option<Details>)>> {
    let mut accepted = Vec::new();
    let is_open = |entry: &&Entry| matches!(entry.standing, Standing::Proposed | Standing::New);
    for entry in entries.iter().filter(is_open) {
        writeln!(output, "{}\n  {}", entry.file.display(), words(entry))?;
        let answer = line("  accept it? y, n, q", input, output)?;
        match answer.as_deref() {
            None | Some("q" | "quit") => break,
            Some("y" | "yes") => {}
            Some(_) => continue,
        }
        if !matches!(entry.what, What::Finding { .. }) {
            accepted.push((entry, None));
        } else if let Some(details) = details(input, output)? {
            accepted.push((entry, Some(details)));
        }
    }
    Ok(accepted)
}

fn details(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<Option<Details>> {
    let question = "  known until which day? such as 2026-12-31";
    let Some(until) = answer(question, input, output, |text| args::date(text).ok())? else {
        return Ok(None);
    };
    let full = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let Some(ticket) = answer("  in which ticket?", input, output, full)? else {
        return Ok(None);
    };
    let reason = answer("  why can it wait?", input, output, full)?;
    Ok(reason.map(|reason| Details {
        until,
        ticket,
        reason,
    }))
}

/// Asks until the answer can be used.
fn answer<T>(
    question: &str,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    read: impl Fn(&str) -> Option<T>,
) -> io::Result<Option<T>> {
    for _ in 0..ASKED_MAX {
        let Some(text) = line(question, input, output)? else {
            return Ok(None);
        };
        if let Some(value) = read(&text) {
            return Ok(Some(value));
        }
    }
    writeln!(output, "  skipped")?;
    Ok(None)
}

/// Asks once; `None` at the end of the input.
fn line(
    question: &str,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<Option<String>> {
    write!(output, "{question} > ")?;
    output.flush()?;
    let mut text = String::new();
    match input.read_line(&mut text)? {
        0 => Ok(None),
        _ => Ok(Some(text.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, what: What, standing: Standing) -> Entry {
        Entry {
            id: id.to_owned(),
            file: "targets/job/target.toml".into(),
            what,
            standing,
        }
    }

    #[test]
    fn questions_and_answers() {
        let mask = |column: &str| What::Mask {
            service: "pg".to_owned(),
            column: column.to_owned(),
        };
        let finding = What::Finding {
            scenario: "twice".to_owned(),
            code: "TP-V01".to_owned(),
            message: "the state differs".to_owned(),
        };
        let entries = [
            entry("1", mask("t.a"), Standing::Proposed),
            entry("2", mask("t.b"), Standing::Accepted),
            entry("3", finding.clone(), Standing::New),
            entry("4", finding, Standing::New),
        ];
        let words = |entry: &Entry| entry.id.clone();
        let check = |answers: &str, expect: &[&str]| {
            let mut output = Vec::new();
            let accepted = ask(&entries, &words, &mut answers.as_bytes(), &mut output).unwrap();
            let told = accepted.iter().map(|(entry, details)| match details {
                None => entry.id.clone(),
                Some(one) => format!("{} {} {} {}", entry.id, one.until, one.ticket, one.reason),
            });
            assert_eq!(told.collect::<Vec<_>>(), expect, "{answers:?}");
            String::from_utf8(output).unwrap()
        };
        check("", &[]);
        check("q\n", &[]);
        check("y\nn\nn\n", &["1"]);
        check(
            "n\ny\n2026-12-31\nOPS-1\nlater\n",
            &["3 2026-12-31 OPS-1 later"],
        );
        check(
            "n\ny\nsoon\n\n2026-02-30\ny\n2026-12-31\nA\n\nb\n",
            &["4 2026-12-31 A b"],
        );
        let asked = check(
            "y\ny\n2026-12-31\n\nOPS-1\nlater\nq\n",
            &["1", "3 2026-12-31 OPS-1 later"],
        );
        insta::assert_snapshot!(asked);
    }
}
