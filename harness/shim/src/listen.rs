//! The sockets that are handed to the lab.

use crate::system::{Tried, Trouble, check, new_fd};
use std::io::Result;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

/// Connections that may wait for the lab to accept them.
const BACKLOG: i32 = 4096;

/// Binds a listener at each address; only `::1` may be missing, where the kernel has no IPv6.
pub(crate) fn bind_all(
    addresses: &[SocketAddr],
) -> std::result::Result<Vec<Option<OwnedFd>>, Trouble> {
    let bind_one = |address: &SocketAddr| match bind(*address) {
        Err(error)
            if address.is_ipv6()
                && matches!(
                    error.raw_os_error(),
                    Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT)
                ) =>
        {
            Ok(None)
        }
        other => other.map(Some).tried(format!("listen on {address}")),
    };
    addresses.iter().map(bind_one).collect()
}

/// Returns a socket that tells about sockets of this network namespace.
pub(crate) fn diagnosis() -> std::result::Result<OwnedFd, Trouble> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: plain call.
    new_fd(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) })
        .tried("open a diagnosis socket")
}

fn bind(address: SocketAddr) -> Result<OwnedFd> {
    let family = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: plain call.
    let socket = new_fd(unsafe { libc::socket(family, kind, 0) })?;
    set_flag(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR)?;
    if address.is_ipv6() {
        set_flag(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY)?;
    }
    with_raw_address(address, |raw, size| {
        // SAFETY: the address is valid for `size` bytes during the call.
        check(unsafe { libc::bind(socket.as_raw_fd(), raw, size) })
    })?;
    // SAFETY: plain call.
    check(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    Ok(socket)
}

fn set_flag(socket: &OwnedFd, level: i32, option: i32) -> Result<()> {
    let on: libc::c_int = 1;
    let size = size_of_val(&on) as libc::socklen_t;
    // SAFETY: pointer and size are those of one number.
    check(unsafe {
        let on = (&raw const on).cast();
        libc::setsockopt(socket.as_raw_fd(), level, option, on, size)
    })
    .map(drop)
}

/// Calls with the address as the kernel takes it.
pub(crate) fn with_raw_address<T>(
    address: SocketAddr,
    call: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> T,
) -> T {
    // SAFETY: all-zero addresses are valid.
    unsafe {
        match address {
            SocketAddr::V4(address) => {
                let mut raw: libc::sockaddr_in = std::mem::zeroed();
                raw.sin_family = libc::AF_INET as libc::sa_family_t;
                raw.sin_port = address.port().to_be();
                raw.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
                call(
                    (&raw const raw).cast(),
                    size_of_val(&raw) as libc::socklen_t,
                )
            }
            SocketAddr::V6(address) => {
                let mut raw: libc::sockaddr_in6 = std::mem::zeroed();
                raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                raw.sin6_port = address.port().to_be();
                raw.sin6_addr.s6_addr = address.ip().octets();
                call(
                    (&raw const raw).cast(),
                    size_of_val(&raw) as libc::socklen_t,
                )
            }
        }
    }
}
