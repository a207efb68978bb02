//! The command line.

use crate::lock::Guard;
use std::error::Error;
use std::path::PathBuf;

/// What `--help` and every usage error show.
const USAGE: &str = "usage: points-job [--init] [--folder DIR] [--date DAY] [--mail HOST:PORT] \
                     [--guard check|flock] [--idempotent]";

/// What a run was asked for.
pub(crate) struct Options {
    /// Make the data file, and do nothing else.
    pub(crate) init: bool,
    /// The shared folder.
    pub(crate) folder: PathBuf,
    /// The day whose points are granted.
    pub(crate) date: String,
    /// The mail server.
    pub(crate) mail: String,
    /// How other runs are kept out.
    pub(crate) guard: Guard,
    /// Whether a second run of the same day changes nothing.
    pub(crate) idempotent: bool,
}

impl Options {
    /// Reads the arguments behind the program's name.
    pub(crate) fn read(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            init: false,
            folder: PathBuf::from("/shared"),
            date: "2026-11-22".to_owned(),
            mail: "mail:25".to_owned(),
            guard: Guard::Check,
            idempotent: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(USAGE);
            match argument.as_str() {
                "--init" => options.init = true,
                "--idempotent" => options.idempotent = true,
                "--folder" => options.folder = value()?.into(),
                "--date" => options.date = value()?,
                "--mail" => options.mail = value()?,
                "--guard" => {
                    options.guard = match value()?.as_str() {
                        "check" => Guard::Check,
                        "flock" => Guard::Flock,
                        _ => return Err(USAGE.into()),
                    }
                }
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }
}
