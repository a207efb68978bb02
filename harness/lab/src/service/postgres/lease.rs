//! Sessions that hold advisory locks: the leases of PostgreSQL.

use super::Running;
use crate::service::ServiceError;
use twiceproof_explore::lease::ADVISORY;

impl Running {
    /// Ends the sessions that hold advisory locks; returns whether there were any.
    pub(super) async fn end_lease(&mut self, lease: &str) -> Result<bool, ServiceError> {
        if lease != ADVISORY {
            return Ok(false);
        }
        match self.session.admin.end_lock_holders().await {
            Ok(ended) => Ok(ended),
            Err(error) => Err(self.cluster.failed("end a session", &error).await),
        }
    }
}
