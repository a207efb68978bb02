//! Namespaces of the sandbox's own: user, mount, process, network, ipc and host name.

use crate::system::{Tried, Trouble, check};
use std::fs;
use std::io::Result;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use twiceproof_shim::{Host, Occupant, Setup};

/// What every sandbox has for itself.
const OWN: i32 = libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;

/// What sandboxes of one host share.
const OF_HOST: i32 = libc::CLONE_NEWUSER | libc::CLONE_NEWPID;

/// User and group that a service gets when the lab is root: the one without any rights.
const NOBODY: libc::uid_t = 65534;

/// Moves into new namespaces, and returns in the first process of this sandbox there: number 1,
/// unless it joins those of another one.
///
/// The caller stays outside, keeps no end of the link, waits for that process and ends with it.
pub(crate) fn enter(
    setup: &Setup,
    joined: &[OwnedFd],
    link: OwnedFd,
) -> std::result::Result<OwnedFd, (Trouble, OwnedFd)> {
    match unshare_and_fork(setup, joined) {
        Err(trouble) => Err((trouble, link)),
        Ok(0) => Ok(link),
        Ok(child) => {
            drop(link);
            // Standard input is the link too, until number 1 replaced its own.
            // SAFETY: plain calls; the process ends here.
            unsafe {
                libc::close(0);
                let mut status = 0;
                while libc::waitpid(child, &raw mut status, 0) < 0
                    && *libc::__errno_location() == libc::EINTR
                {}
                libc::_exit(i32::from(status != 0));
            }
        }
    }
}

fn unshare_and_fork(
    setup: &Setup,
    joined: &[OwnedFd],
) -> std::result::Result<libc::pid_t, Trouble> {
    drop_rights(setup.occupant).tried("drop the rights of root")?;
    if setup.host == Host::Joined {
        join(joined).tried("join the user namespace of another sandbox")?;
    } else {
        make_namespaces()?;
    }
    // SAFETY: this process has one thread.
    let child = check(unsafe { libc::fork() }).tried("start the first process of a namespace")?;
    Ok(child as libc::pid_t)
}

fn make_namespaces() -> std::result::Result<(), Trouble> {
    // SAFETY: plain calls.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    // SAFETY: plain call.
    check(unsafe { libc::unshare(OF_HOST | OWN) }).tried("make a user namespace")?;
    let map = || -> Result<()> {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
    };
    map().tried("map a user into a user namespace")
}

/// Enters the namespaces of the host, in this order: only its user may enter the second one.
fn join(namespaces: &[OwnedFd]) -> Result<()> {
    let kinds = [libc::CLONE_NEWUSER, libc::CLONE_NEWPID];
    if namespaces.len() != kinds.len() {
        return Err(std::io::Error::from_raw_os_error(libc::EINVAL));
    }
    for (namespace, kind) in namespaces.iter().zip(kinds) {
        // SAFETY: the descriptor is open.
        check(unsafe { libc::setns(namespace.as_raw_fd(), kind) })?;
    }
    // SAFETY: plain call.
    check(unsafe { libc::unshare(OWN) }).map(drop)
}

fn drop_rights(occupant: Occupant) -> Result<()> {
    // SAFETY: plain calls.
    unsafe {
        if libc::geteuid() != 0 {
            return Ok(());
        }
        check(libc::setgroups(0, std::ptr::null()))?;
        if occupant == Occupant::Service {
            check(libc::setresgid(NOBODY, NOBODY, NOBODY))?;
            check(libc::setresuid(NOBODY, NOBODY, NOBODY))?;
            // A change of user hides /proc/self, where the maps are written.
            check(libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0))?;
        }
        Ok(())
    }
}

/// Names the host, and brings up the loopback device.
pub(crate) fn settle(setup: &Setup) -> std::result::Result<(), Trouble> {
    let name = setup.name.as_bytes();
    // SAFETY: pointer and length are those of one slice.
    let named = check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) });
    named.tried("set the host name")?;
    bring_up_loopback().tried("bring up the loopback device")
}

fn bring_up_loopback() -> Result<()> {
    // SAFETY: the socket is ours; the request is valid when zero, and outlives the call.
    unsafe {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        let socket = OwnedFd::from_raw_fd(check(libc::socket(libc::AF_INET, kind, 0))? as i32);
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l'.cast_signed();
        request.ifr_name[1] = b'o'.cast_signed();
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        check(libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS,
            &raw const request,
        ))?;
    }
    Ok(())
}
