//! Datagrams with descriptors over a `SOCK_SEQPACKET` socket, and few other calls on sockets.

use crate::{FDS_MAX, MESSAGE_MAX};
use std::io::{Error, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::{mem, ptr};

/// Room for the descriptors of one message.
const CONTROL_WORDS: usize = FDS_MAX / 2 + 4;

/// Whether a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it can be done.
    Forever,
    /// Not at all: `WouldBlock` instead.
    No,
}

impl Wait {
    fn flags(self) -> libc::c_int {
        match self {
            Wait::Forever => 0,
            Wait::No => libc::MSG_DONTWAIT,
        }
    }
}

fn check(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| Error::last_os_error())
}

/// Sends one message with its descriptors.
pub fn send(link: impl AsFd, message: &[u8], fds: &[BorrowedFd<'_>], wait: Wait) -> Result<()> {
    assert!(fds.len() <= FDS_MAX, "callers bound what they pass");
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let mut control = [0u64; CONTROL_WORDS];
    let mut part = libc::iovec {
        iov_base: message.as_ptr().cast_mut().cast(),
        iov_len: message.len(),
    };
    // SAFETY: all-zero is a valid empty header; every pointer put in outlives the call, and the
    // control buffer has room for FDS_MAX descriptors.
    let sent = unsafe {
        let mut header: libc::msghdr = mem::zeroed();
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        if !raw.is_empty() {
            let bytes = mem::size_of_val(raw.as_slice()) as u32;
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = libc::CMSG_SPACE(bytes) as usize;
            let first = libc::CMSG_FIRSTHDR(&raw const header);
            (*first).cmsg_level = libc::SOL_SOCKET;
            (*first).cmsg_type = libc::SCM_RIGHTS;
            (*first).cmsg_len = libc::CMSG_LEN(bytes) as usize;
            ptr::copy_nonoverlapping(raw.as_ptr(), libc::CMSG_DATA(first).cast(), raw.len());
        }
        let flags = libc::MSG_NOSIGNAL | wait.flags();
        libc::sendmsg(link.as_fd().as_raw_fd(), &raw const header, flags)
    };
    check(sent).map(drop)
}

/// Receives messages; keeps its buffer between them.
#[derive(Debug)]
pub struct Receiver {
    buffer: Vec<u8>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            buffer: vec![0; MESSAGE_MAX],
        }
    }
}

impl Receiver {
    /// Receives one message with its descriptors, all of them close-on-exec.
    ///
    /// An empty message is the end of the link. One that does not fit is an error.
    pub fn receive(&mut self, link: impl AsFd, wait: Wait) -> Result<(&[u8], Vec<OwnedFd>)> {
        let mut control = [0u64; CONTROL_WORDS];
        let mut part = libc::iovec {
            iov_base: self.buffer.as_mut_ptr().cast(),
            iov_len: self.buffer.len(),
        };
        let mut fds = Vec::new();
        // SAFETY: as in `send`; the kernel says how much of the control buffer it filled, and
        // each descriptor in it is ours alone.
        let (got, flags) = unsafe {
            let mut header: libc::msghdr = mem::zeroed();
            header.msg_iov = &raw mut part;
            header.msg_iovlen = 1;
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = mem::size_of_val(&control);
            let flags = libc::MSG_CMSG_CLOEXEC | wait.flags();
            let got = libc::recvmsg(link.as_fd().as_raw_fd(), &raw mut header, flags);
            let got = check(got)?;
            take_fds(&header, &mut fds);
            (got, header.msg_flags)
        };
        if flags & libc::MSG_TRUNC != 0 {
            return Err(Error::from_raw_os_error(libc::EMSGSIZE));
        }
        if flags & libc::MSG_CTRUNC != 0 {
            // There is room for as many as are ever sent, so the process may have no more.
            return Err(Error::from_raw_os_error(libc::EMFILE));
        }
        Ok((&self.buffer[..got], fds))
    }
}

/// # Safety
/// The header must have been filled by `recvmsg`.
unsafe fn take_fds(header: &libc::msghdr, fds: &mut Vec<OwnedFd>) {
    // SAFETY: the walk stays within what the kernel filled.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(header);
        while !at.is_null() {
            if (*at).cmsg_level == libc::SOL_SOCKET && (*at).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*at).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                for index in 0..bytes / mem::size_of::<RawFd>() {
                    let fd = libc::CMSG_DATA(at)
                        .cast::<RawFd>()
                        .add(index)
                        .read_unaligned();
                    fds.push(OwnedFd::from_raw_fd(fd));
                }
            }
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
}

/// Connects to the lab's socket at a path.
pub fn connect(path: &str) -> Result<OwnedFd> {
    // SAFETY: all-zero is a valid address.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    if path.len() >= address.sun_path.len() {
        return Err(Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    for (slot, byte) in address.sun_path.iter_mut().zip(path.bytes()) {
        *slot = byte.cast_signed();
    }
    // SAFETY: a new descriptor is ours alone; the address outlives the call.
    unsafe {
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        let fd = check(libc::socket(libc::AF_UNIX, kind, 0) as isize)?;
        let fd = OwnedFd::from_raw_fd(fd as RawFd);
        let size = mem::size_of_val(&address) as libc::socklen_t;
        check(libc::connect(fd.as_raw_fd(), (&raw const address).cast(), size) as isize)?;
        Ok(fd)
    }
}
