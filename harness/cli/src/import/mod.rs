//! Imports: what starts a job elsewhere, as skeletons of targets and scenarios. Their comments say
//! what was kept and what was dropped.

pub(crate) mod cron;
mod crontab;
mod daylight;
mod from_crontab;
mod kubernetes;
mod skeleton;

pub(crate) use skeleton::File;

use cron::{Flaw, Schedule};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What an import is told beside the file.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The command that is run, for the comments.
    pub(crate) command: String,
    /// The file, as the user named it.
    pub(crate) file: String,
    /// The target that scenarios are about; without one a target is made too.
    pub(crate) target: Option<String>,
    /// The zone of schedules that name none.
    pub(crate) zone: Option<String>,
    /// Whether lines of a crontab name users.
    pub(crate) has_users: bool,
    /// The time from which on slots are looked at.
    pub(crate) now: Timestamp,
}

/// The files that an import makes, or every flaw of what it reads.
pub(crate) type Imported = Result<Vec<File>, Vec<Flaw>>;

/// A way to import.
pub(crate) struct Importer {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it reads.
    pub(crate) doc: &'static str,
    /// Turns a text into files.
    pub(crate) read: fn(&str, &Wanted) -> Imported,
}

/// Every way to import.
pub(crate) const IMPORTERS: &[Importer] = &[
    Importer {
        name: "crontab",
        doc: "A crontab: five fields or @daily and the like, CRON_TZ, flock.",
        read: from_crontab::read,
    },
    Importer {
        name: "k8s",
        doc: "A manifest with CronJobs and Jobs of Kubernetes.",
        read: kubernetes::read,
    },
];

/// Returns what is to be known of a schedule: its zone, how often it starts, and which slots come
/// twice or never.
fn schedule_notes(
    schedule: &Schedule,
    zone: Option<&str>,
    now: Timestamp,
) -> Result<Vec<String>, String> {
    let mut notes = Vec::new();
    let known = zone.map(|name| TimeZone::get(name).map_err(|_| no_zone(name)));
    let known = known.transpose()?;
    let local = now
        .to_zoned(known.clone().unwrap_or(TimeZone::UTC))
        .datetime();
    match schedule.next(local) {
        None => notes.push("slots:   none within four years".to_owned()),
        Some((first, u64::MAX)) => notes.push(format!("slots:   one within four years, {first}")),
        Some((first, minutes)) => notes.push(format!(
            "slots:   next at {first}; two starts overlap where a run takes {} or longer",
            humantime::format_duration(std::time::Duration::from_secs(minutes * 60))
        )),
    }
    let (Some(zone), Some(known)) = (zone, known) else {
        let note = "daylight saving: no zone is given; with --zone NAME slots that come twice \
                    or never are named here";
        notes.push(note.to_owned());
        return Ok(notes);
    };
    let changes = daylight::changes(schedule, &known, now);
    if changes.is_empty() {
        notes.push(format!("daylight saving: none in {zone} within a year"));
    }
    let lines = daylight::describe(&changes, zone);
    notes.extend(lines.iter().map(|line| format!("daylight saving: {line}")));
    Ok(notes)
}

fn no_zone(name: &str) -> String {
    format!("unknown time zone `{name}`")
}

/// What to do about a zone that is not known.
const ZONE_HELP: &str = "write a name such as Europe/Berlin or UTC";
