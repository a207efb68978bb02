//! Bursts, whose marks depend on the split.

use super::{down, up};
use crate::play::{play, render};
use twiceproof_wire::registry::find;

#[test]
fn bursts() {
    let chunks = [
        down(b"hi"),
        up(b"ab"),
        up(b"c"),
        down(b"x"),
        down(b"yz"),
        up(b"d"),
        down(b""),
    ];
    let opaque = find("opaque").expect("a protocol");
    let marks = play(opaque, &chunks);
    let expect = "<     2 pass\n>     2 request burst\n>     1 pass\n\
                  <     1 reply [], writes, frees locks\n<     2 pass\n>     1 request burst\n";
    assert_eq!(render(&marks), expect);
}
