//! What the conformance tests run inside a sandbox: the first word says what to try, and the
//! outcome is a line of output.
#![expect(
    unsafe_code,
    reason = "processes, signals and shared memory by raw system calls"
)]

#[path = "probe/files.rs"]
mod files;

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;
use std::{env, fs, process, thread};

type Outcome = std::io::Result<String>;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["exit", code] => process::exit(code.parse().unwrap_or(99)),
        ["raise", signal] => raise(signal.parse().unwrap_or(0)),
        ["echo", text] => Ok((*text).to_owned()),
        ["cat"] => cat(),
        ["env"] => Ok(env::vars()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect()),
        ["where"] => env::current_dir().map(|folder| folder.display().to_string()),
        ["read", path] => fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        ["list", path] => list(path),
        ["write", path] => fs::write(path, "probe").map(|()| "written".to_owned()),
        ["connect", address] => connect(address),
        ["udp", address] => udp(address),
        ["unix", path] => UnixStream::connect(path).map(|_| "connected".to_owned()),
        ["abstract", name] => SocketAddr::from_abstract_name(name)
            .and_then(|address| UnixStream::connect_addr(&address))
            .map(|_| "connected".to_owned()),
        ["kill", process] => kill(process.parse().unwrap_or(0)),
        ["serve", port] => serve(port.parse().unwrap_or(0)),
        ["serve-unix", path] => serve_unix(path),
        ["spin"] => loop {
            std::hint::spin_loop();
        },
        ["sleep"] => sleep(),
        ["threads"] => threads(),
        ["count", path] => count(path),
        ["family", path] => family(path),
        ["calls", words @ ..] => {
            files::calls(words);
            Ok("done".to_owned())
        }
        ["job", words @ ..] => process::exit(if files::job(words) { 0 } else { 3 }),
        ["time", what, count, path] => {
            let count = count.parse().unwrap_or(1);
            Ok(files::time(what, count, path).to_string())
        }
        ["crowd", path] => {
            files::crowd(path);
            Ok("done".to_owned())
        }
        ["fork"] => fork_for_ever(),
        ["leave"] => leave(),
        ["left"] => Ok(left()),
        _ => Err(std::io::Error::other("no such probe")),
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => {
            println!("refused: {error}");
            process::exit(1);
        }
    }
}

fn sleep() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn say(text: &str) {
    println!("{text}");
    std::io::stdout().flush().expect("the output is open");
}

fn raise(signal: i32) -> Outcome {
    // SAFETY: plain call.
    unsafe { libc::raise(signal) };
    Ok("alive".to_owned())
}

fn kill(process: i32) -> Outcome {
    // SAFETY: signal 0 asks only; the tests pass processes that must not be reached.
    match unsafe { libc::kill(process, 0) } {
        0 => Ok("reached".to_owned()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn cat() -> Outcome {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn list(path: &str) -> Outcome {
    let names = fs::read_dir(path)?.flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names.join(" "))
}

fn connect(address: &str) -> Outcome {
    let address = address
        .to_socket_addrs()?
        .next()
        .expect("an address or an error");
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.write_all(b"ping")?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn udp(address: &str) -> Outcome {
    let any = if address.starts_with('[') {
        "[::]:0"
    } else {
        "0.0.0.0:0"
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.send(b"ping")?;
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    socket.recv(&mut [0; 8])?;
    Ok("answered".to_owned())
}

fn serve(port: u16) -> Outcome {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
    say("ready");
    let (mut stream, _) = listener.accept()?;
    stream.write_all(b"pong")?;
    Ok("served".to_owned())
}

fn serve_unix(path: &str) -> Outcome {
    let listener = UnixListener::bind(path)?;
    say("ready");
    let (mut stream, _) = listener.accept()?;
    stream.write_all(b"pong")?;
    Ok("served".to_owned())
}

/// One thread sleeps, one reads, one runs.
fn threads() -> Outcome {
    let (mut reader, _writer) = std::io::pipe()?;
    thread::spawn(move || reader.read(&mut [0; 1]));
    thread::spawn(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    say("ready");
    sleep();
}

/// Writes a growing number into a file for ever, in two threads and a child.
fn count(path: &str) -> Outcome {
    let run = |path: String| -> Outcome {
        let file = fs::File::create(&path)?;
        let mut number = 0_u64;
        loop {
            number += 1;
            file.write_all_at(format!("{number:020}").as_bytes(), 0)?;
        }
    };
    for name in ["a", "b"] {
        let path = format!("{path}.{name}");
        thread::spawn(move || run(path));
    }
    // SAFETY: the child goes on with the thread that forked alone.
    let child = unsafe { libc::fork() };
    if child != 0 {
        say("ready");
    }
    run(format!(
        "{path}.{}",
        if child == 0 { "child" } else { "parent" }
    ))
}

/// Starts processes that try to get away: a session of its own, orphans, deaf to signals.
fn family(path: &str) -> Outcome {
    for name in ["deaf", "session", "daemon"] {
        // SAFETY: this process has one thread.
        unsafe {
            if libc::fork() != 0 {
                continue;
            }
            for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
                libc::signal(signal, libc::SIG_IGN);
            }
            if name != "deaf" {
                libc::setsid();
            }
            if name == "daemon" && libc::fork() != 0 {
                libc::_exit(0);
            }
        }
        fs::write(format!("{path}.{name}"), "up")?;
        sleep();
    }
    let up = |name: &&str| !fs::exists(format!("{path}.{name}")).unwrap_or(false);
    while ["deaf", "session", "daemon"].iter().any(up) {
        thread::sleep(Duration::from_millis(1));
    }
    Ok("up".to_owned())
}

/// Makes a child that makes a child, and so on, a few alive at any time.
fn fork_for_ever() -> Outcome {
    say("ready");
    loop {
        // SAFETY: this process has one thread.
        if unsafe { libc::fork() } != 0 {
            process::exit(0);
        }
    }
}

const PLACES: &[&str] = &["/tmp", "/run", "/dev/shm"];

fn leave() -> Outcome {
    for place in PLACES {
        let folder = format!("{place}/deep/er");
        fs::create_dir_all(&folder)?;
        fs::write(format!("{folder}/file"), "left")?;
        std::os::unix::fs::symlink("/etc", format!("{place}/link"))?;
    }
    // SAFETY: plain calls.
    unsafe {
        libc::shmget(0x7457, 4096, libc::IPC_CREAT | 0o600);
        libc::semget(0x7457, 1, libc::IPC_CREAT | 0o600);
        libc::msgget(0x7457, libc::IPC_CREAT | 0o600);
        libc::mq_open(
            c"/queue".as_ptr(),
            libc::O_CREAT,
            0o600,
            std::ptr::null::<u8>(),
        );
    }
    Ok(left())
}

/// Returns how many things of a former start are there: files and shared memory.
fn left() -> String {
    let files = PLACES
        .iter()
        .map(|place| fs::read_dir(place).map_or(0, Iterator::count));
    // SAFETY: plain calls.
    let memory = unsafe {
        let found = [
            libc::shmget(0x7457, 4096, 0),
            libc::semget(0x7457, 1, 0),
            libc::msgget(0x7457, 0),
            libc::mq_open(c"/queue".as_ptr(), libc::O_RDONLY),
        ];
        found.iter().filter(|id| **id >= 0).count()
    };
    format!("{} files, {memory} objects", files.sum::<usize>())
}
