//! Starting a program.

use crate::system::{Tried, Trouble, c_text, check, poll, poll_entry};
use crate::{filter, rights};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Error, Read, Result};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use twiceproof_shim::link::{self, Receiver, Wait};
use twiceproof_shim::{Launch, Tapped};

/// Where programs are looked up unless the environment says so.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Longest wait until a program runs or cannot.
const EXEC_WAIT_MS: i32 = 10_000;

/// What a start inherits from its sandbox.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    /// Environment below that of the start.
    pub(crate) env: Vec<(String, String)>,
    /// Command of a start that names none.
    pub(crate) argv: Vec<String>,
}

/// Everything that the child needs, made before it exists.
struct Plan {
    candidates: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    workdir: CString,
    input: Option<OwnedFd>,
    output: OwnedFd,
    tapped: Tapped,
}

/// A program that runs.
pub(crate) struct Launched {
    /// Its process id.
    pub(crate) process: libc::pid_t,
    /// Where its calls on files arrive, if it is tapped.
    pub(crate) listener: Option<OwnedFd>,
}

/// Starts a program, and returns once it runs.
pub(crate) fn launch(
    defaults: &Defaults,
    launch: Launch,
    fds: Vec<OwnedFd>,
) -> std::result::Result<Launched, Trouble> {
    let plan = plan(defaults, launch, fds).tried("read the command")?;
    let (tell, told) = pipe().tried("make a pipe")?;
    let (ours, theirs) = socket_pair().tried("make a socket")?;
    // SAFETY: this process has one thread.
    let child = check(unsafe { libc::fork() }).tried("start a process")? as libc::pid_t;
    if child == 0 {
        drop(tell);
        let (stage, error) = become_program(&plan, &told, &theirs);
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        let word = [errno.to_le_bytes(), i32::from(stage as u8).to_le_bytes()].concat();
        // SAFETY: the buffer outlives the call; the child ends here.
        unsafe {
            libc::write(told.as_raw_fd(), word.as_ptr().cast(), word.len());
            libc::_exit(127);
        }
    }
    drop(told);
    match hear(tell) {
        None => {
            let listener = if plan.tapped.folders.is_empty() {
                None
            } else {
                let mut receiver = Receiver::default();
                let (_, fds) = receiver.receive(&ours, Wait::No).tried("tap its files")?;
                fds.into_iter().next()
            };
            Ok(Launched {
                process: child,
                listener,
            })
        }
        Some((stage, errno)) => {
            // SAFETY: our own child, not yet waited for, so the id is still its.
            unsafe {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, ptr::null_mut(), libc::__WALL);
            }
            Err(Trouble {
                tried: stage.to_owned(),
                errno,
            })
        }
    }
}

/// Returns what the child says of its failure: nothing once it executes the program.
fn hear(tell: OwnedFd) -> Option<(&'static str, i32)> {
    let mut entries = [poll_entry(tell.as_fd(), libc::POLLIN)];
    if poll(&mut entries, Some(EXEC_WAIT_MS)).is_err() || entries[0].revents == 0 {
        return Some((Stage::Execute.words(), libc::ETIMEDOUT));
    }
    let mut word = [0; 8];
    File::from(tell).read_exact(&mut word).ok()?;
    let errno = i32::from_le_bytes([word[0], word[1], word[2], word[3]]);
    let stages = [Stage::Prepare, Stage::Workdir, Stage::Tap];
    let stage = stages.into_iter().find(|stage| *stage as u8 == word[4]);
    let stage = stage.unwrap_or(Stage::Execute);
    Some((stage.words(), errno))
}

/// How far a child came.
#[derive(Clone, Copy)]
enum Stage {
    Prepare = 0,
    Workdir = 1,
    Execute = 2,
    Tap = 3,
}

impl Stage {
    fn words(self) -> &'static str {
        match self {
            Stage::Prepare => "prepare the process",
            Stage::Workdir => "enter the working folder",
            Stage::Execute => "execute it",
            Stage::Tap => "hold its calls on files (this needs Linux 5.19 or later)",
        }
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: two new descriptors, each ours alone.
    unsafe {
        check(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

fn socket_pair() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: two new descriptors, each ours alone.
    unsafe {
        check(libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

fn plan(defaults: &Defaults, launch: Launch, fds: Vec<OwnedFd>) -> Result<Plan> {
    let mut fds = fds.into_iter();
    let invalid = || Error::from_raw_os_error(libc::EINVAL);
    let output = fds.next().ok_or_else(invalid)?;
    let input = fds.next();
    if input.is_some() != launch.has_stdin {
        return Err(invalid());
    }
    let own = launch.argv.is_empty();
    let argv = if own {
        defaults.argv.clone()
    } else {
        launch.argv
    };
    let program = argv.first().ok_or_else(invalid)?.clone();
    let mut env = defaults.env.clone();
    for (name, value) in launch.env {
        env.retain(|(other, _)| *other != name);
        env.push((name, value));
    }
    for (name, value) in [("PATH", PATH), ("HOME", crate::mounts::HOME)] {
        if !env.iter().any(|(other, _)| other == name) {
            env.push((name.to_owned(), value.to_owned()));
        }
    }
    env.sort();
    let path = env
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or(PATH, |(_, value)| value);
    let candidates = if program.contains('/') {
        vec![c_text(&program)?]
    } else {
        let folders = path.split(':').filter(|folder| !folder.is_empty());
        folders
            .map(|folder| c_text(&format!("{folder}/{program}")))
            .collect::<Result<_>>()?
    };
    let env = env
        .iter()
        .map(|(name, value)| c_text(&format!("{name}={value}")));
    Ok(Plan {
        candidates,
        argv: argv
            .iter()
            .map(|word| c_text(word))
            .collect::<Result<_>>()?,
        env: env.collect::<Result<_>>()?,
        workdir: c_text(&launch.workdir)?,
        input,
        output,
        tapped: launch.tapped,
    })
}

/// Returns only where it failed.
fn become_program(plan: &Plan, told: &OwnedFd, taps: &OwnedFd) -> (Stage, Error) {
    if let Err(error) = prepare(plan, told) {
        return (Stage::Prepare, error);
    }
    if !plan.workdir.is_empty() {
        // SAFETY: the text outlives the call.
        if let Err(error) = check(unsafe { libc::chdir(plan.workdir.as_ptr()) }) {
            return (Stage::Workdir, error);
        }
    }
    // Last of all: what we do ourselves is none of the job's calls.
    if !plan.tapped.folders.is_empty()
        && let Err(error) = hand_over_calls(plan, taps)
    {
        return (Stage::Tap, error);
    }
    (Stage::Execute, execute(plan))
}

fn hand_over_calls(plan: &Plan, taps: &OwnedFd) -> Result<()> {
    let listener = filter::install(plan.tapped.looks)?;
    link::send(taps, &[0], &[listener.as_fd()], Wait::Forever)
}

fn prepare(plan: &Plan, told: &OwnedFd) -> Result<()> {
    rights::reset_signals()?;
    // SAFETY: plain calls on descriptors that are open.
    unsafe {
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        check(libc::setsid())?;
        libc::umask(0o022);
        let no_core = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        check(libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core))?;
        let input = match &plan.input {
            Some(input) => input.as_raw_fd(),
            None => check(libc::open(
                c"/dev/null".as_ptr(),
                libc::O_RDONLY | libc::O_CLOEXEC,
            ))? as i32,
        };
        check(libc::dup2(input, 0))?;
        check(libc::dup2(plan.output.as_raw_fd(), 1))?;
        check(libc::dup2(plan.output.as_raw_fd(), 2))?;
        // Everything above goes at the exec, the pipe `told` included.
        debug_assert!(told.as_raw_fd() > 2, "the shim keeps 0 to 2 occupied");
        // An engine may refuse this; then only what it gave us itself would stay.
        let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, flags);
    }
    rights::give_up()
}

fn execute(plan: &Plan) -> Error {
    let mut denied = None;
    for candidate in &plan.candidates {
        let error = execute_one(candidate, &plan.argv, &plan.env);
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => {}
            Some(libc::EACCES) => denied = Some(error),
            // A script without a first line that names its shell.
            Some(libc::ENOEXEC) => {
                let mut argv = vec![c"/bin/sh".to_owned(), candidate.clone()];
                argv.extend(plan.argv.iter().skip(1).cloned());
                return execute_one(c"/bin/sh", &argv, &plan.env);
            }
            _ => return error,
        }
    }
    denied.unwrap_or_else(|| Error::from_raw_os_error(libc::ENOENT))
}

fn execute_one(program: &CStr, argv: &[CString], env: &[CString]) -> Error {
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts
            .iter()
            .map(|text| text.as_ptr())
            .chain([ptr::null()])
            .collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both lists end in null, and the texts outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    Error::last_os_error()
}
