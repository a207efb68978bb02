//! The commands: one file each.

pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod shrink;

use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::failure::Failure;

/// Does what the command line asks for.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let global = &args.global;
    match &args.command {
        Command::Run(args) => run::run(args, global),
        Command::Replay(args) => replay::run(args, global),
        Command::Record(args) => record::run(args, global),
        Command::Shrink(args) => shrink::run(args, global),
        Command::Review(args) => review::run(args, global),
        Command::Check(args) => check::run(args, global),
        Command::Import(args) => import::run(args, global),
        Command::Explain(args) => explain::run(args, global),
        Command::List(args) => list::run(args, global),
        Command::Clean(args) => clean::run(args, global),
        Command::Demo(args) => demo::run(args, global),
        Command::Schema(args) => schema::run(args, global),
    }
}
