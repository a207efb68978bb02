//! Runs trials for real: sandboxes, taps, services, and the one dispatcher that owns a trial and
//! changes the world.

pub mod backend;
pub mod dispatcher;
pub mod embed;
pub mod janitor;
pub mod plan;
pub mod quiescence;
pub mod real_lab;
pub mod sandbox;
pub mod service;
pub mod sockdiag;
pub mod source;
pub mod store;
pub mod tap;

mod cell;
mod fail;
pub mod fault;
mod trial;

pub use plan::{Plan, target_hash};
pub use real_lab::{LabOptions, RealLab};
