//! How soon a rule is in force, and healed, while its link carries as much as it can.

use crate::report::{Section, Table, Target};
use crate::stats::Sample;
use crate::world::Folder;
use crate::{Asked, Failure};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use tokio::task::LocalSet;
use twiceproof_lab::service::ServiceStream;
use twiceproof_lab::tap::rules::{Allow, Rule, RuleTable, Shape};
use twiceproof_lab::tap::tcp::{self, Mode};
use twiceproof_model::event::LinkEnd;
use twiceproof_model::{Fault, InstanceId, LinkId, Who};

/// Links that carry bytes at the same time.
const LINKS: u32 = 4;
/// Rules armed and healed in a round.
const RULES: u32 = 500;
/// Bytes of one write.
const WRITE_BYTES: usize = 64 << 10;
/// Longest wait for a rule to be in force.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// What the design allows for a rule to be in force, in microseconds.
const BOUND_US: f64 = 1000.0;

/// Tells when it is asked first, and when it is healed; lets all pass.
struct Clocked {
    tell: Sender<Instant>,
    is_told: bool,
}

impl Shape for Clocked {
    fn next(&mut self, _now: Instant, _at: u64, ready: usize) -> Allow {
        if !std::mem::replace(&mut self.is_told, true) {
            // Whoever measures waits for it.
            let _ = self.tell.send(Instant::now());
        }
        Allow::Pass(ready)
    }

    fn heal(&mut self) -> Option<LinkEnd> {
        let _ = self.tell.send(Instant::now());
        None
    }
}

/// Measures the section.
pub(crate) fn measure(asked: &Asked, _folder: &Folder) -> Result<Section, Failure> {
    let table = Arc::new(RuleTable::default());
    let load = Load::start(&table).map_err(|error| format!("cannot start links: {error}"))?;
    let (mut arm, mut heal, mut call) = (Vec::new(), Vec::new(), Vec::new());
    let (begun, carried) = (Instant::now(), load.bytes.load(Ordering::Relaxed));
    for _ in 0..asked.rounds.saturating_mul(RULES) {
        let (tell, told) = channel();
        let rule = clocked(tell);
        let fault = rule.fault.clone();
        let asked = Instant::now();
        table.add(Arc::new(rule));
        call.push(micros(asked.elapsed()));
        let wait = || {
            told.recv_timeout(WAIT_MAX)
                .map_err(|_| "a rule was never in force")
        };
        arm.push(micros(wait()?.saturating_duration_since(asked)));
        let asked = Instant::now();
        table.remove(&fault);
        heal.push(micros(wait()?.saturating_duration_since(asked)));
    }
    let bytes = load.bytes.load(Ordering::Relaxed) - carried;
    let rate = bytes as f64 / begun.elapsed().as_secs_f64() / 1e6;
    drop(load);
    let rows = [("control call", call), ("armed", arm), ("healed", heal)];
    let mut section = Section {
        title: "Control".to_owned(),
        intro: format!(
            "From the call that swaps the table of rules until the pump of a link heeds it, while {LINKS} links carry \
             {rate:.0} MB/s on one thread."
        ),
        ..Section::default()
    };
    let mut lines = Vec::new();
    let mut data = serde_json::Map::new();
    for (name, values) in rows {
        let mut sample = Sample::default();
        sample.extend(values);
        let (p50, p99) = (sample.quantile(0.5), sample.quantile(0.99));
        lines.push(vec![
            name.to_owned(),
            format!("{p50:.1}"),
            format!("{p99:.1}"),
        ]);
        data.insert(name.to_owned(), json!({ "p50_us": p50, "p99_us": p99 }));
        section.targets.push(Target {
            name: format!("{name}, p99"),
            value: p99,
            at_least: false,
            bound: BOUND_US,
            unit: " us",
            is_ratio: false,
        });
    }
    section.tables.push(Table {
        head: vec!["", "p50 us", "p99 us"],
        rows: lines,
    });
    section.data = data.into();
    Ok(section)
}

/// Returns a rule that tells when it is heeded.
fn clocked(tell: Sender<Instant>) -> Rule {
    Rule {
        fault: Fault::new("latency", Who::Any),
        only: vec![link(1)],
        from: Some(twiceproof_wire::Side::Instance),
        stops: false,
        seed: 1,
        make: Box::new(move |_| {
            Some(Box::new(Clocked {
                tell: tell.clone(),
                is_told: false,
            }))
        }),
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn link(ordinal: u32) -> LinkId {
    LinkId {
        instance: InstanceId::first(1).next().expect("there is a first"),
        service: "load".into(),
        ordinal,
    }
}

/// Links under full load, on threads that end when it is dropped.
struct Load {
    ends: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

impl Load {
    fn start(table: &Arc<RuleTable>) -> std::io::Result<Self> {
        let load = Self {
            ends: Arc::default(),
            bytes: Arc::default(),
        };
        let mut taps = Vec::new();
        for ordinal in 1..=LINKS {
            let (mut writer, near) = pair()?;
            let (far, mut reader) = pair()?;
            let ends = Arc::clone(&load.ends);
            std::thread::spawn(move || {
                let bytes = vec![7; WRITE_BYTES];
                while !ends.load(Ordering::Relaxed) && writer.write_all(&bytes).is_ok() {}
            });
            let count = Arc::clone(&load.bytes);
            std::thread::spawn(move || {
                let mut bytes = vec![0; WRITE_BYTES];
                while let Ok(read @ 1..) = reader.read(&mut bytes) {
                    count.fetch_add(read as u64, Ordering::Relaxed);
                }
            });
            taps.push((near, far, table.reader(link(ordinal))));
        }
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let local = LocalSet::new();
            local.block_on(&runtime, async move {
                let mut tasks = Vec::new();
                for (near, far, rules) in taps {
                    let tokio_of = |stream: TcpStream| {
                        stream.set_nonblocking(true)?;
                        tokio::net::TcpStream::from_std(stream).map(ServiceStream::Tcp)
                    };
                    let (near, far) = (tokio_of(near)?, tokio_of(far)?);
                    let (permits, receiver) = tokio::sync::mpsc::unbounded_channel();
                    let task = tcp::join_ruled(
                        near,
                        far,
                        None,
                        Mode::Pump,
                        receiver,
                        Box::new(|_| {}),
                        Some(rules),
                    );
                    tasks.push((tokio::task::spawn_local(task), permits));
                }
                for (task, _permits) in tasks {
                    // A pump that panicked ends the measuring by its silence.
                    let _ = task.await;
                }
                std::io::Result::Ok(())
            })
        });
        Ok(load)
    }
}

fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let one = TcpStream::connect(listener.local_addr()?)?;
    Ok((one, listener.accept()?.0))
}
