//! Runs trials: sandboxes, taps, services, and the one dispatcher that changes the world.

pub mod backend;
mod embed;
pub mod sandbox;
