//! Clients that treat their connections badly, on a real Redis.

use crate::kit::{Project, Ran, finish};
use assert_cmd::Command;

/// Returns a project whose one job is this Python program, started once and twice in a row.
fn project(program: &str) -> Project {
    let project = Project::new();
    project.write(
        "targets/job/target.toml",
        "schema = 1\ncommand = [\"/usr/bin/python3\", \"job.py\"]\nworkdir = \".\"\ntimeout = \"60s\"\n\
         [service.redis]\nkind = \"redis\"\nhost = \"cache\"\n",
    );
    project.write("targets/job/job.py", program);
    project.write(
        "scenarios/twice.toml",
        "schema = 1\ntitle = \"may start twice\"\ntarget = \"job\"\n\
         search = { stages = [\"serial\", \"sample\"], samples = 1 }\n",
    );
    project
}

/// Returns a program that opens so many connections and works over the last one.
fn opens(count: u32) -> String {
    format!(
        "import socket\n\
         links = [socket.create_connection((\"cache\", 6379)) for _ in range({count})]\n\
         links[-1].sendall(b\"SET key value\\r\\n\")\n\
         assert links[-1].recv(9) == b\"+OK\\r\\n\"\n"
    )
}

/// Runs the program with at most so many descriptors.
fn run_with(descriptors: u32, project: &Project) -> Ran {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n \"$1\"; shift; exec \"$@\"", "sh"]);
    shell
        .arg(descriptors.to_string())
        .arg(env!("CARGO_BIN_EXE_twiceproof"));
    shell.args(["run", "--progress", "none", "--cells", "1"]);
    shell.current_dir(project.path());
    finish(shell, Some(&project.path()))
}

#[test]
fn a_thousand_connections_at_once_are_as_good_as_one() {
    let project = project(&opens(1_000));
    let ran = run_with(4_096, &project);
    assert_eq!(ran.code, 0, "{}", ran.text());
}

#[test]
fn a_lack_of_descriptors_is_told_with_what_to_do() {
    let project = project(&opens(300));
    let ran = run_with(400, &project);
    assert_eq!(ran.code, 6, "{}", ran.text());
    assert!(
        ran.out.contains("no file descriptors are left") && ran.out.contains("ulimit -n"),
        "{}",
        ran.text()
    );
}

#[test]
fn a_client_that_never_reads_ends_all_the_same() {
    // 64 MiB of answers, far more than sockets and taps keep.
    let project = project(
        "import socket\n\
         link = socket.create_connection((\"cache\", 6379))\n\
         value = b\"x\" * (1 << 20)\n\
         link.sendall(b\"*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\nk\\r\\n$%d\\r\\n%s\\r\\n\" % (len(value), value))\n\
         assert link.recv(9) == b\"+OK\\r\\n\"\n\
         link.sendall(b\"GET k\\r\\n\" * 64)\n",
    );
    let ran = run_with(4_096, &project);
    assert_eq!(ran.code, 0, "{}", ran.text());
}
