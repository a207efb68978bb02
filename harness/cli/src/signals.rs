//! Signals: the first one asks for an orderly end, a second one ends at once.

use crate::exit::Exit;
use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether somebody asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let signals = Self::default();
        let armed = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or(0);
            let code = 128 + signal;
            flag::register_conditional_shutdown(signal, code, Arc::clone(&armed))
                .and_then(|_| flag::register(signal, Arc::clone(&armed)))
                .and_then(|_| flag::register_usize(signal, Arc::clone(&signals.which), number))
                .map_err(|error| {
                    Failure::new(
                        Exit::Harness,
                        format!("cannot listen to signals: {error}"),
                        "",
                    )
                })?;
        }
        // A file above the user's limit is an error to report, not a reason to die.
        let _ = flag::register(SIGXFSZ, Arc::default());
        Ok(signals)
    }

    /// Returns whether a signal came.
    pub(crate) fn came(&self) -> bool {
        self.which.load(Ordering::Relaxed) != 0
    }

    /// Returns the signal that came, and the exit that belongs to it.
    pub(crate) fn which(&self) -> Option<(&'static str, Exit)> {
        match i32::try_from(self.which.load(Ordering::Relaxed)) {
            Ok(SIGINT) => Some(("SIGINT", Exit::Interrupted)),
            Ok(SIGTERM) => Some(("SIGTERM", Exit::Terminated)),
            _ => None,
        }
    }
}
