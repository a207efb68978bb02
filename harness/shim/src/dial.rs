//! Connections that the shim opens inside and hands to the lab.

use crate::listen::with_raw_address;
use crate::system::{c_text, check, new_fd};
use std::io::{Error, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};
use twiceproof_shim::Dial;

/// Longest wait for a connection inside.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// A connection on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    /// The command that asked for it.
    pub(crate) request: u32,
    /// Its socket.
    pub(crate) socket: OwnedFd,
    begun: Instant,
}

/// Begins to connect; a local connection usually stands at once.
pub(crate) fn begin(request: u32, to: &Dial) -> Result<Pending> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let family = if matches!(to, Dial::Port(_)) {
        libc::AF_INET
    } else {
        libc::AF_UNIX
    };
    // SAFETY: plain call.
    let socket = new_fd(unsafe { libc::socket(family, kind, 0) })?;
    let connected = match to {
        Dial::Port(port) => {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            with_raw_address(address, |raw, size| {
                // SAFETY: the address is valid for `size` bytes during the call.
                check(unsafe { libc::connect(socket.as_raw_fd(), raw, size) })
            })
        }
        Dial::Path(path) => connect_path(&socket, path),
    };
    match connected {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(Pending {
            request,
            socket,
            begun: Instant::now(),
        }),
    }
}

fn connect_path(socket: &OwnedFd, path: &str) -> Result<i64> {
    // SAFETY: all-zero is a valid address, which outlives the call.
    unsafe {
        let mut address: libc::sockaddr_un = std::mem::zeroed();
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        let path = c_text(path)?;
        let bytes = path.as_bytes();
        if bytes.len() >= address.sun_path.len() {
            return Err(Error::from_raw_os_error(libc::ENAMETOOLONG));
        }
        for (slot, byte) in address.sun_path.iter_mut().zip(bytes) {
            *slot = byte.cast_signed();
        }
        let size = size_of_val(&address) as libc::socklen_t;
        check(libc::connect(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size,
        ))
    }
}

impl Pending {
    /// Returns whether the connection stands, has failed, or neither yet.
    pub(crate) fn outcome(&self) -> Option<Result<()>> {
        let mut entries = [crate::system::poll_entry(
            std::os::fd::AsFd::as_fd(&self.socket),
            libc::POLLOUT,
        )];
        if let Err(error) = crate::system::poll(&mut entries, Some(0)) {
            return Some(Err(error));
        }
        if entries[0].revents == 0 {
            let late = self.begun.elapsed() > CONNECT_MAX;
            return late.then(|| Err(Error::from_raw_os_error(libc::ETIMEDOUT)));
        }
        let (mut errno, mut size) = (0, size_of::<libc::c_int>() as libc::socklen_t);
        // SAFETY: the number is as large as `size` says.
        let asked = check(unsafe {
            let value = (&raw mut errno).cast();
            let socket = self.socket.as_raw_fd();
            libc::getsockopt(
                socket,
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                value,
                &raw mut size,
            )
        });
        Some(match (asked, errno) {
            (Err(error), _) => Err(error),
            (Ok(_), 0) => Ok(()),
            (Ok(_), errno) => Err(Error::from_raw_os_error(errno)),
        })
    }
}
