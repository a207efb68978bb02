//! The `twiceproof` binary: arguments in, exit code out.

mod args;
mod campaign;
mod commands;
mod environment;
mod events;
mod exit;
mod failure;
mod import;
mod project;
mod recorded;
mod registries;
mod regressions;
mod review;
mod screen;
mod signals;
mod stored;
mod view;
mod world;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match commands::run(&args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print(args.global.color);
            failure.exit.into()
        }
    }
}
