//! `review`: what clean runs propose and what runs found, accepted into the files or taken out of
//! them.

use crate::args::{self, Format, Global};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::review::dialogue::{self, Details};
use crate::review::{self, Entry, Standing, What, edit};
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use twiceproof_lab::store::put_durable;
use twiceproof_model::Date;
use twiceproof_model::scenario::KnownSpec;
use twiceproof_report::escape::{pad, show};

/// Review masks and locks that runs propose, and what they found
///
/// At a terminal it asks; elsewhere, and with `--list`, it prints what there is to review. To
/// accept a mask or a lock writes it into the target file; to accept a finding writes it into the
/// scenario file as known, which needs a date, a ticket and a reason. To reject takes it out of the
/// file again. Comments and layout stay.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReviewArgs {
    /// Print what there is to review, and change nothing
    #[arg(long, conflicts_with_all = ["accept", "reject"])]
    pub(crate) list: bool,
    /// Write this into its file; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) accept: Vec<String>,
    /// Take this out of its file; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) reject: Vec<String>,
    /// With a finding to accept: the last day on which it does not fail, 2026-12-31
    #[arg(long, value_name = "DATE", value_parser = args::date)]
    pub(crate) until: Option<Date>,
    /// With a finding to accept: where it is dealt with
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
    /// With a finding to accept: why it can wait
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Where runs are stored, in place of `reports/runs`
    #[arg(long, value_name = "DIR", env = environment::RUNS_DIR)]
    pub(crate) runs_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &ReviewArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let runs = project.runs(args.runs_dir.as_deref());
    let entries = review::entries(&project, &runs);
    if args.accept.is_empty() && args.reject.is_empty() {
        if asks(args, global) {
            return talk(&project, &entries);
        }
        match args.format {
            Format::Human => print!("{}", list(&entries)),
            Format::Json => {
                let values: Value = entries.iter().map(json_of).collect();
                print!("{}", twiceproof_report::json::to_text(&values));
            }
        }
        return Ok(Exit::Ok);
    }
    if environment::is_ci() {
        let message = "CI is set, so no target or scenario file is written";
        let hint = "review on a machine that somebody watches, and commit the files";
        return Err(Failure::usage(message, hint));
    }
    // Every name is looked up before anything is written.
    let find = |id: &String| find(&entries, id);
    let accept: Vec<&Entry> = args.accept.iter().map(find).collect::<Result<_, _>>()?;
    let reject: Vec<&Entry> = args.reject.iter().map(find).collect::<Result<_, _>>()?;
    let details = args.details();
    for entry in accept {
        put(&project, entry, details.as_ref())?;
    }
    for entry in reject {
        let text = read(&project, entry)?;
        let edited = rejected(&text, entry)?;
        write(&project, entry, &edited)?;
        tell("rejected", entry);
    }
    Ok(Exit::Ok)
}

impl ReviewArgs {
    /// Returns what makes a finding a known one, where all of it is given.
    fn details(&self) -> Option<Details> {
        Some(Details {
            until: self.until?,
            ticket: self.ticket.clone()?,
            reason: self.reason.clone()?,
        })
    }
}

/// Returns whether a person is there to be asked.
fn asks(args: &ReviewArgs, global: &Global) -> bool {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let is_wanted = !args.list && !global.no_input && args.format == Format::Human;
    is_wanted && is_terminal && !environment::is_ci()
}

fn talk(project: &Project, entries: &[Entry]) -> Result<Exit, Failure> {
    print!("{}", list(entries));
    let mut input = std::io::stdin().lock();
    let accepted = dialogue::ask(entries, &words, &mut input, &mut std::io::stdout())
        .map_err(|error| Failure::environment(format!("cannot talk: {error}"), ""))?;
    for (entry, details) in accepted {
        put(project, entry, details.as_ref())?;
    }
    Ok(Exit::Ok)
}

/// Writes an entry into its file.
fn put(project: &Project, entry: &Entry, details: Option<&Details>) -> Result<(), Failure> {
    let text = read(project, entry)?;
    let edited = accepted(&text, entry, details)?;
    write(project, entry, &edited)?;
    tell("accepted", entry);
    Ok(())
}

fn find<'e>(entries: &'e [Entry], id: &str) -> Result<&'e Entry, Failure> {
    let named = |entry: &&Entry| {
        let scenario = match &entry.what {
            What::Finding { scenario, .. } => format!("{scenario}/{}", entry.id),
            _ => String::new(),
        };
        entry.id == id || scenario == id
    };
    let mut found = entries.iter().filter(named);
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => Err(Failure::usage(
            format!("nothing to review is called `{id}`"),
            "`twiceproof review --list` prints what there is",
        )),
        (Some(_), Some(_)) => Err(Failure::usage(
            format!("several scenarios have the finding {id}"),
            "name it with its scenario: SCENARIO/ID",
        )),
    }
}

/// Returns the file's text with the entry in it.
fn accepted(text: &str, entry: &Entry, details: Option<&Details>) -> Result<String, Failure> {
    match &entry.what {
        What::Mask { service, column } => {
            let edited = edit::add_entry(text, ["state", service, "mask"], column);
            edited.ok_or_else(|| by_hand(entry))
        }
        What::Lock(_) if entry.standing == Standing::Accepted => Ok(text.to_owned()),
        What::Lock(lock) => Ok(edit::add_lock(text, lock)),
        What::Finding { .. } => {
            let Some(details) = details else {
                let message = format!(
                    "finding {} is not accepted without a date, a ticket and a reason",
                    entry.id
                );
                let hint = "add --until DATE --ticket TICKET --reason TEXT: what is known fails \
                            again after its date";
                return Err(Failure::usage(message, hint));
            };
            let known = KnownSpec {
                finding: entry.id.clone(),
                until: details.until,
                ticket: details.ticket.clone(),
                reason: details.reason.clone(),
            };
            let without = edit::remove_known(text, &entry.id);
            Ok(edit::add_known(without.as_deref().unwrap_or(text), &known))
        }
    }
}

/// Returns the file's text without the entry.
fn rejected(text: &str, entry: &Entry) -> Result<String, Failure> {
    let edited = match &entry.what {
        What::Mask { service, column } => {
            edit::remove_entry(text, ["state", service, "mask"], column)
        }
        What::Lock(lock) => edit::remove_lock(text, &lock.name),
        What::Finding { .. } => edit::remove_known(text, &entry.id),
    };
    edited.ok_or_else(|| {
        let file = entry.file.display();
        let hint = match &entry.what {
            What::Mask { .. } => {
                "clean runs differ in the column, so each run masks it; make the job write the \
                 same value each time to have it compared"
            }
            What::Lock(_) => "each run infers it anew; what it leads to is printed with the run",
            What::Finding { .. } => "a finding that is not known fails already",
        };
        Failure::usage(format!("{file} does not say {}", words(entry)), hint)
    })
}

fn by_hand(entry: &Entry) -> Failure {
    let message = format!("{} cannot be edited", entry.file.display());
    Failure::usage(message, format!("write it by hand: {}", words(entry)))
}

fn read(project: &Project, entry: &Entry) -> Result<String, Failure> {
    let path = project.root.join(&entry.file);
    fs::read_to_string(&path).map_err(|error| Failure::unreadable(&entry.file, &error))
}

/// Writes the edited file, if it can still be read and says what it said beside the edit.
fn write(project: &Project, entry: &Entry, text: &str) -> Result<(), Failure> {
    if !project.accepts(&entry.file, text) {
        return Err(by_hand(entry));
    }
    put_durable(&project.root.join(&entry.file), text.as_bytes()).map_err(Failure::from)
}

fn tell(what: &str, entry: &Entry) {
    let file = show(&entry.file.display().to_string(), 100);
    println!("{what} {} in {file}: {}", entry.id, words(entry));
}

/// Returns what an entry is, as the file says it.
fn words(entry: &Entry) -> String {
    match &entry.what {
        What::Mask { service, column } => {
            format!("state.{}.mask \"{}\"", show(service, 40), show(column, 80))
        }
        What::Lock(lock) => {
            let release = match lock.release.as_str() {
                "" => "the session's end".to_owned(),
                release => format!("\"{}\"", show(release, 60)),
            };
            let (name, acquire) = (show(&lock.name, 40), show(&lock.acquire, 60));
            format!("lock.{name}, taken by \"{acquire}\", given back by {release}")
        }
        What::Finding { code, message, .. } => {
            format!("{code} {}", show(message, 100)).trim().to_owned()
        }
    }
}

fn standing(entry: &Entry) -> String {
    match &entry.standing {
        Standing::Proposed => "proposed".to_owned(),
        Standing::Accepted => "accepted".to_owned(),
        Standing::New => "new".to_owned(),
        Standing::Known(until, ticket) => format!("known until {until}, {}", show(ticket, 40)),
    }
}

/// Returns the entries under their files.
fn list(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut file: Option<&Path> = None;
    for entry in entries {
        if file != Some(&*entry.file) {
            text.push_str(&format!(
                "{}\n",
                show(&entry.file.display().to_string(), 100)
            ));
            file = Some(&entry.file);
        }
        let standing = pad(&standing(entry), 10);
        text.push_str(&format!("  {}  {standing}  {}\n", entry.id, words(entry)));
    }
    text.push_str(match entries {
        [] => "nothing to review: no stored run proposes or found anything\n",
        _ => {
            "\nto write one into its file:   twiceproof review --accept ID\n\
             to take one out of it:        twiceproof review --reject ID\n"
        }
    });
    text
}

fn json_of(entry: &Entry) -> Value {
    let kind = match entry.what {
        What::Mask { .. } => "mask",
        What::Lock(_) => "lock",
        What::Finding { .. } => "finding",
    };
    json!({
        "id": entry.id,
        "kind": kind,
        "file": entry.file.display().to_string(),
        "standing": standing(entry),
        "text": words(entry),
    })
}
