//! Plays bytes to a codec and holds it to what every codec promises.

use std::collections::{BTreeMap, BTreeSet};
use twiceproof_wire::{Mark, Meaning, Protocol, Side};

/// One thing that happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// Bytes came from a side.
    Bytes(Side, Vec<u8>),
    /// A side's stream ended.
    End(Side),
}

/// Reads a transcript: see `tests/record/record.py`.
pub(crate) fn parse(transcript: &str) -> Vec<Chunk> {
    transcript.lines().map(parse_line).collect()
}

fn parse_line(line: &str) -> Chunk {
    let side = match line.as_bytes()[0] {
        b'>' => Side::Instance,
        _ => Side::Service,
    };
    match line.get(1..2) {
        Some("|") => Chunk::End(side),
        _ => Chunk::Bytes(side, unescape(&line[2..])),
    }
}

/// Turns `\xNN` into bytes.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '\\' {
            bytes.push(u8::from_str_radix(&rest[2..4], 16).expect("`\\x` and two digits"));
            rest = &rest[4..];
        } else {
            bytes.extend_from_slice(first.to_string().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    bytes
}

/// Feeds all chunks to a new codec, checks its promises, and returns the marks with their sides,
/// joined where the split into calls may part them.
pub(crate) fn play(protocol: &dyn Protocol, chunks: &[Chunk]) -> Vec<(Side, Mark)> {
    let mut codec = protocol.codec();
    let mut fed = BTreeMap::from([(Side::Instance, 0_u64), (Side::Service, 0)]);
    let mut marked = fed.clone();
    let mut all: Vec<(Side, Mark)> = Vec::new();
    let mut new = Vec::new();
    let mut ended = BTreeSet::new();
    let ends = [Chunk::End(Side::Instance), Chunk::End(Side::Service)];
    for chunk in chunks.iter().chain(&ends) {
        let side = match chunk {
            // Nothing comes after an end.
            Chunk::Bytes(side, _) | Chunk::End(side) if ended.contains(side) => continue,
            Chunk::Bytes(side, bytes) => {
                *fed.entry(*side).or_default() += bytes.len() as u64;
                codec.feed(*side, bytes, &mut new);
                *side
            }
            Chunk::End(side) => {
                ended.insert(*side);
                codec.end(*side, &mut new);
                *side
            }
        };
        for mark in new.drain(..) {
            assert!(mark.end >= marked[&side], "{mark:?} goes back");
            assert!(
                mark.end <= fed[&side],
                "{mark:?} goes beyond {}",
                fed[&side]
            );
            marked.insert(side, mark.end);
            push(&mut all, side, mark);
        }
    }
    assert_eq!(marked, fed, "bytes without a mark");
    all
}

fn push(all: &mut Vec<(Side, Mark)>, side: Side, mark: Mark) {
    let is_joined = matches!(mark.meaning, Meaning::Pass | Meaning::ReplyPart);
    // The last mark of this side counts: the other side's may lie between the parts.
    let last = all.iter_mut().rev().find(|(other, _)| *other == side);
    match last {
        Some((_, last)) if is_joined && last.meaning == mark.meaning => last.end = mark.end,
        _ => all.push((side, mark)),
    }
}

/// Splits the chunks at random places, the same ones for the same seed.
pub(crate) fn split(chunks: &[Chunk], seed: &mut u64) -> Vec<Chunk> {
    let mut parts = Vec::new();
    for chunk in chunks {
        let Chunk::Bytes(side, bytes) = chunk else {
            parts.push(chunk.clone());
            continue;
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let length_max = [1, 4, 16, 256, 4096][(random(seed) % 5) as usize];
            let length = (1 + random(seed) as usize % length_max).min(rest.len());
            parts.push(Chunk::Bytes(*side, rest[..length].to_vec()));
            rest = &rest[length..];
        }
    }
    parts
}

/// Returns the next number of a fixed sequence (splitmix64).
pub(crate) fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns the texts of a mark.
pub(crate) fn texts(mark: &Mark) -> Vec<&str> {
    match &mark.meaning {
        Meaning::Request(text) | Meaning::Unanswered(text) => vec![text],
        Meaning::Push(text) | Meaning::Opaque(text) => vec![text],
        Meaning::ReplyEnd(reply) => reply.tags.iter().map(|tag| tag.command.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Renders marks, one a line: side, length of the piece, meaning.
pub(crate) fn render(marks: &[(Side, Mark)]) -> String {
    let mut ends = BTreeMap::new();
    let mut lines = String::new();
    for (side, mark) in marks {
        let before = ends.insert(*side, mark.end).unwrap_or(0);
        let sign = match side {
            Side::Instance => '>',
            Side::Service => '<',
        };
        let length = mark.end - before;
        lines.push_str(&format!("{sign} {length:5} {}\n", meaning(&mark.meaning)));
    }
    lines
}

fn meaning(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Pass => "pass".to_owned(),
        Meaning::Request(text) => format!("request {text}"),
        Meaning::Unanswered(text) => format!("unanswered {text}"),
        Meaning::Answer(bytes) => format!("answer {}", bytes.escape_ascii()),
        Meaning::Cancel { .. } => "cancel".to_owned(),
        Meaning::Goodbye => "goodbye".to_owned(),
        Meaning::ReplyPart => "part".to_owned(),
        Meaning::Prompt => "prompt".to_owned(),
        Meaning::ReplyEnd(reply) => {
            let writes = if reply.writes { ", writes" } else { "" };
            let frees = if reply.frees_locks {
                ", frees locks"
            } else {
                ""
            };
            format!("reply [{}]{writes}{frees}", reply.summary())
        }
        Meaning::Push(text) => format!("push {text}"),
        Meaning::Session { .. } => "session".to_owned(),
        Meaning::Opaque(reason) => format!("opaque: {reason}"),
    }
}
