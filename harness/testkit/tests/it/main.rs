//! The search and the oracles over the toy lab.

mod audit;
mod bank;
mod campaign;
mod causes;
mod checks;
mod common;
mod directed;
mod exhaustive;
mod faults;
mod fingerprint;
mod known;
mod lease;
mod registries;
mod regressions;
mod replay;
mod samplers;
mod shrink;
mod triggers;
