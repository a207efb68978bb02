//! Conversations that no client at hand has, each a table of chunks and the marks that they must
//! give.

mod forge;
mod http;
mod opaque;
mod pipelines;
mod postgres;
mod redis;
mod smtp;

use crate::play::{Chunk, play, render, split};
use twiceproof_wire::Side;
use twiceproof_wire::registry::find;

/// Bytes of the instance.
fn up(bytes: &[u8]) -> Chunk {
    Chunk::Bytes(Side::Instance, bytes.to_vec())
}

/// Bytes of the service.
fn down(bytes: &[u8]) -> Chunk {
    Chunk::Bytes(Side::Service, bytes.to_vec())
}

/// Plays the chunks whole and split, and compares the marks, but for those of the start-up.
#[track_caller]
fn check(protocol: &str, chunks: &[Chunk], expect: &[&str]) {
    let protocol = find(protocol).expect("a protocol");
    let marks = play(protocol, chunks);
    let rendered = render(&marks);
    let lines: Vec<String> = rendered
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(lines, expect);
    for mut seed in 0..20 {
        assert_eq!(play(protocol, &split(chunks, &mut seed)), marks);
    }
}
