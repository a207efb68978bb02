//! The oracles over records made by hand.

mod causes;
mod common;
mod compare;
mod effects;
mod invariants;
mod judge;
mod learn;
mod lines;
mod properties;
mod rules;
mod scripts;
mod sections;
mod transitions;
