//! The campaign: baseline, stages, replays of what was found, and how much was covered.
//!
//! Nothing here depends on speed or on how many trials run side by side: trials are handed out in batches of a fixed
//! size and learnt from in order of their numbers.

mod clean;
mod contents;
mod coverage;
mod result;
mod run;
mod spec;
mod verify;

pub use clean::{BaselineFailure, BaselineSummary};
pub use coverage::{Coverage, StageCoverage};
pub use result::{CampaignFinding, CampaignResult, Outcome, Progress, Replays, TrialLine};
pub use run::{BATCH, run};
pub use spec::{CampaignSpec, Control};
