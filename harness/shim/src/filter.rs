//! The seccomp filter of the file tap. It sees numbers and flags, never paths: the shim decides
//! about paths, for the few calls that get so far.

use crate::system::new_fd;
use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
use std::io::Result;
use std::os::fd::OwnedFd;

/// The one architecture whose numbers are known below.
const AUDIT_ARCH_X86_64: u32 = 0xC000_003E;

/// Marks calls of the x32 convention, which would slip past every number below.
const X32_BIT: u32 = 0x4000_0000;

/// Where the words of a call lie: its number, its architecture, its arguments.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Calls that change what others see, or force it to the disk.
const CHANGES: &[libc::c_long] = &[
    libc::SYS_creat,
    libc::SYS_openat2,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_rmdir,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
];

/// Calls that look whether something is there: `if not exists(lock)` is one of them.
const LOOKS: &[libc::c_long] = &[
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_access,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlink,
    libc::SYS_readlinkat,
];

/// The commands of `fcntl` that take or give back locks.
const LOCK_COMMANDS: &[i32] = &[
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
];

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}

/// Goes on with the next instruction if the test holds, else jumps over `skip` instructions.
fn unless(test: u32, k: u32, skip: u8) -> sock_filter {
    sock_filter {
        code: (BPF_JMP | test | BPF_K) as u16,
        jt: 0,
        jf: skip,
        k,
    }
}

fn load(offset: u32) -> sock_filter {
    statement(BPF_LD | BPF_W | BPF_ABS, offset)
}

fn argument(index: u32) -> sock_filter {
    load(ARGUMENTS + 8 * index)
}

fn answer(action: u32) -> sock_filter {
    statement(BPF_RET | BPF_K, action)
}

/// Returns the filter's program. Most calls of a job are decided by number alone, which the kernel
/// remembers: it does not run the program for them.
fn program(looks: bool) -> Vec<sock_filter> {
    let notify = answer(libc::SECCOMP_RET_USER_NOTIF);
    let allow = answer(libc::SECCOMP_RET_ALLOW);
    let unknown = answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
    let mut code = vec![
        load(ARCHITECTURE),
        // Skips nothing if equal.
        unless(BPF_JEQ, AUDIT_ARCH_X86_64, 1),
        statement(BPF_JMP, 1),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER),
        unless(BPF_JSET, X32_BIT, 1),
        unknown,
        // What a ring does passes every filter.
        unless(BPF_JEQ, libc::SYS_io_uring_setup as u32, 1),
        unknown,
    ];
    let looks = if looks { LOOKS } else { &[] };
    for call in CHANGES.iter().chain(looks) {
        code.extend([unless(BPF_JEQ, *call as u32, 1), notify]);
    }
    for (call, flags) in [(libc::SYS_open, 1), (libc::SYS_openat, 2)] {
        let changes = (libc::O_CREAT | libc::O_TRUNC) as u32;
        code.extend([
            unless(BPF_JEQ, call as u32, 4),
            argument(flags),
            unless(BPF_JSET, changes, 1),
            notify,
            allow,
        ]);
    }
    let commands = LOCK_COMMANDS.len() as u8;
    code.extend([
        unless(BPF_JEQ, libc::SYS_fcntl as u32, 2 * commands + 1),
        argument(1),
    ]);
    for command in LOCK_COMMANDS {
        code.extend([unless(BPF_JEQ, *command as u32, 1), notify]);
    }
    code.push(allow);
    code
}

/// Puts the calling process, and all that it will ever start, behind the filter; returns the
/// descriptor on which its calls arrive. It must have given up new privileges before.
pub(crate) fn install(looks: bool) -> Result<OwnedFd> {
    let mut code = program(looks);
    let program = libc::sock_fprog {
        len: code.len() as u16,
        filter: code.as_mut_ptr(),
    };
    // A signal must not end a held call: one that never fails so would then fail.
    let flags =
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // SAFETY: the program outlives the call; the descriptor is new.
    new_fd(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program on a call, as the kernel would.
    fn judge(looks: bool, number: i64, arguments: [u64; 3]) -> u32 {
        let word = |offset: u32| match offset {
            NUMBER => number as u32,
            ARCHITECTURE => AUDIT_ARCH_X86_64,
            _ => arguments[((offset - ARGUMENTS) / 8) as usize] as u32,
        };
        let (code, mut at, mut loaded) = (program(looks), 0, 0);
        for _ in 0..code.len() {
            let one = code[at];
            let kind = u32::from(one.code);
            at += 1;
            let holds = match kind {
                _ if kind == BPF_LD | BPF_W | BPF_ABS => {
                    loaded = word(one.k);
                    continue;
                }
                _ if kind == BPF_RET | BPF_K => return one.k,
                BPF_JMP => {
                    at += one.k as usize;
                    continue;
                }
                _ if kind == BPF_JMP | BPF_JEQ | BPF_K => loaded == one.k,
                _ => loaded & one.k != 0,
            };
            at += usize::from(if holds { one.jt } else { one.jf });
        }
        panic!("the program has no end");
    }

    #[test]
    fn only_what_can_matter_is_told() {
        let told = libc::SECCOMP_RET_USER_NOTIF;
        let free = libc::SECCOMP_RET_ALLOW;
        let create = (libc::O_CREAT | libc::O_WRONLY) as u64;
        let table: &[(bool, i64, [u64; 3], u32)] = &[
            (false, libc::SYS_openat, [0, 0, 0], free),
            (true, libc::SYS_openat, [0, 0, 0], told),
            (false, libc::SYS_openat, [0, 0, create], told),
            (false, libc::SYS_open, [0, create, 0], told),
            (false, libc::SYS_open, [0, libc::O_RDWR as u64, 0], free),
            (false, libc::SYS_unlink, [0; 3], told),
            (false, libc::SYS_write, [0; 3], free),
            (false, libc::SYS_newfstatat, [0; 3], free),
            (true, libc::SYS_newfstatat, [0; 3], told),
            (false, libc::SYS_fcntl, [3, libc::F_SETLKW as u64, 0], told),
            (
                false,
                libc::SYS_fcntl,
                [3, libc::F_OFD_SETLK as u64, 0],
                told,
            ),
            (false, libc::SYS_fcntl, [3, libc::F_GETFD as u64, 0], free),
            (false, libc::SYS_flock, [3, 2, 0], told),
        ];
        for (looks, number, arguments, expect) in table {
            assert_eq!(judge(*looks, *number, *arguments), *expect, "{number}");
        }
        let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
        assert_eq!(judge(false, libc::SYS_io_uring_setup, [0; 3]), unknown);
        assert_eq!(judge(false, i64::from(X32_BIT), [0; 3]), unknown);
    }
}
