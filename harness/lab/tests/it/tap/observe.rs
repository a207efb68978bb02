//! Runs a client against a server, directly or through taps, and keeps what it saw.

use crate::service_kit::Fixture;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use twiceproof_lab::service::ServiceStream;
use twiceproof_lab::tap::tcp::{Mode, Permit, TapEvent, join};
use twiceproof_wire::registry;

/// Longest time that a client may take.
const CLIENT_MAX: Duration = Duration::from_secs(60);

/// What lies between the client and the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// A plain copy.
    Direct,
    /// A tap that lets all pass.
    Tap(Mode),
    /// A gate whose requests go one at a time; `whole`: their replies are held back as a whole.
    Gate { whole: bool },
}

/// What a client did and saw.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Observed {
    /// What it printed.
    pub(crate) told: String,
    /// Of each connection, in the order in which they were opened: what it sent and what it
    /// received, but for numbers that the server gives anew to each session.
    pub(crate) links: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What the taps told besides.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Masked texts of the requests of each link.
    pub(crate) requests: Vec<Vec<String>>,
    /// How many replies came.
    pub(crate) replies: usize,
    /// Why links became opaque.
    pub(crate) opaque: Vec<String>,
}

/// Bytes of both directions of one connection.
type Record = Rc<RefCell<(Vec<u8>, Vec<u8>)>>;

/// Gives permits as a dispatcher does: one request under way at a time.
#[derive(Default)]
struct Governor {
    permits: Vec<mpsc::UnboundedSender<Permit>>,
    waiting: VecDeque<usize>,
    under_way: Option<usize>,
    heard: Heard,
}

impl Governor {
    fn heed(&mut self, link: usize, event: TapEvent, gate: Option<bool>) {
        match event {
            TapEvent::Request { text, .. } => {
                self.heard.requests[link].push(text);
                self.waiting.push_back(link);
            }
            TapEvent::Reply { .. } => {
                self.heard.replies += 1;
                if gate.is_some() {
                    let _ = self.permits[link].send(Permit::Deliver);
                }
                self.under_way = None;
            }
            TapEvent::Opaque(reason) => self.heard.opaque.push(reason),
            TapEvent::Gone => {
                self.waiting.retain(|waiting| *waiting != link);
                self.under_way = self.under_way.filter(|busy| *busy != link);
            }
            _ => {}
        }
        if let (Some(whole), None) = (gate, self.under_way) {
            let permit = match whole {
                true => Permit::Forward,
                false => Permit::Release,
            };
            self.under_way = self.waiting.pop_front();
            if let Some(link) = self.under_way {
                let _ = self.permits[link].send(permit);
            }
        }
    }
}

/// Runs `client`, which is given a port that stands for the server's.
pub(crate) async fn observe<C: Future<Output = String>>(
    fixture: &mut Fixture,
    way: Way,
    client: impl FnOnce(u16) -> C,
) -> (Observed, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, mut events) = mpsc::unbounded_channel();
    let mut governor = Governor::default();
    let gate = match way {
        Way::Gate { whole } => Some(whole),
        _ => None,
    };
    let (mut records, mut tasks) = (Vec::new(), Vec::new());
    let mut client = pin!(tokio::time::timeout(CLIENT_MAX, client(port)));
    let told = loop {
        tokio::select! {
            told = &mut client => break told.expect("the client comes to its end"),
            accepted = listener.accept() => {
                let (near, _) = accepted.unwrap();
                let mut far = dial(fixture, &mut tasks).await;
                let mode = match way {
                    Way::Direct => None,
                    Way::Tap(mode) => Some(mode),
                    Way::Gate { .. } => Some(Mode::Gate),
                };
                if let Some(mode) = mode {
                    let (place, sender) = (records.len(), sender.clone());
                    let tell = Box::new(move |event| drop(sender.send((place, event))));
                    let (permits, receiver) = mpsc::unbounded_channel();
                    governor.permits.push(permits);
                    governor.heard.requests.push(Vec::new());
                    let (ours, instance) = pair().await;
                    let instance = ServiceStream::Tcp(instance);
                    let server = ServiceStream::Tcp(far);
                    let codec = Some(registry::find(fixture.protocol).unwrap().codec());
                    let tap = join(instance, server, codec, mode, receiver, tell);
                    tasks.push(tokio::task::spawn_local(tap));
                    far = ours;
                }
                let record = Record::default();
                records.push(record.clone());
                tasks.push(tokio::task::spawn_local(copy(near, far, record)));
            }
            Some((link, event)) = events.recv() => governor.heed(link, event, gate),
        }
    };
    let ends = async {
        for task in tasks {
            task.await.unwrap();
        }
    };
    let mut ends = pin!(tokio::time::timeout(CLIENT_MAX, ends));
    loop {
        tokio::select! {
            ended = &mut ends => break ended.expect("every link comes to its end"),
            Some((link, event)) = events.recv() => governor.heed(link, event, gate),
        }
    }
    while let Ok((link, event)) = events.try_recv() {
        governor.heed(link, event, gate);
    }
    let links = records.iter().map(|record| match fixture.protocol {
        "postgres" => settle(&record.borrow()),
        _ => record.borrow().clone(),
    });
    let links = links.collect();
    (Observed { told, links }, governor.heard)
}

/// Connects to the service; a sink is made to look like a server.
async fn dial(fixture: &mut Fixture, tasks: &mut Vec<JoinHandle<()>>) -> TcpStream {
    match fixture.service.dial().await.unwrap() {
        ServiceStream::Tcp(far) => far,
        ServiceStream::Unix(sink) => {
            let (ours, theirs) = pair().await;
            tasks.push(tokio::task::spawn_local(bridge(theirs, sink)));
            ours
        }
    }
}

/// Returns both ends of a connection over loopback.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connecting = TcpStream::connect(listener.local_addr().unwrap());
    let (near, accepted) = tokio::join!(connecting, listener.accept());
    let (near, far) = (near.unwrap(), accepted.unwrap().0);
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// Copies both directions to their ends and keeps what passes.
async fn copy(near: TcpStream, far: TcpStream, record: Record) {
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let up = copy_one(near_read, far_write, |bytes| {
        record.borrow_mut().0.extend(bytes)
    });
    let down = copy_one(far_read, near_write, |bytes| {
        record.borrow_mut().1.extend(bytes)
    });
    tokio::join!(up, down);
}

/// Copies both directions to their ends.
async fn bridge(near: TcpStream, far: UnixStream) {
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(
        copy_one(near_read, far_write, |_| {}),
        copy_one(far_read, near_write, |_| {})
    );
}

async fn copy_one(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    keep: impl Fn(&[u8]),
) {
    let mut bytes = vec![0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        keep(&bytes[..count]);
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    // A peer that is gone needs no end.
    let _ = to.shutdown().await;
}

/// Blanks the numbers and keys of sessions.
fn settle((up, down): &(Vec<u8>, Vec<u8>)) -> (Vec<u8>, Vec<u8>) {
    let (mut up, mut down) = (up.clone(), down.clone());
    let word = |bytes: &[u8], at: usize| {
        let word = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(word.try_into().unwrap()))
    };
    let mut answers = 0;
    while matches!(word(&up, answers * 8 + 4), Some(80_877_103 | 80_877_104)) {
        answers += 1;
    }
    if word(&up, answers * 8 + 4) == Some(80_877_102) {
        up[answers * 8 + 8..].fill(0);
    }
    let mut at = answers;
    while let Some(length) = word(&down, at + 1) {
        let end = (at + 1 + length as usize).min(down.len());
        match down[at] {
            b'K' => down[at + 5..end].fill(0),
            b'A' => down[at + 5..at + 9].fill(0),
            _ => {}
        }
        at = end;
    }
    (up, down)
}
