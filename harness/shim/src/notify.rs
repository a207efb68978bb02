//! The kernel's side of held calls: receiving them, answering them, and reading what they are
//! about.

use crate::system::check;
use std::ffi::CString;
use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use twiceproof_shim::file_call::PATH_MAX;

/// Lets the thread run on the core of the one who answers: fewer wake-ups across cores.
const SYNC_WAKE_UP: u64 = 1;

/// Size of a page: what lies on one page can be read as a whole.
const PAGE: u64 = 4096;

/// A call that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The kernel's name of it, unique within its listener.
    pub(crate) id: u64,
    pub(crate) thread: libc::pid_t,
    pub(crate) number: libc::c_long,
    pub(crate) arguments: [u64; 6],
}

/// Receives the next call. `None`: whoever made it is gone.
pub(crate) fn receive(listener: BorrowedFd<'_>) -> Result<Option<Notice>> {
    // SAFETY: all-zero is what the kernel asks for, and it outlives the call.
    let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is the one that this request fills.
    let got = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_RECV as _,
            &raw mut notice,
        )
    };
    match check(got) {
        Ok(_) => Ok(Some(Notice {
            id: notice.id,
            thread: notice.pid as libc::pid_t,
            number: libc::c_long::from(notice.data.nr),
            arguments: notice.data.args,
        })),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lets a call be made, or makes it fail. Returns whether its thread was there still.
pub(crate) fn answer(listener: BorrowedFd<'_>, id: u64, errno: Option<i32>) -> bool {
    let continues = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    let response = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: -errno.unwrap_or(0),
        flags: if errno.is_none() { continues } else { 0 },
    };
    // SAFETY: the structure outlives the call.
    let sent = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SEND as _,
            &raw const response,
        )
    };
    sent == 0
}

/// Returns whether a call still waits for an answer.
pub(crate) fn is_waiting(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the number outlives the call.
    let valid = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_ID_VALID as _,
            &raw const id,
        )
    };
    valid == 0
}

/// Asks for fast wake-ups; kernels before 6.6 have none, and are slower.
pub(crate) fn wake_on_same_core(listener: &OwnedFd) {
    // SAFETY: plain call.
    let _ = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS as _,
            SYNC_WAKE_UP,
        )
    };
}

/// The memory of a thread.
pub(crate) struct Memory(File);

impl Memory {
    pub(crate) fn of(thread: libc::pid_t) -> Result<Self> {
        File::open(format!("/proc/{thread}/mem")).map(Self)
    }

    /// Copies what lies at an address.
    pub(crate) fn bytes<const N: usize>(&self, address: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, address)?;
        Ok(bytes)
    }

    /// Returns the text at an address. It ends in a zero byte; the page behind it need not exist.
    pub(crate) fn text(&self, address: u64) -> Result<CString> {
        let (mut bytes, mut have) = (vec![0; PATH_MAX], 0);
        loop {
            let at = address.wrapping_add(have as u64);
            let rest_of_page = (PAGE - at % PAGE) as usize;
            let end = PATH_MAX.min(have + rest_of_page);
            let got = self.0.read_at(&mut bytes[have..end], at)?;
            if let Some(zero) = bytes[have..have + got].iter().position(|byte| *byte == 0) {
                bytes.truncate(have + zero);
                return Ok(CString::new(bytes)?);
            }
            have += got;
            if got == 0 || have == PATH_MAX {
                return Err(Error::from_raw_os_error(libc::ENAMETOOLONG));
            }
        }
    }
}
