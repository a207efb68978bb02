//! The command line.

use crate::commands::{
    check, clean, demo, explain, import, list, record, replay, review, run, schema, shrink,
};
use crate::exit;
use anstream::ColorChoice;
use clap::{Parser, Subcommand, ValueEnum};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;
use twiceproof_model::Date;
use twiceproof_report::Palette;

/// Is a batch job proof against running twice?
///
/// Starts the unmodified job several times in sandboxes, stops each copy between two requests,
/// kills it there, and compares what it left with what a single clean run leaves.
#[derive(Debug, Parser)]
#[command(name = "twiceproof", version, after_help = exit::table(), max_term_width = 100)]
pub(crate) struct Args {
    /// Flags of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Global {
    /// Work as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Whether text is coloured
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(crate) color: Color,
    /// Ask nothing, also at a terminal
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Say more: a line for each trial
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Say less: no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::RunArgs),
    Replay(replay::ReplayArgs),
    Record(record::RecordArgs),
    Shrink(shrink::ShrinkArgs),
    Review(review::ReviewArgs),
    Check(check::CheckArgs),
    Import(import::ImportArgs),
    Explain(explain::ExplainArgs),
    List(list::ListArgs),
    Clean(clean::CleanArgs),
    Demo(demo::DemoArgs),
    Schema(schema::SchemaArgs),
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, as NO_COLOR and CLICOLOR_FORCE say
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Returns the same for streams.
    pub(crate) fn choice(self) -> ColorChoice {
        match self {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
    }

    /// Returns the colours for this stream.
    pub(crate) fn palette(self, stream: &impl anstream::stream::RawStream) -> Palette {
        let choice = match self.choice() {
            ColorChoice::Auto => anstream::AutoStream::choice(stream),
            other => other,
        };
        match choice {
            ColorChoice::Never => Palette::PLAIN,
            _ => Palette::COLOURED,
        }
    }
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    Human,
    /// For a program
    Json,
}

/// The backend, where nobody names one.
pub(crate) const BACKEND: &str = "local";

/// A backend by name.
pub(crate) fn backend(name: &str) -> Result<String, String> {
    let names = crate::registries::backends();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "no backend of that name; there are: {}",
        names.join(", ")
    ))
}

/// A duration such as `90s` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write `90s` or `1h 30m`"))
}

/// A day such as `2026-12-31`.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    let wrong = || "expected a day such as 2026-12-31".to_owned();
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    day(date).ok_or_else(wrong)
}

/// Returns the same day.
pub(crate) fn day(date: jiff::civil::Date) -> Option<Date> {
    let part = |number: i8| u8::try_from(number).ok();
    let year = u16::try_from(date.year()).ok()?;
    Date::new(year, part(date.month())?, part(date.day())?)
}

/// A seed, or a random one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

/// A number, or `random`.
pub(crate) fn seed(text: &str) -> Result<Seed, String> {
    if text == "random" {
        let time = jiff::Timestamp::now().as_nanosecond();
        let mixed = twiceproof_model::digest::Digest::of(&time.to_le_bytes()).to_string();
        return u64::from_str_radix(&mixed[..8], 16)
            .map(Seed)
            .map_err(|error| error.to_string());
    }
    text.parse()
        .map(Seed)
        .map_err(|_| "expected a whole number from 0, or `random`".to_owned())
}

/// Returns the columns to lay text out by: those of a terminal, else 120.
pub(crate) fn width() -> usize {
    if !std::io::stdout().is_terminal() {
        return 120;
    }
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => 100,
    }
}
