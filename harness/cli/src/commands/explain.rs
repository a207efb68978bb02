//! `explain`: the page of a code.

use crate::args::{self, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use clap::Args;
use twiceproof_oracle::{CAUSES, CauseKind, Side, cause};
use twiceproof_report::codes::{CODES, Code};
use twiceproof_report::escape::wrap;

/// Print what a code means and what to do about it: T1, L5, D1, TP-V01
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Codes, such as L5 or TP-V01; without any: all of them, a line each
    #[arg(value_name = "CODE")]
    pub(crate) codes: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs, _: &Global) -> Result<Exit, Failure> {
    if args.codes.is_empty() {
        for (code, sentence) in all() {
            println!("{code:<7} {sentence}");
        }
        return Ok(Exit::Ok);
    }
    let pages: Result<Vec<String>, Failure> = args.codes.iter().map(|code| page(code)).collect();
    print!("{}", pages?.join("\n"));
    Ok(Exit::Ok)
}

/// Returns every code with its sentence: causes first.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let causes = CAUSES.iter().map(|cause| (cause.code, cause.title));
    causes.chain(CODES.iter().map(|code| (code.name, code.sentence)))
}

fn page(asked: &str) -> Result<String, Failure> {
    let code = asked.to_ascii_uppercase();
    if let Some(cause) = cause(&code) {
        return Ok(of_cause(cause));
    }
    if let Some(known) = CODES.iter().find(|known| known.name == code) {
        return Ok(of_code(known));
    }
    let hint = "`twiceproof explain` prints all of them";
    Err(Failure::usage(format!("no code `{asked}`"), hint))
}

fn of_cause(cause: &CauseKind) -> String {
    let question = match cause.side {
        Side::Trigger => "why did it run twice? Follows from the scenario's trigger.",
        Side::Lock => "why did it run twice? What the lock did not hold.",
        Side::Data => "why did the data break although it ran twice?",
    };
    let mut text = format!("{} {}\n", cause.code, cause.title);
    text += &section("answers", question);
    text += &section("what", cause.doc);
    text += &section("instead", cause.remedy);
    if cause.side != Side::Trigger {
        let basis = "The steps of one trial show it. It is a hypothesis until the trial is run \
                     again with that one thing changed.";
        text += &section("basis", basis);
    }
    text
}

fn of_code(code: &Code) -> String {
    let mut text = format!("{} {}\n", code.name, code.sentence);
    text += &section("what", code.what);
    text += &section("next", code.next);
    text
}

fn section(head: &str, text: &str) -> String {
    let width = args::width().clamp(40, 100) - 11;
    let mut lines = wrap(text, width).into_iter();
    let mut out = format!("  {head:<8} {}\n", lines.next().unwrap_or_default());
    for line in lines {
        out += &format!("           {line}\n");
    }
    out
}
