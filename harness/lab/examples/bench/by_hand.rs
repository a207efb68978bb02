//! The same test as one builds it by hand: containers for everything, made anew for each trial.

use crate::proxy::{self, Way};
use crate::tap::free_port;
use crate::{Failure, world};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use twiceproof_model::Scenario;

/// PostgreSQL with its tools.
const DATABASE: &str = "twiceproof/debian:12";
/// The compiled job, and nothing else.
const JOB: &str = "twiceproof/scratch:1";
/// What the image of a database does when it starts.
const START: &str = "B=$(ls -d /usr/lib/postgresql/*/bin) && D=/tmp/data && \
    $B/initdb --username=app --auth=trust --no-sync --no-locale -D $D >/dev/null && \
    exec $B/postgres -D $D -p $PORT -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c fsync=off";
/// Longest wait for a database.
const READY_WAIT_MAX: Duration = Duration::from_secs(60);
/// Trials of a window at least, since each is slow.
const TRIALS_MIN: u32 = 3;

/// What trials by hand need.
pub(crate) struct ByHand {
    seeds: Vec<PathBuf>,
}

/// A container, removed on drop.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        let _ = docker(&["rm", "-f", "-v", &self.0]);
    }
}

impl ByHand {
    /// Looks for an engine and the images.
    pub(crate) fn find(scenario: &Scenario) -> Result<Self, Failure> {
        docker(&["version"]).map_err(|_| "no engine".to_owned())?;
        for image in [DATABASE, JOB] {
            let hint = |_| format!("no image {image}, see `cargo xtask images`");
            docker(&["image", "inspect", image]).map_err(hint)?;
        }
        let services = scenario.target.services.iter();
        let seeds = services.flat_map(|service| service.seed.iter().cloned());
        Ok(Self {
            seeds: seeds.collect(),
        })
    }

    /// Returns trials a second.
    pub(crate) fn rate(&self, window: Duration) -> Result<f64, Failure> {
        let begun = Instant::now();
        let mut trials = 0;
        while trials < TRIALS_MIN || begun.elapsed() < window {
            self.trial()?;
            trials += 1;
        }
        Ok(f64::from(trials) / begun.elapsed().as_secs_f64())
    }

    fn trial(&self) -> Result<(), Failure> {
        let port = free_port()?;
        let variable = format!("PORT={port}");
        let started = docker(&[
            "run",
            "--detach",
            "--network",
            "host",
            "--user",
            "postgres",
            "--env",
            &variable,
            DATABASE,
            "bash",
            "-c",
            START,
        ])?;
        let container = Container(started.trim().to_owned());
        self.seed(port)?;
        let proxy = proxy::start(Way::Copy, port)?;
        let jobs = [job(proxy)?, job(proxy)?];
        for mut job in jobs {
            let ended = job.wait().map_err(|error| error.to_string())?;
            if !ended.success() {
                return Err(format!("a job by hand ended with {ended}"));
            }
        }
        let ledger = psql(port, &["-c", "SELECT count(*) FROM ledger"])?;
        drop(container);
        match ledger.trim() {
            "7" => Ok(()),
            other => Err(format!("two sound jobs by hand left {other} rows")),
        }
    }

    fn seed(&self, port: u16) -> Result<(), Failure> {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > READY_WAIT_MAX {
                return Err("a database by hand does not start".to_owned());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut last = psql(port, &["-d", "postgres", "-c", "CREATE DATABASE app"]);
        while last.is_err() && begun.elapsed() < READY_WAIT_MAX {
            last = psql(port, &["-d", "postgres", "-c", "CREATE DATABASE app"]);
        }
        last?;
        for seed in &self.seeds {
            psql(port, &["-f", &seed.to_string_lossy()])?;
        }
        Ok(())
    }
}

fn job(port: u16) -> Result<Child, Failure> {
    let variable = format!("PGPORT={port}");
    let mut job = Command::new("docker");
    job.args([
        "run",
        "--rm",
        "--network",
        "host",
        "--env",
        "PGHOST=127.0.0.1",
    ]);
    job.args(["--env", &variable, JOB, "/bin/points-pg-job", "sound"]);
    job.stdin(Stdio::null()).stdout(Stdio::null());
    job.spawn()
        .map_err(|error| format!("cannot start docker: {error}"))
}

fn psql(port: u16, arguments: &[&str]) -> Result<String, Failure> {
    let mut psql = Command::new("psql");
    psql.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        "127.0.0.1",
        "-U",
        "app",
    ]);
    psql.args(["-p", &port.to_string()]).args(arguments);
    read(&mut psql)
}

fn docker(arguments: &[&str]) -> Result<String, Failure> {
    read(Command::new("docker").args(arguments))
}

fn read(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .current_dir(world::root())
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?} ended with {}: {said}", output.status))
}
