//! Which trial next, which step next, when to stop.
//!
//! The search knows neither containers nor sockets: it hands [`Assignment`]s to a [`Lab`] and
//! learns from records.

pub mod campaign;
pub mod crash;
pub mod directed;
mod errors;
pub mod exhaustive;
pub mod faults;
pub mod footprint;
pub mod free;
pub mod lab;
pub mod lease;
pub mod lost_reply;
pub mod moments;
mod ordered;
pub mod partition;
pub mod placed;
pub mod preempt;
mod priority;
pub mod registry;
pub mod replay;
pub mod sample;
pub mod schedule_of;
pub mod script;
pub mod serial;
pub mod shrink;
pub mod steps;
pub mod strategy;
pub mod trigger;

pub use campaign::{CampaignResult, CampaignSpec, Control, Outcome, Progress, run};
pub use lab::{Assignment, Blame, Lab, LabError, Scheduler};
pub use registry::{STAGES, TRIGGERS, stage_kinds, trigger_kinds};
pub use replay::{Mode, Replay};
pub use schedule_of::schedule_of;
pub use strategy::{Plan, Strategy, Work};
pub use trigger::{Fate, Starts};
