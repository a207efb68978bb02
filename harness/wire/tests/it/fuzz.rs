//! Transcripts, broken on purpose: what a failing or hostile peer makes of a real conversation is
//! survived, and how it is split still changes no mark.

use crate::play::{Chunk, parse, play, random, split};
use crate::transcripts::{TRANSCRIPTS, protocol};
use twiceproof_wire::{Protocol, Side};

/// How many broken transcripts are tried.
const ROUNDS: usize = 2_000;
/// Most changes to one of them.
const CHANGES_MAX: u64 = 4;

#[test]
fn broken_transcripts() {
    let mut seed = 3;
    let corpus = TRANSCRIPTS.iter();
    let corpus: Vec<_> = corpus
        .map(|(name, _, text)| (protocol(name), parse(text)))
        .collect();
    for (protocol, chunks) in corpus.iter().cycle().take(ROUNDS) {
        body(*protocol, chunks.clone(), &mut seed);
    }
}

/// Breaks the conversation in a few places and plays it whole and split.
fn body(protocol: &dyn Protocol, mut chunks: Vec<Chunk>, seed: &mut u64) {
    for _ in 0..=random(seed) % CHANGES_MAX {
        change(&mut chunks, seed);
    }
    let marks = play(protocol, &chunks);
    let parts = split(&chunks, seed);
    assert_eq!(play(protocol, &parts), marks, "{chunks:?}");
}

/// Drops or doubles a chunk, gives it to the other side, cuts it short, or sets a byte of it.
fn change(chunks: &mut Vec<Chunk>, seed: &mut u64) {
    let at = random(seed) as usize % chunks.len();
    let number = random(seed);
    let kind = random(seed) % 6;
    if kind == 0 && chunks.len() > 1 {
        chunks.remove(at);
        return;
    }
    if kind == 1 {
        let chunk = chunks[at].clone();
        chunks.insert(at, chunk);
        return;
    }
    match (kind, &mut chunks[at]) {
        (2, Chunk::Bytes(side, _)) => {
            *side = match side {
                Side::Instance => Side::Service,
                Side::Service => Side::Instance,
            };
        }
        (3, Chunk::Bytes(_, bytes)) => bytes.truncate(number as usize % (bytes.len() + 1)),
        (_, Chunk::Bytes(_, bytes)) if !bytes.is_empty() => {
            let place = number as usize % bytes.len();
            bytes[place] = (number >> 32) as u8;
        }
        _ => {}
    }
}
