//! Backends: where sandboxes come from. A new one is a file here, its `mod` line, and a line in
//! [`BACKENDS`].

pub mod docker;
pub mod local;

use crate::sandbox::{Sandbox, SandboxError, SandboxSpec};
use futures_util::future::LocalBoxFuture;

/// A way to make sandboxes.
pub trait Backend: Sync {
    /// Returns its name: what `--backend` takes.
    fn name(&self) -> &'static str;

    /// Returns one sentence about it.
    fn doc(&self) -> &'static str;

    /// Returns whether a target runs in an image of its own there, rather than on this machine's
    /// files.
    fn runs_images(&self) -> bool {
        false
    }

    /// Returns whether packets can be dropped on the sockets of its sandboxes.
    fn drops_packets(&self) -> bool {
        false
    }

    /// Makes sure that it can work on this machine.
    fn available(&self) -> LocalBoxFuture<'_, Result<(), SandboxError>>;

    /// Makes a sandbox.
    fn open(&self, spec: SandboxSpec) -> LocalBoxFuture<'_, Result<Sandbox, SandboxError>>;
}

/// The backends, in the order in which help lists them.
pub const BACKENDS: &[&dyn Backend] = &[&local::Local, &docker::Docker];

/// Returns the backend with this name.
pub fn find(name: &str) -> Option<&'static dyn Backend> {
    BACKENDS
        .iter()
        .copied()
        .find(|backend| backend.name() == name)
}
