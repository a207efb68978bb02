//! Tests of the codecs as a tap uses them.

mod fuzz;
mod handmade;
mod play;
mod properties;
mod transcripts;
