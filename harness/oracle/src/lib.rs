//! Trial record to findings: every check is a pure function, so a stored record can be judged
//! again.
//!
//! [`judge()`] runs the [`registry::ORACLES`] over one record. What a state is compared with, and
//! how, is the [`Baseline`]: clean runs, accepted serial outcomes, [`Mask`]s, and surrogate keys by
//! content ([`normal`]).

mod accepted;
pub mod baseline;
mod cell;
pub mod checks;
pub mod classify;
mod colour;
pub mod compare;
pub mod effect;
pub mod exit_code;
mod finding;
pub mod glob;
pub mod invariant;
mod judge;
pub mod learn;
pub mod lease;
pub mod lock_object;
pub mod mask;
pub mod mutual_exclusion;
pub mod normal;
mod overlap;
pub mod progress;
pub mod recovery;
pub mod registry;
pub mod rules;
pub mod run_log;
mod sections;
pub mod state;
pub mod transition;

pub use baseline::{Baseline, CleanRequest, SerialOutcome};
pub use checks::{Checks, InvariantRule, TransitionRule};
pub use classify::{CAUSES, Cause, CauseKind, Side, cause, classify, holder_of_expired};
pub use compare::{Comparison, DIFFERENCES_MAX, same_state};
pub use judge::{doubt_code, judge};
pub use learn::{BaselineDoubt, learn_masks};
pub use lease::Lease;
pub use mask::{Mask, MaskOrigin};
pub use registry::{ORACLES, Oracle};
pub use rules::StateRules;
