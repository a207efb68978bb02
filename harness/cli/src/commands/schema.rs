//! `schema`: what files may say, derived from the registries.

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::registries::Registries;
use clap::{Args, ValueEnum};
use twiceproof_model::schema;

/// Print the JSON Schema of target or scenario files, or their reference
#[derive(Clone, Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    pub(crate) kind: Of,
}

/// What can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Of {
    /// JSON Schema (draft-07) of target.toml
    Target,
    /// JSON Schema (draft-07) of scenario files
    Scenario,
    /// Every key of both files, as Markdown
    Reference,
}

/// Runs the command.
pub(crate) fn run(args: &SchemaArgs, _: &Global) -> Result<Exit, Failure> {
    let registries = Registries::all();
    let kinds = registries.kinds();
    let text = match args.kind {
        Of::Target => twiceproof_report::json::to_text(&schema::target(&kinds)),
        Of::Scenario => twiceproof_report::json::to_text(&schema::scenario(&kinds)),
        Of::Reference => schema::reference(&kinds),
    };
    print!("{text}");
    Ok(Exit::Ok)
}
