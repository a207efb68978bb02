//! The campaign: baseline, stages, replays of what was found, and how much was covered.
//!
//! Nothing here depends on speed or on how many trials run side by side: trials are handed out in
//! batches of a fixed size and learnt from in order of their numbers.

mod again;
mod assign;
mod audit;
mod claim;
mod clean;
mod contents;
mod coverage;
mod expiry;
mod findings;
mod interleavings;
mod ordering;
mod orders;
mod reasons;
mod regressions;
mod result;
mod run;
mod shares;
mod shrinking;
mod slots;
mod spec;
mod verify;

pub use again::{ReplayAsked, ReplayResult, instances_of, replay};
pub use audit::Audit;
pub use claim::Claim;
pub use clean::{BaselineFailure, BaselineSummary, clean_run};
pub use coverage::{Coverage, Points, StageCoverage};
pub use interleavings::Interleavings;
pub use orders::OrderCoverage;
pub use regressions::{REGRESSION, Regression, RegressionEnd, ReplayedRegression};
pub use result::{CampaignFinding, CampaignResult, Outcome, Progress, Replays, Shrunk, TrialLine};
pub use run::{BATCH, run};
pub use spec::{CampaignSpec, Control, Shrinking};
