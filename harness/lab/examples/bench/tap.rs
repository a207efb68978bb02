//! What a tap costs beside a plain copy of bytes: `pgbench -S` through both, and through none.

use crate::proxy::{self, Way};
use crate::report::{Section, Table, Target};
use crate::stats::Sample;
use crate::world::Folder;
use crate::{Asked, Failure, machine};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CLIENTS: [u32; 2] = [1, 16];
const VARIANTS: [&str; 3] = ["direct", "plain copy", "tap, trace"];
const READY_WAIT_MAX: Duration = Duration::from_secs(20);
/// Shortest time for one variant: less tells nothing.
const WINDOW_MIN: Duration = Duration::from_secs(2);

/// A PostgreSQL server of our own, gone on drop.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing worth keeping.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.child.wait();
    }
}

impl Server {
    fn start() -> Result<Self, Failure> {
        let bin = bin()?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(folder.path(), open).map_err(|error| error.to_string())?;
        let data = folder.path().join("data");
        let mut initdb = as_user(&bin.join("initdb"), folder.path());
        initdb.args([
            "--username=app",
            "--auth=trust",
            "--no-sync",
            "--no-locale",
            "-D",
        ]);
        initdb.arg(&data).stdout(Stdio::null());
        finish(&mut initdb, "initdb")?;
        let port = free_port()?;
        let mut server = as_user(&bin.join("postgres"), folder.path());
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "autovacuum=off",
            "max_connections=100",
        ] {
            server.args(["-c", setting]);
        }
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("cannot start postgres: {error}"))?;
        let server = Self {
            child,
            folder,
            bin,
            port,
        };
        server.fill()?;
        Ok(server)
    }

    fn fill(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let mut fill = self.pgbench(self.port);
            fill.args(["-i", "-q", "-s", "1"]);
            let ended = fill.stdout(Stdio::null()).stderr(Stdio::null()).status();
            match ended {
                Ok(status) if status.success() => return Ok(()),
                _ if begun.elapsed() > READY_WAIT_MAX => {
                    return Err("pgbench cannot fill a new server".to_owned());
                }
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn pgbench(&self, port: u16) -> Command {
        let mut pgbench = Command::new(self.bin.join("pgbench"));
        pgbench.current_dir(self.folder.path()).stdin(Stdio::null());
        pgbench.args(["-h", "127.0.0.1", "-U", "app", "-p", &port.to_string()]);
        pgbench.env("PGDATABASE", "postgres");
        pgbench
    }

    /// Returns transactions a second, and the latency of each in microseconds.
    fn select(&self, port: u16, clients: u32, window: Duration) -> Result<(f64, Sample), Failure> {
        let mut pgbench = self.pgbench(port);
        let seconds = window.max(WINDOW_MIN).as_secs().to_string();
        let clients = clients.to_string();
        let prefix = "latency";
        pgbench.args(["-S", "-n", "-c", &clients, "-j", "1", "-T", &seconds]);
        pgbench.args(["-l", "--log-prefix", prefix]);
        let output = pgbench.output();
        let output = output.map_err(|error| format!("cannot start pgbench: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let tps = tps.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let latencies = self.latencies(prefix)?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((tps.ok_or(complaint)?, latencies))
    }

    /// Reads and removes the logs of pgbench.
    fn latencies(&self, prefix: &str) -> Result<Sample, Failure> {
        let mut sample = Sample::default();
        let entries = fs::read_dir(self.folder.path()).map_err(|error| error.to_string())?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            if !name.is_some_and(|name| name.starts_with(prefix)) {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let third = |line: &str| line.split_whitespace().nth(2)?.parse::<f64>().ok();
            sample.extend(text.lines().filter_map(third));
            fs::remove_file(&path).map_err(|error| error.to_string())?;
        }
        Ok(sample)
    }
}

/// Returns the folder of PostgreSQL's programs.
fn bin() -> Result<PathBuf, Failure> {
    let said = Command::new("pg_config").arg("--bindir").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let asked = said.ok().map(PathBuf::from).into_iter();
    let usual = (14..=20)
        .rev()
        .map(|major| format!("/usr/lib/postgresql/{major}/bin").into());
    let mut folders = asked.chain(usual);
    let found = folders.find(|folder| {
        let has = |name: &str| folder.join(name).exists();
        has("initdb") && has("postgres") && has("pgbench")
    });
    found.ok_or_else(|| "no PostgreSQL found: initdb, postgres and pgbench are needed".to_owned())
}

/// Returns a command that root runs as another user, as PostgreSQL asks.
fn as_user(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let line = users.lines().find(|line| line.starts_with("postgres:"));
        let field = |place: usize| line?.split(':').nth(place)?.parse::<u32>().ok();
        command
            .uid(field(2).unwrap_or(65534))
            .gid(field(3).unwrap_or(65534));
    }
    command
}

fn finish(command: &mut Command, name: &str) -> Result<(), Failure> {
    let output = command.output();
    let output = output.map_err(|error| format!("cannot start {name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{name} ended with {}: {said}", output.status))
}

/// Returns a port that is free now.
pub(crate) fn free_port() -> Result<u16, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    address
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// What one number of clients gave, by variant.
#[derive(Default)]
struct Seen {
    tps: [Sample; 3],
    p50: [Sample; 3],
    p99: [Sample; 3],
    ratio: Sample,
    added: Sample,
    /// Added to the plain copy.
    over: Sample,
}

impl Seen {
    fn rows(&self, clients: u32) -> Vec<Vec<String>> {
        let row = |place: usize| {
            let ratio = if place == 2 {
                self.ratio.show(2)
            } else {
                String::new()
            };
            vec![
                clients.to_string(),
                VARIANTS[place].to_owned(),
                self.tps[place].show(0),
                ratio,
                self.p50[place].show(0),
                self.p99[place].show(0),
            ]
        };
        (0..3).map(row).collect()
    }

    fn targets(&self, clients: u32) -> Vec<Target> {
        let ratio = Target {
            name: format!("tap to plain copy, clients: {clients}"),
            value: self.ratio.median(),
            at_least: true,
            bound: 0.9,
            unit: "",
            is_ratio: true,
        };
        let added = Target {
            name: format!("added to direct at the median, clients: {clients}"),
            value: self.added.median(),
            at_least: false,
            bound: 50.0,
            unit: " us",
            is_ratio: false,
        };
        // With more clients than cores a latency is a wait for the others.
        let is_alone = clients == 1;
        std::iter::once(ratio)
            .chain(is_alone.then_some(added))
            .collect()
    }

    fn note(&self, clients: u32) -> String {
        format!(
            "Median latency of the tap less that of a plain copy, clients: {clients}: {} us; less \
             that of direct: {} us.",
            self.over.show(0),
            self.added.show(0)
        )
    }

    fn json(&self, clients: u32) -> Value {
        let all = |samples: &[Sample; 3]| samples.iter().map(Sample::json).collect::<Vec<_>>();
        json!({
            "clients": clients, "variants": VARIANTS, "tps": all(&self.tps),
            "p50_us": all(&self.p50), "p99_us": all(&self.p99), "ratio": self.ratio.json(),
            "added_us": self.added.json(), "added_to_copy_us": self.over.json(),
        })
    }
}

/// Measures the section.
pub(crate) fn measure(asked: &Asked, _: &Folder) -> Result<Section, Failure> {
    let server = Server::start()?;
    let copy = proxy::start(Way::Copy, server.port)?;
    let tap = proxy::start(Way::Tap, server.port)?;
    let ports = [server.port, copy, tap];
    let mut busy = 0;
    let load = machine::load();
    let (mut rows, mut targets, mut data) = (Vec::new(), Vec::new(), Vec::new());
    let mut notes = Vec::new();
    for clients in CLIENTS {
        let mut seen = Seen::default();
        for round in 0..asked.rounds as usize {
            let mut now = [(0.0, 0.0); 3];
            for turn in 0..3 {
                let place = (turn + round) % 3;
                busy += u32::from(!machine::wait_for_quiet());
                let (tps, latency) = server.select(ports[place], clients, asked.window)?;
                now[place] = (tps, latency.median());
                seen.tps[place].push(tps);
                seen.p50[place].push(latency.median());
                seen.p99[place].push(latency.quantile(0.99));
            }
            seen.ratio.push(now[2].0 / now[1].0);
            seen.added.push(now[2].1 - now[0].1);
            seen.over.push(now[2].1 - now[1].1);
        }
        rows.extend(seen.rows(clients));
        targets.extend(seen.targets(clients));
        notes.push(seen.note(clients));
        data.push(seen.json(clients));
    }
    let samples = asked.rounds * 3 * 2;
    notes.push(machine::remark(load, busy, samples));
    Ok(Section {
        title: "Tap".to_owned(),
        intro: format!(
            "`pgbench -S` through the tap that reads and tells every message and holds none, \
             through a plain copy of bytes\n(`copy_bidirectional`, 64 KiB), and through none. \
             Rounds: {}.",
            asked.rounds
        ),
        tables: vec![Table {
            head: vec!["clients", "way", "tps", "to plain copy", "p50 us", "p99 us"],
            rows,
        }],
        targets,
        notes,
        data: json!({ "rounds": asked.rounds, "load": load, "busy": busy, "clients": data }),
    })
}
