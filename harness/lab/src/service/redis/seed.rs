//! The state that every trial begins with: made by files of commands, kept as dumps, put back.

use super::client::{Client, Command, Failed, Value, command};
use crate::service::output::one_line;
use crate::source::redis::{databases, keys, of_key};
use std::path::Path;

/// Most bytes of a seed file, and of all dumps of seeded keys together.
const SEED_BYTES_MAX: usize = 64 << 20;

/// How many commands go in one pipeline.
const PIPELINE_MAX: usize = 1000;

/// Why a seed file is not loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The file is wrong: where, and what the server said.
    #[error("{0}")]
    Input(String),
    /// The connection broke.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Does the commands of a file: one a line, as `redis-cli` reads them; lines that are empty or
/// begin with `#` are left out. Notes the sources of scripts.
pub(super) async fn load(
    client: &mut Client,
    path: &Path,
    scripts: &mut Vec<Vec<u8>>,
) -> Result<(), LoadError> {
    let shown = path.display();
    let read = std::fs::read(path);
    let text =
        read.map_err(|error| LoadError::Input(format!("cannot read seed file {shown}: {error}")))?;
    if text.len() > SEED_BYTES_MAX {
        let message = format!("seed file {shown} has more than 64 MiB");
        return Err(LoadError::Input(message));
    }
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let words = twiceproof_wire::redis::split_line(line).ok_or_else(|| {
            LoadError::Input(format!(
                "seed file {shown}, line {number}: quotes are not closed"
            ))
        })?;
        scripts.extend(script(&words));
        lines.push((number, words));
    }
    for part in lines.chunks(PIPELINE_MAX) {
        let commands: Vec<Command> = part.iter().map(|(_, words)| words.clone()).collect();
        let answers = client.try_all(&commands).await?;
        for ((number, _), answer) in part.iter().zip(answers) {
            if let Value::Error(said) = answer {
                let said = one_line(&said);
                let message = format!("seed file {shown}, line {number}: {said}");
                return Err(LoadError::Input(message));
            }
        }
    }
    Ok(())
}

/// Returns the source of the script that a command leaves in the server's cache.
fn script(words: &[Vec<u8>]) -> Option<Vec<u8>> {
    let is = |place: usize, name: &[u8]| {
        let word = words.get(place);
        word.is_some_and(|word| word.eq_ignore_ascii_case(name))
    };
    match (
        is(0, b"EVAL") || is(0, b"EVAL_RO"),
        is(0, b"SCRIPT") && is(1, b"LOAD"),
    ) {
        (true, _) => words.get(1).cloned(),
        (_, true) => words.get(2).cloned(),
        _ => None,
    }
}

/// What of a server no command on keys changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings(Vec<Value>);

impl Settings {
    /// Reads them.
    pub(super) async fn read(client: &mut Client) -> Result<Self, Failed> {
        let commands: [&[&str]; 4] = [
            &["CONFIG", "GET", "*"],
            &["ACL", "LIST"],
            &["MODULE", "LIST"],
            &["ROLE"],
        ];
        let commands: Vec<Command> = commands.iter().map(|words| command(words)).collect();
        let mut answers = client.ask_all(&commands).await?;
        if let Some(Value::List(role)) = answers.last_mut() {
            // The rest of it counts what was written.
            role.truncate(1);
        }
        Ok(Self(answers))
    }
}

/// One seeded key.
struct Key {
    database: u32,
    name: Vec<u8>,
    dump: Vec<u8>,
    /// Time that it has left, in milliseconds; 0: it does not expire.
    left_ms: i64,
}

/// What a seeded server holds.
pub(super) struct Seeded {
    /// Its settings.
    pub(super) settings: Settings,
    keys: Vec<Key>,
    functions: Vec<u8>,
    scripts: Vec<Vec<u8>>,
}

impl Seeded {
    /// Reads all of it.
    pub(super) async fn read(client: &mut Client, scripts: Vec<Vec<u8>>) -> Result<Self, Failed> {
        let mut seeded = Vec::new();
        let mut bytes = 0;
        for database in databases(client).await? {
            client.ask(&["SELECT", &database.to_string()]).await?;
            let names: Vec<Vec<u8>> = keys(client).await?.into_iter().collect();
            for part in names.chunks(PIPELINE_MAX) {
                let dumps = part.iter().map(|name| of_key("DUMP", name, &[]));
                let times = part.iter().map(|name| of_key("PTTL", name, &[]));
                let commands: Vec<Command> = dumps.chain(times).collect();
                let answers = client.ask_all(&commands).await?;
                let (dumps, times) = answers.split_at(part.len());
                for ((name, dump), left) in part.iter().zip(dumps).zip(times) {
                    bytes += dump.bytes().len();
                    seeded.push(Key {
                        database,
                        name: name.clone(),
                        dump: dump.bytes().to_vec(),
                        left_ms: left.integer().unwrap_or(0).max(0),
                    });
                }
            }
            if bytes > SEED_BYTES_MAX {
                return Err(Failed::Refused {
                    command: "DUMP".to_owned(),
                    said: "the seeded keys have more than 64 MiB".to_owned(),
                });
            }
        }
        client.ask(&["SELECT", "0"]).await?;
        let functions = client.ask(&["FUNCTION", "DUMP"]).await?.bytes().to_vec();
        Ok(Self {
            settings: Settings::read(client).await?,
            keys: seeded,
            functions,
            scripts,
        })
    }

    /// Throws away what is there, and puts all of it back.
    pub(super) async fn put_back(&self, client: &mut Client) -> Result<(), Failed> {
        let mut commands = vec![
            command(&["FLUSHALL", "SYNC"]),
            command(&["SCRIPT", "FLUSH", "SYNC"]),
            command(&["FUNCTION", "RESTORE"]),
        ];
        commands[2].extend([self.functions.clone(), b"FLUSH".to_vec()]);
        for script in &self.scripts {
            let mut load = command(&["SCRIPT", "LOAD"]);
            load.push(script.clone());
            commands.push(load);
        }
        let mut selected = 0;
        for key in &self.keys {
            if key.database != selected {
                selected = key.database;
                commands.push(command(&["SELECT", &selected.to_string()]));
            }
            let mut restore = of_key("RESTORE", &key.name, &[&key.left_ms.to_string()]);
            restore.push(key.dump.clone());
            commands.push(restore);
        }
        commands.push(command(&["SELECT", "0"]));
        for part in commands.chunks(PIPELINE_MAX) {
            client.ask_all(part).await?;
        }
        Ok(())
    }
}
