//! `import`: what starts a job elsewhere, as skeletons of targets and scenarios.

use crate::args::{self, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::import::cron::Flaw;
use crate::import::{File, IMPORTERS, Importer, Wanted};
use crate::project::Project;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use twiceproof_model::diag::{Diag, code};
use twiceproof_model::file;

/// Make scenarios from a crontab or a manifest of Kubernetes
///
/// What starts the job becomes the trigger. The files' comments say what was kept and dropped, and
/// which slots come twice or never because of daylight saving. No file is overwritten.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// What the file is: crontab, k8s
    #[arg(value_parser = importer)]
    pub(crate) kind: String,
    /// The file
    pub(crate) file: PathBuf,
    /// Make scenarios for this target, and no target
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Zone of schedules that name none
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Lines of the crontab name a user, as in /etc/crontab
    #[arg(long)]
    pub(crate) system: bool,
    /// Look at slots from this day on; without it from today on
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<jiff::civil::Date>,
    /// Print the files and write none
    #[arg(long)]
    pub(crate) print: bool,
}

fn importer(name: &str) -> Result<String, String> {
    match find(name) {
        Some(importer) => Ok(importer.name.to_owned()),
        None => {
            let known = IMPORTERS
                .iter()
                .map(|importer| format!("{}: {}", importer.name, importer.doc));
            Err(format!(
                "there are:\n{}",
                known.collect::<Vec<_>>().join("\n")
            ))
        }
    }
}

fn find(name: &str) -> Option<&'static Importer> {
    IMPORTERS.iter().find(|importer| importer.name == name)
}

/// Runs the command.
pub(crate) fn run(args: &ImportArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    if let Some(target) = &args.target
        && !project.target_names().contains(target)
    {
        let known = project.target_names().join(", ");
        let message = format!("unknown target `{target}`");
        return Err(Failure::usage(message, format!("targets: {known}")));
    }
    let path = global.folder.as_deref().unwrap_or(Path::new("."));
    let bytes =
        fs::read(path.join(&args.file)).map_err(|error| Failure::unreadable(&args.file, &error))?;
    let text = file::text(&bytes, &args.file).map_err(|diag| refused(args, &[diag], ""))?;
    let importer = find(&args.kind).expect("clap has looked at the name");
    let now = match args.on {
        None => jiff::Timestamp::now(),
        Some(date) => date
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|error| Failure::usage(error, "write --on 2026-11-27"))?
            .timestamp(),
    };
    let wanted = Wanted {
        command: command(args),
        file: args.file.display().to_string(),
        target: args.target.clone(),
        zone: args.zone.clone(),
        has_users: args.system,
        now,
    };
    let files = (importer.read)(text, &wanted).map_err(|flaws| {
        let diags: Vec<Diag> = flaws
            .into_iter()
            .map(|flaw| diag(flaw, &args.file))
            .collect();
        refused(args, &diags, text)
    })?;
    if args.print {
        for File { path, text } in &files {
            println!("======== {path}\n{text}");
        }
        return Ok(Exit::Ok);
    }
    write(&project.root, &files)?;
    if !global.quiet {
        for file in &files {
            println!("wrote {}", file.path);
        }
    }
    Ok(Exit::Ok)
}

/// Returns the command as a user would give it again.
fn command(args: &ImportArgs) -> String {
    let mut words = vec![format!(
        "twiceproof import {} {}",
        args.kind,
        args.file.display()
    )];
    words.extend(args.target.iter().map(|name| format!("--target {name}")));
    words.extend(args.zone.iter().map(|zone| format!("--zone {zone}")));
    words.extend(args.system.then(|| "--system".to_owned()));
    words.join(" ")
}

fn diag(flaw: Flaw, file: &Path) -> Diag {
    Diag {
        code: code::SYNTAX,
        message: flaw.message,
        file: file.to_owned(),
        span: (flaw.span.end > 0).then_some(flaw.span),
        help: flaw.help,
    }
}

fn refused(args: &ImportArgs, diags: &[Diag], text: &str) -> Failure {
    let drawn = diags.iter().map(|diag| diag.render(text, args::width()));
    let message = format!("cannot import {}", args.file.display());
    Failure {
        body: drawn.collect(),
        ..Failure::usage(message, "")
    }
}

/// Writes the files, or none if one of them exists.
fn write(root: &Path, files: &[File]) -> Result<(), Failure> {
    let existing: Vec<&str> = files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| root.join(path).exists())
        .collect();
    if !existing.is_empty() {
        let message = format!("would overwrite {}", existing.join(", "));
        let hint = "move them away, or see the new ones with --print";
        return Err(Failure::usage(message, hint));
    }
    for File { path, text } in files {
        let path = root.join(path);
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| {
                Failure::environment(format!("cannot write {}: {error}", path.display()), "")
            })?;
    }
    Ok(())
}
