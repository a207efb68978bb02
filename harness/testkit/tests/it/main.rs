//! The search and the oracles over the toy lab.

mod audit;
mod bank;
mod campaign;
mod causes;
mod checks;
mod common;
mod directed;
mod faults;
mod fingerprint;
mod lease;
mod registries;
mod replay;
mod samplers;
mod shrink;
mod triggers;
