//! A command: its words to the text of a signature, and to what is known of it.

use super::sha1;
use super::table::{self, Entry, Keys, STRANGER};
use crate::sql::{cut, printable};
use std::borrow::Cow;

/// Longest text of a command, in bytes.
const TEXT_BYTES_MAX: usize = 512;
/// Longest key in it, in bytes.
const KEY_BYTES_MAX: usize = 128;
/// Longest name of a module's command that is shown, in bytes.
const NAME_BYTES_MAX: usize = 40;
/// Most hex digits of a script's hash in a text.
const HASH_DIGITS: usize = 8;

/// What a request is, as far as it changes how the rest of the connection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A command that changes nothing here.
    Plain,
    /// MULTI.
    Multi,
    /// EXEC.
    Exec,
    /// DISCARD.
    Discard,
    /// RESET.
    Reset,
    /// HELLO; whether it asks for RESP3, `None` where it asks for no version.
    Hello(Option<bool>),
    /// MONITOR.
    Monitor,
    /// SUBSCRIBE and its like: how many confirmations it is owed; `None`: one for each
    /// subscription of this kind that there is.
    Subscription(Subscribed, Option<u64>),
}

/// The kinds of subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscribed {
    /// To channels.
    Channels,
    /// To patterns.
    Patterns,
    /// To shard channels.
    Shards,
}

/// A complete command.
#[derive(Debug)]
pub(super) struct Command {
    /// Its text for signatures.
    pub(super) text: String,
    /// Its name, for tags.
    pub(super) name: Cow<'static, str>,
    /// What is known of it.
    pub(super) entry: Entry,
    /// What it is.
    pub(super) kind: Kind,
    /// What it says of replies, if it is CLIENT REPLY.
    pub(super) replies: Option<Replies>,
}

/// The modes of CLIENT REPLY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    /// Every command is answered.
    On,
    /// None is, nor this one.
    Off,
    /// Neither this nor the next one is.
    Skip,
}

/// Returns whether the argument behind these is a script's source, which is kept whole for its
/// hash.
pub(super) fn is_before_script(words: &[Vec<u8>]) -> bool {
    let is = |place: usize, name: &str| {
        words
            .get(place)
            .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    match words.len() {
        1 => is(0, "EVAL") || is(0, "EVAL_RO"),
        2 => is(0, "SCRIPT") && is(1, "LOAD"),
        _ => false,
    }
}

/// Reads a command. `count` is how many words it has, of which these are the first.
pub(super) fn read(words: &[Vec<u8>], count: u64) -> Command {
    let first = upper(words.first());
    let (entry, name, width) = match table::find(&first, || upper(words.get(1))) {
        Some((entry, width)) => (*entry, Cow::Borrowed(entry.name), width),
        None if is_of_module(&first) => (STRANGER, Cow::Owned(first), 1),
        None => (STRANGER, Cow::Borrowed(STRANGER.name), 1),
    };
    let replies = match name.as_ref() {
        "CLIENT REPLY" => match upper(words.get(2)).as_str() {
            "ON" => Some(Replies::On),
            "OFF" => Some(Replies::Off),
            "SKIP" => Some(Replies::Skip),
            _ => None,
        },
        _ => None,
    };
    Command {
        text: text(&name, width, &entry, words, count),
        kind: kind(&name, words, count),
        entry: Entry {
            // `SET key value GET` answers with the former value, or that there was none.
            rows: match name.as_ref() {
                "SET" if words.iter().skip(3).any(|word| is_word(word, "GET")) => table::Rows::Any,
                _ => entry.rows,
            },
            ..entry
        },
        name,
        replies,
    }
}

fn kind(name: &str, words: &[Vec<u8>], count: u64) -> Kind {
    let all = count.saturating_sub(1);
    let some = (all > 0).then_some(all);
    match name {
        "MULTI" => Kind::Multi,
        "EXEC" => Kind::Exec,
        "DISCARD" => Kind::Discard,
        "RESET" => Kind::Reset,
        "MONITOR" => Kind::Monitor,
        "HELLO" => Kind::Hello(words.get(1).map(|version| version == b"3")),
        "SUBSCRIBE" => Kind::Subscription(Subscribed::Channels, some),
        "PSUBSCRIBE" => Kind::Subscription(Subscribed::Patterns, some),
        "SSUBSCRIBE" => Kind::Subscription(Subscribed::Shards, some),
        "UNSUBSCRIBE" => Kind::Subscription(Subscribed::Channels, some),
        "PUNSUBSCRIBE" => Kind::Subscription(Subscribed::Patterns, some),
        "SUNSUBSCRIBE" => Kind::Subscription(Subscribed::Shards, some),
        _ => Kind::Plain,
    }
}

/// Returns the name, keys and options; values in a row are one `?`.
fn text(name: &str, width: usize, entry: &Entry, words: &[Vec<u8>], count: u64) -> String {
    let mut text = name.to_owned();
    let mut is_value = false;
    let keys = KeyPlaces::of(entry.keys, words, count, width);
    for (place, word) in words.iter().enumerate().skip(width) {
        let kept = kept(name, place, word)
            .or_else(|| keys.has(place).then(|| show(word)))
            .or_else(|| {
                let is_option = entry.options_from > 0 && place >= entry.options_from;
                table::option(word).filter(|_| is_option).map(str::to_owned)
            });
        match kept {
            None if is_value => continue,
            kept => {
                text.push(' ');
                text.push_str(kept.as_deref().unwrap_or("?"));
            }
        }
        is_value = text.ends_with(" ?");
        if text.len() > TEXT_BYTES_MAX {
            break;
        }
    }
    cut(&mut text, TEXT_BYTES_MAX);
    text
}

/// Returns the text of words that are neither keys nor options, and yet no values.
fn kept(name: &str, place: usize, word: &[u8]) -> Option<String> {
    let hash = |hash: &str| hash.chars().take(HASH_DIGITS).collect::<String>();
    match (name, place) {
        ("EVAL" | "EVAL_RO", 1) | ("SCRIPT LOAD", 2) => Some(hash(&sha1::hex(word))),
        ("EVALSHA" | "EVALSHA_RO", 1) => {
            let is_hash = word.iter().all(u8::is_ascii_hexdigit);
            is_hash.then(|| hash(&show(word).to_ascii_lowercase()))
        }
        ("FCALL" | "FCALL_RO", 1) => Some(show(word)),
        ("HELLO", 1) => (word.len() == 1).then(|| show(word)),
        ("EVAL" | "EVALSHA" | "FCALL" | "EVAL_RO" | "EVALSHA_RO" | "FCALL_RO", 2) => {
            number(word).map(|count| count.to_string())
        }
        _ => None,
    }
}

/// Which words are keys.
struct KeyPlaces {
    from: usize,
    to: usize,
    step: usize,
    also: Option<usize>,
}

impl KeyPlaces {
    fn of(keys: Keys, words: &[Vec<u8>], count: u64, width: usize) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let behind = |place: usize| {
            let keys = words.get(place).and_then(|word| number(word)).unwrap_or(0);
            (place + 1, (place + 1).saturating_add(keys))
        };
        let mut also = None;
        let mut step = 1;
        let (from, to) = match keys {
            Keys::Nothing => (0, 0),
            Keys::First => (1, 2),
            Keys::Second => (2, 3),
            Keys::Two => (1, 3),
            Keys::AllFrom(place) => (place, count),
            Keys::Words => (width, count),
            Keys::ButLast => (1, count.saturating_sub(1)),
            Keys::Pairs => {
                step = 2;
                (1, count)
            }
            Keys::Count(place) => behind(place),
            Keys::Store => {
                also = Some(1);
                behind(2)
            }
            Keys::Streams => {
                let word = words.iter().position(|word| is_word(word, "STREAMS"));
                let from = word.map_or(count, |place| place + 1);
                (from, from + count.saturating_sub(from) / 2)
            }
        };
        Self {
            from,
            to,
            step,
            also,
        }
    }

    fn has(&self, place: usize) -> bool {
        let is_in = (self.from..self.to).contains(&place);
        is_in && (place - self.from).is_multiple_of(self.step) || self.also == Some(place)
    }
}

fn is_word(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

fn number(word: &[u8]) -> Option<usize> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn upper(word: Option<&Vec<u8>>) -> String {
    let word = word.map(Vec::as_slice).unwrap_or_default();
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

/// Returns whether the word looks like the name of a module's command: `JSON.SET`. Any other
/// unknown word shows nothing of itself: it may be a secret out of its place.
fn is_of_module(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let parts = word.split_once('.');
    parts.is_some_and(|(module, name)| module.len() > 1 && name.len() > 1)
        && word.len() <= NAME_BYTES_MAX
        && word.bytes().all(is_plain)
}

/// Returns a key, without control characters and blanks, within bounds.
pub(super) fn show(word: &[u8]) -> String {
    let text = String::from_utf8_lossy(word);
    let shown = text.chars().map(|c| match c {
        ' ' => '_',
        _ => printable(c),
    });
    let mut text: String = shown.collect();
    cut(&mut text, KEY_BYTES_MAX);
    if text.is_empty() {
        text.push_str("\"\"");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        #[track_caller]
        fn check(line: &str, expect: &str) {
            let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.into()).collect();
            let command = read(&words, words.len() as u64);
            assert_eq!(command.text, expect, "{line}");
        }
        check(
            "set lock:points 5f3a nx px 3000",
            "SET lock:points ? NX PX ?",
        );
        check("SET k get", "SET k ?");
        check("GET k", "GET k");
        check("mset a 1 b 2", "MSET a ? b ?");
        check("HSET h f 1 g 2", "HSET h ?");
        check("BLPOP a b 0", "BLPOP a b ?");
        check("EVAL return 1 lock", "EVAL 63143b6f 1 lock");
        check(
            "EVALSHA A5260dd66ce02462c5b5231c727b3f7772c0bcc5 1 lock hunter2 3",
            "EVALSHA a5260dd6 1 lock ?",
        );
        check("FCALL take 1 k v", "FCALL take 1 k ?");
        check(
            "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
            "ZUNIONSTORE d ? a b WEIGHTS ?",
        );
        check("XADD s MAXLEN ~ 9 * f v", "XADD s MAXLEN ?");
        check(
            "XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s t > >",
            "XREADGROUP GROUP ? COUNT ? BLOCK ? STREAMS s t ?",
        );
        check("AUTH hunter2", "AUTH ?");
        check("HELLO 3 AUTH default hunter2 SETNAME x", "HELLO 3 ?");
        check("config set requirepass hunter2", "CONFIG SET requirepass ?");
        check("ACL SETUSER u >hunter2", "UNKNOWN ?");
        check("CLIENT SETNAME worker-1", "CLIENT SETNAME ?");
        check("hunter2", "UNKNOWN");
        check("json.set k $ 1", "JSON.SET ?");
        check("SELECT 3", "SELECT 3");
        check("GET \u{1b}[2J", "GET \u{fffd}[2J");
        check("OBJECT ENCODING k", "OBJECT ENCODING k");
        check("SUBSCRIBE a b", "SUBSCRIBE a b");
    }

    #[test]
    fn texts_are_bounded() {
        let words = vec![vec![b'k'; 10_000]; 60];
        let words = [vec![b"DEL".to_vec()], words].concat();
        assert!(read(&words, 61).text.len() <= TEXT_BYTES_MAX);
        let words = [
            b"EVAL".to_vec(),
            b"x".to_vec(),
            b"99999999999999999999".to_vec(),
        ];
        assert_eq!(read(&words, u64::MAX).text, "EVAL 11f6ad8e ?");
    }
}
