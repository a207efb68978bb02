//! The vocabulary: every noun that crosses a crate boundary as plain data, with its text form.
//! Nothing here acts.

pub mod date;
pub mod diag;
pub mod digest;
pub mod effect;
pub mod escape;
pub mod event;
pub mod fault;
pub mod file;
pub mod finding;
pub mod kind;
pub mod moment;
pub mod name;
pub mod operation;
pub mod record;
pub mod replies;
pub mod scenario;
pub mod schedule;
pub mod schema;
pub mod snapshot;
pub mod step;
pub mod target;
mod token;
pub mod version;

pub use date::Date;
pub use event::{Event, Exit, Stamped, Trace};
pub use fault::{Fault, Who};
pub use finding::{Difference, Finding, Verdict};
pub use moment::{Moment, Phase};
pub use name::{InstanceId, LinkId, RequestId, ServiceName};
pub use operation::{Outcome, Reply, Request, Signature, Tag};
pub use record::{Answer, CellChange, Divergence, Doubt, TrialRecord};
pub use scenario::Scenario;
pub use schedule::Schedule;
pub use snapshot::Snapshot;
pub use step::{Enabled, Step};
pub use target::Target;
