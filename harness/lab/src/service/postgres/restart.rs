//! A server that goes down in the middle of a trial, and comes back on its cluster.

use super::Running;
use crate::service::{Halt, ServiceError};

impl Running {
    /// Stops the server.
    pub(super) async fn go_down(&mut self, halt: Halt) -> Result<bool, ServiceError> {
        // Commits are not waited for here, and yet must outlive the server, as they do where it is
        // set up as usual.
        let flushed = self.maintenance.client().batch_execute("checkpoint").await;
        if let Err(error) = flushed {
            return Err(self.cluster.failed("write the log", &error).await);
        }
        self.cluster.server.halt(halt).await?;
        Ok(true)
    }

    /// Starts it again, with the lab's sessions.
    pub(super) async fn come_back(&mut self) -> Result<(), ServiceError> {
        self.cluster.server.launch().await?;
        self.maintenance = self.cluster.first_session().await?;
        let session = self.cluster.session(self.seed.rows.as_deref().ok()).await?;
        let former = std::mem::replace(&mut self.session, session);
        self.session.capturer.inherit(former.capturer);
        self.seen = None;
        Ok(())
    }
}
