//! What a started program may not do.

use crate::system::check;
use std::io::{Error, Result};

/// Highest capability number that a kernel may know.
const CAPABILITY_MAX: i32 = 63;

/// Version 3 of the capability structures: two words of 32 bits.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Gives up every capability for good, whatever is executed later.
pub(crate) fn give_up() -> Result<()> {
    // SAFETY: plain calls; header and data outlive theirs.
    unsafe {
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        for capability in 0..=CAPABILITY_MAX {
            if libc::prctl(libc::PR_CAPBSET_READ, capability, 0, 0, 0) == 1 {
                check(libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0))?;
            }
        }
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        );
        let header = [CAPABILITY_VERSION, 0];
        let none = [0u32; 6];
        check(libc::syscall(
            libc::SYS_capset,
            header.as_ptr(),
            none.as_ptr(),
        ))?;
    }
    Ok(())
}

/// Sets every signal to its default, and blocks none.
pub(crate) fn reset_signals() -> Result<()> {
    // The library's own call refuses two signals that it keeps for itself.
    let default = [0u64; 4];
    for signal in 1..=64 {
        // SAFETY: all-zero is the default action, as large as the kernel reads. KILL and STOP
        // refuse: no matter.
        unsafe {
            let none = std::ptr::null_mut::<u64>();
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                none,
                8usize,
            );
        }
    }
    // SAFETY: an emptied set is valid.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(libc::sigprocmask(
            libc::SIG_SETMASK,
            &raw const none,
            std::ptr::null_mut(),
        ))?;
    }
    Ok(())
}

/// Makes sure that no process here can look into the shim or stop it.
pub(crate) fn hide_shim() -> Result<()> {
    // SAFETY: plain call.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) }).map(drop)
}

/// Makes this process the parent of all that loses its own one below it.
pub(crate) fn inherit_orphans() -> Result<()> {
    // SAFETY: plain call.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// Refuses to go on in a process that is not the first of its namespace: its signals to all would
/// reach processes that are not ours.
pub(crate) fn must_be_first() -> Result<()> {
    if std::process::id() == 1 {
        Ok(())
    } else {
        Err(Error::from_raw_os_error(libc::EPERM))
    }
}
