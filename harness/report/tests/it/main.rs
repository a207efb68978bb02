//! Snapshots of everything that a person or a program reads, over records made by hand.

mod escape;
mod formats;
mod progress;
mod sample;
mod terminal;
