//! Lines of a crontab to scenarios.

use super::cron::Flaw;
use super::crontab::{self, Entry};
use super::skeleton::{File, Scenario, Target, name_of, quoted};
use super::{Wanted, ZONE_HELP, schedule_notes};
use std::collections::BTreeSet;

/// Turns a crontab into files: for each line a scenario in which two slots overlap, one in which
/// one slot starts twice, and a target where none is named.
pub(super) fn read(text: &str, wanted: &Wanted) -> Result<Vec<File>, Vec<Flaw>> {
    let entries = crontab::parse(text, wanted.has_users)?;
    if entries.is_empty() {
        return Err(vec![Flaw {
            message: "no line starts anything".to_owned(),
            span: 0..0,
            help: "write `0 2 * * * COMMAND`".to_owned(),
        }]);
    }
    let mut names = BTreeSet::new();
    let mut files = Vec::new();
    for entry in &entries {
        let base = match &wanted.target {
            Some(target) => target.clone(),
            None => name_of(program(&entry.command)),
        };
        let mut name = base.clone();
        let mut number = 1;
        while !names.insert(name.clone()) {
            number += 1;
            name = format!("{base}-{number}");
        }
        files.extend(files_of(entry, &name, wanted, text)?);
    }
    Ok(files)
}

/// Returns the word that says best what a command runs: the script of an interpreter, else the
/// program.
fn program(command: &str) -> &str {
    let words = command.split_ascii_whitespace();
    let is_noise = |word: &&str| {
        let last = word.rsplit('/').next().unwrap_or_default();
        let known = [
            "flock", "cd", "nice", "env", "sh", "bash", "exec", "timeout", "ionice",
        ];
        word.starts_with('-')
            || word.contains(['=', '&', '|', '>', '<'])
            || word.ends_with(".lock")
            || word.ends_with(".pid")
            || known.contains(&last)
            || last.starts_with("python")
            || last.chars().all(|c| c.is_ascii_digit())
    };
    let mut words = words.filter(|word| !is_noise(word));
    let first = words.next().unwrap_or("job");
    let last = first.rsplit('/').next().unwrap_or(first);
    match last.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => last,
    }
}

fn files_of(
    entry: &Entry,
    name: &str,
    wanted: &Wanted,
    text: &str,
) -> Result<Vec<File>, Vec<Flaw>> {
    let zone = entry.zone.as_deref().or(wanted.zone.as_deref());
    let slots = schedule_notes(&entry.schedule, zone, wanted.now).map_err(|message| {
        let name = zone.unwrap_or_default();
        let at = text.find(name).unwrap_or(0);
        vec![Flaw {
            message,
            span: at..at
                + if text[at..].starts_with(name) {
                    name.len()
                } else {
                    0
                },
            help: ZONE_HELP.to_owned(),
        }]
    })?;
    let kept = kept(entry);
    let mut overlap = kept.clone();
    overlap.extend(slots);
    if zone.is_some() && !entry.schedule.is_frequent() {
        overlap.push(
            "daylight saving: Debian's cron (cron(8)) starts such times once where they come \
             twice, and at once where they are left out"
                .to_owned(),
        );
    }
    let mut twice = kept.clone();
    twice.push("reason:  two machines have this line, or a time that comes twice".to_owned());
    let target = wanted.target.as_deref().unwrap_or(name);
    let from = ("from", quoted(&wanted.file));
    let scenario = |file: &str, notes, title: String, kind: &str| {
        let scenario = Scenario {
            name: format!("{name}/{file}"),
            command: &wanted.command,
            notes,
            title,
            target,
            trigger: vec![
                ("kind", quoted(kind)),
                ("instances", "2".to_owned()),
                from.clone(),
            ],
        };
        scenario.file()
    };
    let line = entry.line;
    let mut files = vec![
        scenario(
            "slots-overlap",
            overlap,
            format!("crontab line {line}: a slot starts while the one before still runs"),
            "cron-overlap",
        ),
        scenario(
            "two-starts",
            twice,
            format!("crontab line {line}: one slot starts twice"),
            "double-start",
        ),
    ];
    if wanted.target.is_none() {
        files.insert(0, target_of(entry, name, wanted, kept));
    }
    Ok(files)
}

/// Returns what was kept of a line, and what was dropped.
fn kept(entry: &Entry) -> Vec<String> {
    let mut kept = vec![format!("line {}", entry.line), entry.time.clone()];
    kept.extend(entry.zone.as_ref().map(|zone| format!("CRON_TZ {zone}")));
    let mut notes = vec![format!("kept:    {}", kept.join(", "))];
    let mut dropped = Vec::new();
    dropped.extend(entry.user.as_ref().map(|user| format!("user {user}")));
    if entry.has_input {
        dropped.push("the standard input behind `%`".to_owned());
    }
    if !dropped.is_empty() {
        notes.push(format!("dropped: {}", dropped.join(", ")));
    }
    if let Some(lock) = crontab::flock(&entry.command) {
        let then = match lock.gives_up {
            true => "a start that finds it locked gives up",
            false => "a start that finds it locked waits",
        };
        notes.push(format!(
            "lock:    flock on {}: {then}; it keeps no start on another machine out",
            lock.file
        ));
    }
    notes
}

fn target_of(entry: &Entry, name: &str, wanted: &Wanted, notes: Vec<String>) -> File {
    let target = Target {
        name,
        command: &wanted.command,
        notes,
        argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), entry.command.clone()],
        args: Vec::new(),
        env: entry.env.clone(),
        image: None,
        timeout: None,
    };
    target.file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_a_name() {
        for (command, expect) in [
            ("/opt/points.sh --all", "points"),
            ("cd /srv/app && /usr/bin/python3 grant.py 7", "app"),
            ("flock -n /run/a.lock /opt/jobs/nightly", "nightly"),
            ("LANG=C bash -c 'x'", "'x'"),
            ("", "job"),
        ] {
            assert_eq!(program(command), expect, "{command}");
        }
    }
}
