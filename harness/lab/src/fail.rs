//! Errors of parts turned into errors of the lab: whose fault it is, what was tried, what to do.

use crate::sandbox::SandboxError;
use crate::service::ServiceError;
use twiceproof_explore::{Blame, LabError};

/// Returns the error for something that only we can break.
pub(crate) fn harness(message: String) -> LabError {
    LabError {
        blame: Blame::Harness,
        message,
        hint: String::new(),
    }
}

/// Returns the error for a sandbox that failed while `doing` something.
pub(crate) fn sandbox_failed(doing: &str, error: SandboxError) -> LabError {
    let message = format!("{doing}: {error}");
    match error {
        SandboxError::Refused { hint, .. } => LabError {
            blame: Blame::Environment,
            message,
            hint,
        },
        SandboxError::Start { program, .. } => LabError {
            blame: Blame::Input,
            message,
            hint: format!(
                "programs are looked up in PATH inside the sandbox; is `{program}` installed there, \
                 or declared by `workdir` or a `files` service?"
            ),
        },
        SandboxError::Lost { .. } => LabError {
            blame: Blame::Environment,
            message,
            hint: "something ended the sandbox from outside: another tool, or no memory".to_owned(),
        },
    }
}

/// Returns the error for the sandbox of an instance (by place, from 0) that is gone.
pub(crate) fn sandbox_lost(place: usize, reason: &str) -> LabError {
    let name = format!("job#{}", place + 1);
    let reason = reason.to_owned();
    sandbox_failed("run a trial", SandboxError::Lost { name, reason })
}

/// Returns the error for a service that failed.
pub(crate) fn service_failed(error: ServiceError) -> LabError {
    let message = error.to_string();
    match error {
        ServiceError::Sandbox { source, service } => {
            let mut failed = sandbox_failed(&format!("service {service}"), source);
            failed.blame = Blame::Environment;
            failed
        }
        ServiceError::Environment { hint, .. } => LabError {
            blame: Blame::Environment,
            message,
            hint,
        },
        ServiceError::Input { .. } => LabError {
            blame: Blame::Input,
            message,
            hint: "mend the seed file, or the service's options in target.toml".to_owned(),
        },
        ServiceError::Died { .. } => LabError {
            blame: Blame::Environment,
            message,
            hint: "the service ended by itself; its last words stand above".to_owned(),
        },
    }
}

/// Returns the error for work that a signal ended.
pub(crate) fn interrupted() -> LabError {
    LabError {
        blame: Blame::Interrupted,
        message: "interrupted in the middle of a trial".to_owned(),
        hint: String::new(),
    }
}

/// Returns the error for a file or folder of a run that cannot be written.
pub(crate) fn not_written(path: &std::path::Path, error: &std::io::Error) -> LabError {
    LabError {
        blame: Blame::Environment,
        message: format!("cannot write {}: {error}", path.display()),
        hint: "free space, or choose another folder with --runs-dir".to_owned(),
    }
}
