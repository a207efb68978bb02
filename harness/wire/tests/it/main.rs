//! Tests of the codecs as a tap uses them.

mod fuzz;
mod play;
mod properties;
mod transcripts;
