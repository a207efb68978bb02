//! Calls on files, one after the other: `VERB:PATH`, the outcome of each on a line.

use std::ffi::CString;
use std::io::Error;

/// The open files of one thread or process, by path.
#[derive(Default)]
struct Hands {
    open: Vec<(String, libc::c_int)>,
}

/// Makes the calls that the words name.
pub(super) fn calls(words: &[&str]) {
    let mut hands = Hands::default();
    for word in words {
        let (verb, path) = word.split_once(':').unwrap_or((word, ""));
        let outcome = match hands.call(verb, path) {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("errno {}", error.raw_os_error().unwrap_or(0)),
        };
        super::say(&format!("{word} {outcome}"));
    }
}

/// Makes the calls that the words name, up to the first that fails; returns whether none did.
pub(super) fn job(words: &[&str]) -> bool {
    let mut hands = Hands::default();
    words.iter().all(|word| {
        let (verb, path) = word.split_once(':').unwrap_or((word, ""));
        hands.call(verb, path).is_ok()
    })
}

/// Makes a call in each of four threads and in a child, all on paths of their own.
pub(super) fn crowd(path: &str) {
    let make = |name: String| {
        let _ = Hands::default().call("new", &name);
    };
    let threads = (1..=4).map(|number| {
        let name = format!("{path}.thread{number}");
        std::thread::spawn(move || make(name))
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        let _ = thread.join();
    }
    // SAFETY: the other threads have ended.
    let child = unsafe { libc::fork() };
    if child == 0 {
        make(format!("{path}.child"));
        // SAFETY: plain call.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: our own child.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

/// Returns the nanoseconds that one of so many calls takes.
pub(super) fn time(what: &str, count: u32, path: &str) -> u128 {
    let path = text(path);
    // SAFETY: the text outlives the call.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    let begun = std::time::Instant::now();
    for _ in 0..count {
        // SAFETY: the text outlives the calls.
        unsafe {
            match what {
                "flock" => {
                    libc::flock(file, libc::LOCK_SH | libc::LOCK_NB);
                }
                "fcntl" => {
                    libc::fcntl(file, libc::F_GETFD);
                }
                "open" => {
                    libc::close(libc::open(path.as_ptr(), libc::O_RDONLY));
                }
                "create" => {
                    let flags = libc::O_WRONLY | libc::O_CREAT;
                    libc::close(libc::open(path.as_ptr(), flags, 0o666));
                }
                "fsync" => {
                    libc::fsync(file);
                }
                _ => {
                    libc::getppid();
                }
            }
        }
    }
    begun.elapsed().as_nanos() / u128::from(count.max(1))
}

fn text(path: &str) -> CString {
    CString::new(path).expect("the words have no zero byte")
}

fn check(result: libc::c_int) -> Result<libc::c_int, Error> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

impl Hands {
    fn open(&mut self, path: &str, flags: libc::c_int) -> Result<(), Error> {
        // SAFETY: the text outlives the call.
        let file = check(unsafe { libc::open(text(path).as_ptr(), flags, 0o666) })?;
        self.open.push((path.to_owned(), file));
        Ok(())
    }

    fn file(&mut self, path: &str) -> Result<libc::c_int, Error> {
        if !self.open.iter().any(|(open, _)| open == path) {
            self.open(path, libc::O_RDWR)?;
        }
        let found = self.open.iter().find(|(open, _)| open == path);
        Ok(found.expect("it was opened above").1)
    }

    fn lock(&mut self, path: &str, command: libc::c_int, kind: libc::c_int) -> Result<(), Error> {
        let file = self.file(path)?;
        // SAFETY: all-zero is a lock of the whole file; it outlives the call.
        unsafe {
            let mut lock: libc::flock = std::mem::zeroed();
            lock.l_type = kind as libc::c_short;
            check(libc::fcntl(file, command, &raw const lock)).map(drop)
        }
    }

    fn call(&mut self, verb: &str, path: &str) -> Result<(), Error> {
        let (one, two) = path.split_once(',').unwrap_or((path, ""));
        let (first, second) = (text(one), text(two));
        let write = libc::O_WRONLY | libc::O_CREAT;
        // SAFETY: the texts outlive the calls.
        let done = unsafe {
            match verb {
                "new" => return self.open(path, write | libc::O_EXCL),
                "create" => return self.open(path, write),
                "empty" => return self.open(path, libc::O_WRONLY | libc::O_TRUNC),
                "open" => return self.open(path, libc::O_RDONLY),
                "link" => libc::link(first.as_ptr(), second.as_ptr()),
                "symlink" => libc::symlink(first.as_ptr(), second.as_ptr()),
                "rename" => libc::rename(first.as_ptr(), second.as_ptr()),
                "unlink" => libc::unlink(first.as_ptr()),
                "mkdir" => libc::mkdir(first.as_ptr(), 0o777),
                "rmdir" => libc::rmdir(first.as_ptr()),
                "access" => libc::access(first.as_ptr(), libc::F_OK),
                "absent" => libc::access(first.as_ptr(), libc::F_OK) - 1,
                "cd" => libc::chdir(first.as_ptr()),
                "fsync" => libc::fsync(self.file(path)?),
                "flock" => libc::flock(self.file(path)?, libc::LOCK_EX),
                "flocknb" => libc::flock(self.file(path)?, libc::LOCK_EX | libc::LOCK_NB),
                "funlock" => libc::flock(self.file(path)?, libc::LOCK_UN),
                "close" => libc::close(self.file(path)?),
                "lock" => return self.lock(path, libc::F_SETLKW, libc::F_WRLCK),
                "locknb" => return self.lock(path, libc::F_SETLK, libc::F_WRLCK),
                "ofdlock" => return self.lock(path, libc::F_OFD_SETLKW, libc::F_WRLCK),
                "unlock" => return self.lock(path, libc::F_SETLK, libc::F_UNLCK),
                "ring" => libc::syscall(libc::SYS_io_uring_setup, 1, 0) as libc::c_int,
                "alarm" => ring(one),
                _ => return Err(Error::from_raw_os_error(libc::EINVAL)),
            }
        };
        // That something is absent is what its call fails with.
        if verb == "absent" {
            return check(if done == -2 { 0 } else { -1 }).map(drop);
        }
        check(done).map(drop)
    }
}

/// Has a signal come after so many milliseconds, with a handler that does nothing.
fn ring(milliseconds: &str) -> libc::c_int {
    extern "C" fn nothing(_: libc::c_int) {}
    let us = milliseconds.parse::<i64>().unwrap_or(1) * 1000;
    // SAFETY: all-zero actions and timers are valid, and outlive the calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut());
        let mut timer: libc::itimerval = std::mem::zeroed();
        timer.it_value.tv_usec = us;
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut())
    }
}
