//! Rules of faults on links that carry as much as they can: order is kept, whatever the split, and
//! a control call waits for nobody.

use super::observe::pair;
use crate::service_kit::run;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use twiceproof_lab::fault;
use twiceproof_lab::service::ServiceStream;
use twiceproof_lab::tap::rules::{Effect, Rule, RuleTable};
use twiceproof_lab::tap::tcp::{Mode, Permit, join_ruled};
use twiceproof_model::{Fault, InstanceId, LinkId};

/// Faults that lose nothing once they are healed.
const KEEP: &[&str] = &[
    "partition any",
    "partition any direction=to",
    "latency any delay=1ms jitter=1ms",
    "bandwidth any rate=2000000",
    "slice any bytes=7",
    "slice any bytes=900 delay=1ms",
];
/// Faults that end the link.
const LOSE: &[&str] = &[
    "partition any mode=drop",
    "partition any mode=reset",
    "cut any bytes=1000",
    "cut any bytes=1",
];

fn rule(fault: &Fault) -> Arc<Rule> {
    let shaped = fault.clone();
    let kind = fault::find(&fault.kind).unwrap();
    Arc::new(Rule {
        fault: fault.clone(),
        only: Vec::new(),
        from: None,
        stops: false,
        seed: 1,
        make: Box::new(move |lane| kind.shape(&shaped, Effect::default(), lane)),
    })
}

/// The far ends of a pumped link under a table of rules; the permits keep it.
async fn link(table: &RuleTable) -> (TcpStream, TcpStream, mpsc::UnboundedSender<Permit>) {
    let (instance, near) = pair().await;
    let (far, service) = pair().await;
    let (permits, receiver) = mpsc::unbounded_channel();
    let name = LinkId {
        instance: InstanceId::new(1).unwrap(),
        service: "load".into(),
        ordinal: 1,
    };
    let (near, far) = (ServiceStream::Tcp(near), ServiceStream::Tcp(far));
    let rules = Some(table.reader(name));
    let tell = Box::new(|_| {});
    tokio::task::spawn_local(join_ruled(
        near,
        far,
        None,
        Mode::Pump,
        receiver,
        tell,
        rules,
    ));
    (instance, service, permits)
}

/// Sends bytes in these chunks while a fault is armed at one and healed at another, and returns
/// what was sent and what arrived.
async fn carry(fault: &str, chunks: &[usize], arm: usize, heal: usize) -> (Vec<u8>, Vec<u8>) {
    let fault: Fault = fault.parse().unwrap();
    let table = RuleTable::default();
    let (mut instance, mut service, _permits) = link(&table).await;
    let reading = tokio::task::spawn_local(async move {
        let mut got = Vec::new();
        // A reset ends it as an end does.
        let _ = service.read_to_end(&mut got).await;
        got
    });
    let mut sent = Vec::new();
    for (place, size) in chunks.iter().enumerate() {
        if place == arm {
            table.add(rule(&fault));
        }
        if place == heal {
            table.remove(&fault);
        }
        let chunk: Vec<u8> = (0..*size).map(|at| ((sent.len() + at) / 3) as u8).collect();
        // After the link has ended nobody takes more.
        let _ = instance.write_all(&chunk).await;
        sent.extend(chunk);
        tokio::task::yield_now().await;
    }
    table.remove(&fault);
    let _ = instance.shutdown().await;
    let got = tokio::time::timeout(Duration::from_secs(20), reading).await;
    (sent, got.expect("the link ends").unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn order_is_kept_under_every_fault_and_split(
        fault in prop::sample::select([KEEP, LOSE].concat()),
        chunks in prop::collection::vec(1..5000usize, 1..16),
        arm in 0..16usize,
        heal in 0..16usize,
    ) {
        let (sent, got) = run(carry(fault, &chunks, arm, heal));
        if KEEP.contains(&fault) {
            prop_assert!(sent == got, "{}: {} of {}", fault, got.len(), sent.len());
        } else {
            prop_assert!(sent.starts_with(&got), "{}: {} of {}", fault, got.len(), sent.len());
        }
    }
}

#[test]
fn a_control_call_waits_for_no_pump() {
    run(async {
        let table = RuleTable::default();
        // Nobody reads at the far end, so the pump is full and stays so.
        let (mut instance, _service, _permits) = link(&table).await;
        let full = tokio::time::timeout(Duration::from_millis(300), async {
            let bytes = vec![7; 1 << 20];
            while instance.write_all(&bytes).await.is_ok() {}
        });
        assert!(full.await.is_err(), "the far end takes no more");
        let begun = Instant::now();
        for _ in 0..1000 {
            let fault: Fault = "latency any delay=1h".parse().unwrap();
            table.add(rule(&fault));
            assert!(table.remove(&fault));
        }
        // A thousand of each within what one of them may take ten times over.
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    });
}
