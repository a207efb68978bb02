//! The first process of a sandbox. It makes the sandbox, hands the listening sockets to the lab,
//! then starts, stops and watches programs in it on command. It ends, with all it started, when
//! the link to the lab does.
#![expect(
    unsafe_code,
    reason = "namespaces, mounts and processes are made by raw system calls"
)]

mod calls;
mod dial;
mod empty;
mod files;
mod filter;
mod janitor;
mod launch;
mod listen;
mod mounts;
mod namespaces;
mod notify;
mod pause;
mod rights;
mod sample;
mod serve;
mod system;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "shim local | shim container SOCKET [-- COMMAND...] | shim janitor FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["local"] => serve::on_host(),
        ["container", socket] => serve::in_container(socket, &[]),
        ["container", socket, "--", own @ ..] => serve::in_container(socket, own),
        ["janitor", folder] => janitor::wait_and_remove(folder),
        _ => Err(std::io::Error::other(USAGE)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shim: {error}");
            ExitCode::FAILURE
        }
    }
}
