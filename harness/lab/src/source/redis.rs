//! Redis: an object a key, with its type, its value in a canonical order, and whether it expires;
//! when it does is not compared.
//!
//! Keys of other databases than 0 are named `(db3) key`. What is read is asked for in parts, so
//! that neither side has to hold an answer of any size.

use super::{is_compared, object_of_rows, text_column};
use crate::service::KnownContents;
use crate::service::redis::client::{Client, Command, Failed, Value, command};
use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::ServiceName;
use twiceproof_model::digest::{Digest, Hasher};
use twiceproof_model::snapshot::{Object, ObjectName};

/// Most keys that are compared.
const KEYS_MAX: usize = 10_000;

/// Most elements of all keys together that are compared.
const ELEMENTS_MAX: usize = 1_000_000;

/// How many keys are asked about at once.
const KEYS_PART: usize = 256;

/// How many elements of one key are asked for at once.
const ELEMENTS_PART: usize = 1000;

/// How many bytes of a text are asked for at once. Of a longer one its hash is compared.
const TEXT_PART: usize = 1 << 20;

/// The object that holds the libraries of functions.
const FUNCTIONS: &str = "(functions)";

/// Why a state is not captured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// The server or the connection to it failed.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// There is more than is compared.
    #[error("there are more than {max} {what}")]
    TooMany {
        /// The bound.
        max: usize,
        /// Of what.
        what: &'static str,
    },
}

/// One element of a key: what names it within the key, and its value.
type Element = (Option<String>, Option<String>);

/// What a key is asked for.
struct Key {
    name: Vec<u8>,
    kind: String,
    expires: bool,
}

/// Returns the numbers of the databases that hold keys.
pub(crate) async fn databases(client: &mut Client) -> Result<Vec<u32>, Failed> {
    let told = client.ask(&["INFO", "keyspace"]).await?.text();
    let number = |line: &str| line.strip_prefix("db")?.split(':').next()?.parse().ok();
    Ok(told.lines().filter_map(number).collect())
}

/// Returns all keys of the selected database, in order.
pub(crate) async fn keys(client: &mut Client) -> Result<BTreeSet<Vec<u8>>, Failed> {
    let mut keys = BTreeSet::new();
    let mut cursor = "0".to_owned();
    loop {
        let page = client.ask(&["SCAN", &cursor, "COUNT", "1000"]).await?;
        let [next, names] = page.list() else {
            return Ok(keys);
        };
        keys.extend(names.list().iter().map(|name| name.bytes().to_vec()));
        cursor = next.text();
        if cursor == "0" || keys.len() > ELEMENTS_MAX {
            return Ok(keys);
        }
    }
}

/// Captures every compared key of every database, and the functions.
pub(crate) async fn capture(
    client: &mut Client,
    service: &ServiceName,
    patterns: &[String],
    known: &mut KnownContents,
) -> Result<BTreeMap<ObjectName, Object>, CaptureError> {
    let mut objects = BTreeMap::new();
    let mut elements = 0;
    for database in databases(client).await? {
        client.ask(&["SELECT", &database.to_string()]).await?;
        let names = keys(client).await?;
        let compared = names
            .into_iter()
            .filter(|name| is_compared(patterns, &object_name(database, name)));
        let compared: Vec<Vec<u8>> = compared.collect();
        if objects.len() + compared.len() > KEYS_MAX {
            let (max, what) = (KEYS_MAX, "keys");
            return Err(CaptureError::TooMany { max, what });
        }
        for part in compared.chunks(KEYS_PART) {
            for key in describe(client, part).await? {
                let found = read(client, &key, ELEMENTS_MAX - elements).await?;
                elements += found.len();
                let name = ObjectName::new(service, &object_name(database, &key.name));
                let object = object(known, name.clone(), &key, found);
                objects.insert(name, object);
            }
        }
    }
    client.ask(&["SELECT", "0"]).await?;
    if is_compared(patterns, FUNCTIONS) {
        let name = ObjectName::new(service, FUNCTIONS);
        if let Some(object) = functions(client, known, name.clone()).await? {
            objects.insert(name, object);
        }
    }
    Ok(objects)
}

/// Returns what each of these keys is; one that is gone meanwhile is left out.
async fn describe(client: &mut Client, names: &[Vec<u8>]) -> Result<Vec<Key>, Failed> {
    let mut commands = Vec::new();
    for name in names {
        commands.push(of_key("TYPE", name, &[]));
        commands.push(of_key("PTTL", name, &[]));
    }
    let answers = client.ask_all(&commands).await?;
    let mut keys = Vec::new();
    for (name, told) in names.iter().zip(answers.chunks(2)) {
        let [kind, left] = told else { continue };
        let kind = kind.text();
        if kind != "none" {
            keys.push(Key {
                name: name.clone(),
                kind,
                // -1: it does not expire.
                expires: left.integer().is_some_and(|left| left >= 0),
            });
        }
    }
    Ok(keys)
}

/// Reads all elements of a key, as long as they are not more than `room`.
async fn read(client: &mut Client, key: &Key, room: usize) -> Result<Vec<Element>, CaptureError> {
    let mut elements = Vec::new();
    match key.kind.as_str() {
        "string" => elements.push((None, Some(read_text(client, &key.name).await?))),
        "list" => {
            for page in pages(client, key, "LRANGE", &[], room).await? {
                let at = elements.len().to_string();
                elements.push((Some(at), Some(shown(page.bytes()))));
            }
        }
        "zset" => {
            let told = pages(client, key, "ZRANGE", &["WITHSCORES"], room * 2).await?;
            let pairs = told.chunks(2).map(|pair| {
                let score = pair.last().map(Value::text);
                (Some(shown(pair[0].bytes())), score)
            });
            elements.extend(pairs);
        }
        "set" => {
            let members = scan(client, key, "SSCAN", room).await?;
            let members = members
                .iter()
                .map(|member| (Some(shown(member.bytes())), None));
            elements.extend(members);
        }
        "hash" => {
            let told = scan(client, key, "HSCAN", room * 2).await?;
            let pairs = told.chunks(2).map(|pair| {
                let value = pair.last().map(|value| shown(value.bytes()));
                (Some(shown(pair[0].bytes())), value)
            });
            elements.extend(pairs);
        }
        "stream" => elements = read_stream(client, key, room).await?,
        // A module's type: what its author writes to a dump.
        _ => {
            let dump = client.ask_all(&[of_key("DUMP", &key.name, &[])]).await?;
            let bytes = dump.first().map(Value::bytes).unwrap_or_default();
            elements.push((None, Some(Digest::of(bytes).to_string())));
        }
    }
    // A scan may tell an element twice, in whatever order.
    if matches!(key.kind.as_str(), "set" | "hash") {
        elements.sort_unstable();
        elements.dedup();
    }
    Ok(elements)
}

/// Reads a text: all of it, or of a long one its size and hash.
async fn read_text(client: &mut Client, name: &[u8]) -> Result<String, Failed> {
    let mut hasher = Hasher::new("redis text 1");
    let mut size = 0;
    loop {
        let range = [size.to_string(), (size + TEXT_PART - 1).to_string()];
        let range: Vec<&str> = range.iter().map(String::as_str).collect();
        let told = client.ask_all(&[of_key("GETRANGE", name, &range)]).await?;
        let part = told.first().map(Value::bytes).unwrap_or_default();
        if size == 0 && part.len() < TEXT_PART {
            return Ok(shown(part));
        }
        hasher.bytes(part);
        size += part.len();
        if part.len() < TEXT_PART {
            return Ok(format!("({size} bytes, {})", hasher.finish()));
        }
    }
}

/// Reads the entries of a stream, and its groups.
async fn read_stream(
    client: &mut Client,
    key: &Key,
    room: usize,
) -> Result<Vec<Element>, CaptureError> {
    let mut elements: Vec<Element> = Vec::new();
    let mut from = "-".to_owned();
    let count = ELEMENTS_PART.to_string();
    loop {
        let rest = [&*from, "+", "COUNT", &count];
        let told = client
            .ask_all(&[of_key("XRANGE", &key.name, &rest)])
            .await?;
        let page = told.first().map(Value::list).unwrap_or_default();
        for entry in page {
            let [id, fields] = entry.list() else { continue };
            let fields = fields.list().iter().map(|field| shown(field.bytes()));
            let fields: Vec<String> = fields.collect();
            elements.push((Some(id.text()), Some(fields.join(" "))));
            from = format!("({}", id.text());
        }
        check_room(elements.len(), room)?;
        if page.len() < ELEMENTS_PART {
            break;
        }
    }
    let mut groups = command(&["XINFO", "GROUPS"]);
    groups.push(key.name.clone());
    let told = client.ask_all(&[groups]).await?;
    for group in told.first().map(Value::list).unwrap_or_default() {
        // Pairs of names and values; consumers come and go with the job's processes.
        let pairs: BTreeMap<String, String> = group
            .list()
            .chunks(2)
            .filter_map(|pair| Some((pair.first()?.text(), pair.last()?.text())))
            .collect();
        let value = |name: &str| pairs.get(name).cloned().unwrap_or_default();
        let told = format!(
            "pending {} last {}",
            value("pending"),
            value("last-delivered-id")
        );
        elements.push((Some(format!("(group) {}", value("name"))), Some(told)));
    }
    Ok(elements)
}

/// Reads a range by its places, page by page.
async fn pages(
    client: &mut Client,
    key: &Key,
    name: &str,
    rest: &[&str],
    room: usize,
) -> Result<Vec<Value>, CaptureError> {
    let mut all = Vec::new();
    let mut at = 0;
    loop {
        let range = [at.to_string(), (at + ELEMENTS_PART - 1).to_string()];
        let mut words: Vec<&str> = range.iter().map(String::as_str).collect();
        words.extend(rest);
        let told = client.ask_all(&[of_key(name, &key.name, &words)]).await?;
        let page = told.first().map(Value::list).unwrap_or_default();
        all.extend_from_slice(page);
        at += ELEMENTS_PART;
        check_room(all.len(), room)?;
        if page.len() < ELEMENTS_PART {
            return Ok(all);
        }
    }
}

/// Reads what has no places, cursor by cursor.
async fn scan(
    client: &mut Client,
    key: &Key,
    name: &str,
    room: usize,
) -> Result<Vec<Value>, CaptureError> {
    let mut all = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let count = ELEMENTS_PART.to_string();
        let words = [&*cursor, "COUNT", &count];
        let told = client.ask_all(&[of_key(name, &key.name, &words)]).await?;
        let [next, page] = told.first().map(Value::list).unwrap_or_default() else {
            return Ok(all);
        };
        all.extend_from_slice(page.list());
        check_room(all.len(), room)?;
        cursor = next.text();
        if cursor == "0" {
            return Ok(all);
        }
    }
}

fn check_room(count: usize, room: usize) -> Result<(), CaptureError> {
    let (max, what) = (ELEMENTS_MAX, "elements in the keys");
    match count > room {
        true => Err(CaptureError::TooMany { max, what }),
        false => Ok(()),
    }
}

/// Returns the libraries of functions by name, if there are any.
async fn functions(
    client: &mut Client,
    known: &mut KnownContents,
    name: ObjectName,
) -> Result<Option<Object>, Failed> {
    let told = client.ask(&["FUNCTION", "LIST", "WITHCODE"]).await?;
    let mut rows = Vec::new();
    for library in told.list() {
        let value = |name: &str| {
            let mut pairs = library.list().chunks(2);
            let pair = pairs.find(|pair| pair[0].bytes() == name.as_bytes())?;
            Some(pair.last()?.text())
        };
        rows.push(vec![value("library_name"), value("library_code")]);
    }
    let columns = vec![text_column("library", true), text_column("code", false)];
    Ok((!rows.is_empty()).then(|| object_of_rows(known, name, columns, rows)))
}

fn object(
    known: &mut KnownContents,
    name: ObjectName,
    key: &Key,
    elements: Vec<Element>,
) -> Object {
    let columns = ["type", "expires", "element", "value"];
    let columns = columns.map(|name| text_column(name, name == "element"));
    let row = |(element, value): Element| {
        let expires = key.expires.then(|| "yes".to_owned());
        vec![Some(key.kind.clone()), expires, element, value]
    };
    let rows = elements.into_iter().map(row).collect();
    object_of_rows(known, name, columns.to_vec(), rows)
}

fn object_name(database: u32, key: &[u8]) -> String {
    match database {
        0 => shown(key),
        _ => format!("(db{database}) {}", shown(key)),
    }
}

/// Returns bytes as text; those that are none get their hash behind them, so that no two of them
/// look alike.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let text = String::from_utf8_lossy(bytes);
            format!("{text} #{}", Digest::of(bytes).short())
        }
    }
}

/// Returns a command on a key.
pub(crate) fn of_key(name: &str, key: &[u8], rest: &[&str]) -> Command {
    let mut words = vec![name.as_bytes().to_vec(), key.to_vec()];
    words.extend(rest.iter().map(|word| word.as_bytes().to_vec()));
    words
}
