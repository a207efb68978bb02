//! Crontabs: lines of five fields and a command, and settings between them (crontab(5)).

use super::cron::{self, Flaw, Schedule};
use std::ops::Range;

/// Most lines that start something.
const ENTRIES_MAX: usize = 200;

/// One line that starts something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Number of the line, from 1.
    pub(super) line: usize,
    /// The time, as written.
    pub(super) time: String,
    /// The time.
    pub(super) schedule: Schedule,
    /// The command, up to a `%` that begins its standard input.
    pub(super) command: String,
    /// Whether a `%` and what follows it was left out.
    pub(super) has_input: bool,
    /// The user in whose name it runs, where the line names one.
    pub(super) user: Option<String>,
    /// The zone that its time is told in, where a line above says so.
    pub(super) zone: Option<String>,
    /// Settings above it that become variables of the command.
    pub(super) env: Vec<(String, String)>,
}

/// Reads a crontab, or returns every flaw in it. `has_users`: each line names a user, as in
/// `/etc/crontab`.
pub(super) fn parse(text: &str, has_users: bool) -> Result<Vec<Entry>, Vec<Flaw>> {
    let mut entries = Vec::new();
    let mut flaws = Vec::new();
    let mut zone = None;
    let mut env: Vec<(String, String)> = Vec::new();
    let mut offset = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let start = offset + (whole.len() - whole.trim_start().len());
        offset += whole.len();
        let line = whole.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = setting(line) {
            match name {
                "CRON_TZ" => zone = Some(value.to_owned()),
                // What cron itself reads means nothing to the command.
                "MAILTO" | "MAILFROM" | "SHELL" | "CONTENT_TYPE" | "RANDOM_DELAY" => {}
                _ => {
                    env.retain(|(other, _)| other != name);
                    env.push((name.to_owned(), value.to_owned()));
                }
            }
            continue;
        }
        if entries.len() >= ENTRIES_MAX {
            flaws.push(flaw(start..start + line.len(), "too many lines", ""));
            break;
        }
        match entry(line, has_users) {
            Ok(found) => entries.push(Entry {
                line: index + 1,
                zone: zone.clone(),
                env: env.clone(),
                ..found
            }),
            Err(found) => flaws.push(Flaw {
                span: start + found.span.start..start + found.span.end,
                ..found
            }),
        }
    }
    if flaws.is_empty() {
        Ok(entries)
    } else {
        Err(flaws)
    }
}

fn flaw(span: Range<usize>, message: &str, help: &str) -> Flaw {
    Flaw {
        message: message.to_owned(),
        span,
        help: help.to_owned(),
    }
}

/// Returns name and value of a line such as `CRON_TZ=Asia/Tokyo`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(is_name) {
        return None;
    }
    let value = value.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    Some((name, quoted('"').or_else(|| quoted('\'')).unwrap_or(value)))
}

/// Reads a line that starts something.
fn entry(line: &str, has_users: bool) -> Result<Entry, Flaw> {
    let words = cron::split(line);
    let count = if line.starts_with('@') { 1 } else { 5 };
    let all = 0..line.len();
    if words.len() < count {
        let message = "neither a setting nor five fields and a command";
        let help = "write `0 2 * * * COMMAND`, `@daily COMMAND` or `NAME=VALUE`";
        return Err(flaw(all, message, help));
    }
    let time = &line[..words[count - 1].end];
    let schedule = cron::parse(time)?;
    let rest = words.get(count..).unwrap_or_default();
    let (user, rest) = match (has_users, rest) {
        (true, [user, rest @ ..]) => (Some(line[user.clone()].to_owned()), rest),
        (_, rest) => (None, rest),
    };
    let Some(first) = rest.first() else {
        let message = "no command behind the time";
        let help = match has_users {
            true => "with --system each line names a user first",
            false => "write `0 2 * * * COMMAND`",
        };
        return Err(flaw(all, message, help));
    };
    let (command, has_input) = unescape(&line[first.start..]);
    Ok(Entry {
        line: 0,
        time: time.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        schedule,
        command,
        has_input,
        user,
        zone: None,
        env: Vec::new(),
    })
}

/// Returns a command up to the first bare `%`, and whether there was one: what follows it is the
/// command's input. `\%` is a plain one.
fn unescape(command: &str) -> (String, bool) {
    let mut text = String::new();
    let mut characters = command.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '%' => return (text.trim_end().to_owned(), true),
            '\\' if characters.peek() == Some(&'%') => {
                text.push('%');
                characters.next();
            }
            other => text.push(other),
        }
    }
    (text.trim_end().to_owned(), false)
}

/// What `flock` does around a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flock {
    /// The file that it locks.
    pub(super) file: String,
    /// Whether a start that finds it locked gives up at once.
    pub(super) gives_up: bool,
}

/// Returns what `flock` does around the command, if it is the first program of one.
pub(super) fn flock(command: &str) -> Option<Flock> {
    let mut words = command.split_ascii_whitespace();
    words.find(|word| *word == "flock" || word.ends_with("/flock"))?;
    let mut gives_up = false;
    while let Some(word) = words.next() {
        match word {
            "--nonblock" | "--nb" => gives_up = true,
            "-w" | "--wait" | "--timeout" | "-E" | "--conflict-exit-code" => {
                words.next()?;
            }
            _ if word.starts_with("--") => {}
            _ if word.starts_with('-') => gives_up |= word.contains('n'),
            file => {
                return Some(Flock {
                    file: file.trim_matches(['"', '\'']).to_owned(),
                    gives_up,
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind() {
        let text = "# nightly\nMAILTO=ops@x.test\nLANG = \"C.UTF-8\"\n\nCRON_TZ=Asia/Tokyo\n\
            0 2 * * *  /opt/points.sh --at $(date +\\%F) %input\n@daily echo a = b\n";
        let entries = parse(text, false).expect("the file is sound");
        let told = entries.iter().map(|entry| {
            let Entry {
                line,
                time,
                command,
                has_input,
                zone,
                ..
            } = entry;
            format!(
                "{line}: {time} [{command}] {has_input} {zone:?} {:?}",
                entry.env
            )
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "6: 0 2 * * * [/opt/points.sh --at $(date +%F)] true Some(\"Asia/Tokyo\") \
                 [(\"LANG\", \"C.UTF-8\")]",
                "7: @daily [echo a = b] false Some(\"Asia/Tokyo\") [(\"LANG\", \"C.UTF-8\")]"
            ]
        );
        let system = parse("0 2 * * * app /opt/points.sh\n", true).expect("sound");
        assert_eq!(system[0].user.as_deref(), Some("app"));
        assert_eq!(system[0].command, "/opt/points.sh");
    }

    #[test]
    fn flocks() {
        #[track_caller]
        fn check(command: &str, expect: Option<(&str, bool)>) {
            let found = flock(command);
            let found = found
                .as_ref()
                .map(|lock| (lock.file.as_str(), lock.gives_up));
            assert_eq!(found, expect);
        }
        check("flock -n /run/a.lock job", Some(("/run/a.lock", true)));
        check(
            "/usr/bin/flock -xn '/run/a.lock' -c job",
            Some(("/run/a.lock", true)),
        );
        check(
            "flock -w 10 -E 75 /run/a.lock job",
            Some(("/run/a.lock", false)),
        );
        check(
            "cd /opt && flock --nonblock a.lock job",
            Some(("a.lock", true)),
        );
        check("job --flock", None);
        check("flock -n", None);
    }
}
