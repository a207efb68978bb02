//! What a tap costs a Redis: `redis-benchmark` through the tap, through a plain copy, and through a
//! proxy that copies chunks from task to task, as Toxiproxy does.

use crate::proxy::{self, Way};
use crate::report::{Section, Table, Target};
use crate::stats::Sample;
use crate::tap::free_port;
use crate::world::Folder;
use crate::{Asked, Failure, machine};
use serde_json::json;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const VARIANTS: [&str; 4] = ["direct", "plain copy", "chunks", "tap, trace"];
/// The places of these among the variants.
const COPY: usize = 1;
const CHUNKS: usize = 2;
const TAP: usize = 3;
const READY_WAIT_MAX: Duration = Duration::from_secs(20);

/// One thing that is measured.
struct Load {
    name: &'static str,
    /// What `redis-benchmark` is told.
    words: &'static [&'static str],
    /// Operations for each second of the window.
    count: u64,
}

const LOADS: [Load; 3] = [
    Load {
        name: "requests, 16 clients",
        words: &["-t", "get", "-c", "16"],
        count: 20_000,
    },
    Load {
        name: "connects, 16 clients",
        words: &["-t", "ping_mbulk", "-c", "16", "-k", "0"],
        count: 3_000,
    },
    Load {
        name: "bulk, 1 MiB each, 4 clients",
        words: &["-t", "set", "-c", "4", "-d", "1048576"],
        count: 300,
    },
];

/// A Redis of our own, gone on drop.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing worth keeping.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start() -> Result<Self, Failure> {
        let port = free_port()?;
        let mut server = Command::new("redis-server");
        server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        server.args(["--port", &port.to_string()]);
        let child = server.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("cannot start redis-server: {error}"))?;
        let server = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if begun.elapsed() > READY_WAIT_MAX {
                return Err("redis-server does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

/// Returns operations a second.
fn run(load: &Load, port: u16, window: Duration) -> Result<f64, Failure> {
    let count = load.count * window.as_secs().max(1);
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(["-h", "127.0.0.1", "-p", &port.to_string(), "--csv"]);
    benchmark.args(load.words).args(["-n", &count.to_string()]);
    let output = benchmark.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start redis-benchmark: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    // `"GET","12345.67",...` behind a line of names.
    let line = said.lines().rfind(|line| !line.trim().is_empty());
    let rate = line.and_then(|line| line.split(',').nth(1)?.trim_matches('"').parse().ok());
    let complaint = String::from_utf8_lossy(&output.stderr);
    rate.ok_or_else(|| format!("redis-benchmark told no rate: {said}{complaint}"))
}

/// Measures the section.
pub(crate) fn measure(asked: &Asked, _: &Folder) -> Result<Section, Failure> {
    let server = Server::start()?;
    let through = |way| proxy::start_for("redis", way, server.port);
    let (copy, chunks, tap) = (
        through(Way::Copy)?,
        through(Way::Chunks)?,
        through(Way::Tap)?,
    );
    let ports = [server.port, copy, chunks, tap];
    let mut busy = 0;
    let load_before = machine::load();
    let (mut rows, mut targets, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for load in &LOADS {
        let mut rates: [Sample; 4] = Default::default();
        let (mut to_copy, mut to_chunks) = (Sample::default(), Sample::default());
        for round in 0..asked.rounds as usize {
            let mut now = [0.0; 4];
            for turn in 0..ports.len() {
                let place = (turn + round) % ports.len();
                busy += u32::from(!machine::wait_for_quiet());
                now[place] = run(load, ports[place], asked.window)?;
                rates[place].push(now[place]);
            }
            to_copy.push(now[TAP] / now[COPY]);
            to_chunks.push(now[TAP] / now[CHUNKS]);
        }
        rows.extend(VARIANTS.iter().zip(&rates).map(|(variant, rate)| {
            let ratio = if *variant == VARIANTS[TAP] {
                to_copy.show(2)
            } else {
                String::new()
            };
            let name = (*variant).to_owned();
            vec![load.name.to_owned(), name, rate.show(0), ratio]
        }));
        for (other, ratio, bound) in [("plain copy", &to_copy, 0.9), ("chunks", &to_chunks, 1.0)] {
            targets.push(Target {
                name: format!("tap to {other}, {}", load.name),
                value: ratio.median(),
                at_least: true,
                bound,
                unit: "",
                is_ratio: true,
            });
        }
        data.push(json!({
            "load": load.name, "variants": VARIANTS, "to_copy": to_copy.json(),
            "to_chunks": to_chunks.json(),
            "rates": rates.iter().map(Sample::json).collect::<Vec<_>>(),
        }));
    }
    let samples = asked.rounds * (LOADS.len() * VARIANTS.len()) as u32;
    Ok(Section {
        title: "Redis".to_owned(),
        intro: format!(
            "`redis-benchmark` through the tap that reads and tells every message and holds none, \
             through a plain copy of bytes,\nthrough a proxy of 32 KiB chunks with a task for each \
             direction and each fault, and through none. Rounds: {}.",
            asked.rounds
        ),
        tables: vec![Table {
            head: vec!["load", "way", "a second", "to plain copy"],
            rows,
        }],
        targets,
        notes: vec![machine::remark(load_before, busy, samples)],
        data: json!({ "rounds": asked.rounds, "load": load_before, "busy": busy, "loads": data }),
    })
}
