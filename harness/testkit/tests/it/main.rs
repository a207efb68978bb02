//! The search and the oracles over the toy lab.

mod bank;
mod campaign;
mod causes;
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
