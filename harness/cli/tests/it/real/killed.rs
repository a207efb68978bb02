//! SIGKILL of the program while a fault is in force: nothing of the fault or of the run stays.

use crate::kit::{Project, twiceproof};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest time until a fault is in force, and until nothing is left.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Time between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One process, as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    name: String,
    state: String,
    /// When it started, as numbers are used again.
    started: String,
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let read = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        Some(Process {
            id,
            parent: fields.get(1)?.parse().ok()?,
            name: head.split_once('(')?.1.to_owned(),
            state: (*fields.first()?).to_owned(),
            started: (*fields.get(19)?).to_owned(),
        })
    };
    ids.filter_map(read)
        .filter(|process: &Process| !matches!(process.state.as_str(), "Z" | "X"))
        .collect()
}

/// Returns a process with all that it started, directly or not.
fn tree(root: u32) -> Vec<Process> {
    let all = processes();
    let mut tree: Vec<Process> = all.iter().filter(|one| one.id == root).cloned().collect();
    let mut next = 0;
    while let Some(above) = tree.get(next).map(|process| process.id) {
        tree.extend(all.iter().filter(|one| one.parent == above).cloned());
        next += 1;
    }
    tree
}

/// Looks until something is as wanted.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < WAIT_MAX, "{what}");
        sleep(LOOK_EVERY);
    }
}

/// Starts a run whose fault stays in force, and kills the program then. `is_struck` tells from the
/// run's processes whether it is.
fn check(fault: &str, is_struck: impl Fn(&[Process]) -> bool) {
    let project = Project::empty();
    project.write(
        "targets/job/target.toml",
        "schema = 1\ncommand = [\"sh\", \"job.sh\"]\nworkdir = \".\"\ntimeout = \"1h\"\n\
         env = { PGHOST = \"db\", PGUSER = \"app\", PGDATABASE = \"app\" }\n\
         [service.pg]\nkind = \"postgres\"\nhost = \"db\"\n",
    );
    project.write(
        "targets/job/job.sh",
        "until psql -Xqc 'select 1'; do sleep 1; done\n",
    );
    let scenario = format!(
        "schema = 1\ntitle = \"x\"\ntarget = \"job\"\nsearch = {{ stages = [] }}\n\
         [[fault]]\n{fault}\nat = 'job#1 pg \"select\" 1 held'\n"
    );
    project.write("scenarios/fault.toml", &scenario);
    let temporary = project.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut child = started(&project, &temporary);
    let before = until("the fault is in force", || {
        let tree = tree(child.id());
        is_struck(&tree).then_some(tree)
    });
    assert!(before.len() > 4, "{before:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    until("nothing is left", || {
        let running = processes();
        let same =
            |one: &&Process, other: &Process| (one.id, &one.started) == (other.id, &other.started);
        let is_left = before
            .iter()
            .any(|one| running.iter().any(|other| same(&one, other)));
        let has_files = fs::read_dir(&temporary).unwrap().next().is_some();
        (!is_left && !has_files).then_some(())
    });
}

fn started(project: &Project, temporary: &Path) -> Child {
    let program = twiceproof();
    let mut command = Command::new(program.get_program());
    command
        .args(["run", "--progress", "none", "--cells", "1"])
        .current_dir(project.path())
        .env("TMPDIR", temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

fn has(tree: &[Process], name: &str) -> bool {
    tree.iter().any(|process| process.name == name)
}

#[test]
fn a_paused_job_dies_with_the_program() {
    check("kind = \"pause\"\nwho = \"job#1\"\nfor = \"1h\"", |tree| {
        let mut jobs = tree.iter().filter(|process| process.name == "psql");
        jobs.any(|process| process.state == "t")
    });
}

#[test]
fn a_service_that_is_down_stays_down_with_the_program() {
    check("kind = \"restart\"\nwho = \"pg\"\ndown = \"1h\"", |tree| {
        has(tree, "sh") && !has(tree, "postgres")
    });
}
