//! System calls as functions that return results.

use std::ffi::CString;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Something that failed, in the words of the user.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What was tried: "make namespaces".
    pub(crate) tried: String,
    /// The system's error number.
    pub(crate) errno: i32,
}

/// Adds to an error what was tried.
pub(crate) trait Tried<T> {
    fn tried(self, what: impl Into<String>) -> std::result::Result<T, Trouble>;
}

impl<T> Tried<T> for Result<T> {
    fn tried(self, what: impl Into<String>) -> std::result::Result<T, Trouble> {
        self.map_err(|error| Trouble {
            tried: what.into(),
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        })
    }
}

/// Returns the result of a call, or the error that it left.
pub(crate) fn check(result: impl Into<i64>) -> Result<i64> {
    let result = result.into();
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Returns the descriptor that a call made.
pub(crate) fn new_fd(result: impl Into<i64>) -> Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: callers pass the result of a call that makes a descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Returns the text as the kernel takes it.
pub(crate) fn c_text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::from_raw_os_error(libc::EINVAL))
}

/// Waits for input, for at most this long; `None` waits for ever.
pub(crate) fn poll(fds: &mut [libc::pollfd], wait_ms: Option<i32>) -> Result<()> {
    // SAFETY: the slice outlives the call.
    let got = unsafe {
        libc::poll(
            fds.as_mut_ptr(),
            fds.len() as libc::nfds_t,
            wait_ms.unwrap_or(-1),
        )
    };
    match check(got) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
        other => other.map(drop),
    }
}

/// Returns an entry for [`poll`].
pub(crate) fn poll_entry(fd: BorrowedFd<'_>, events: i16) -> libc::pollfd {
    libc::pollfd {
        fd: fd.as_raw_fd(),
        events,
        revents: 0,
    }
}

/// Blocks SIGCHLD, and returns the descriptor that it then arrives on.
pub(crate) fn child_signals() -> Result<OwnedFd> {
    // SAFETY: an emptied set is valid; the descriptor is new.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        check(libc::sigprocmask(
            libc::SIG_BLOCK,
            &raw const set,
            std::ptr::null_mut(),
        ))?;
        new_fd(libc::signalfd(
            -1,
            &raw const set,
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        ))
    }
}

/// Takes what waits on the descriptor of [`child_signals`].
pub(crate) fn drain_signals(signals: BorrowedFd<'_>) {
    let mut info = [0u8; 128];
    // SAFETY: the buffer outlives the call.
    while unsafe { libc::read(signals.as_raw_fd(), info.as_mut_ptr().cast(), info.len()) } > 0 {}
}
