//! Whatever the split of a conversation into chunks, and whenever permits come: the bytes out are
//! the bytes in.

use crate::service_kit::run;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};
use twiceproof_lab::service::ServiceStream;
use twiceproof_lab::tap::tcp::{Mode, Permit, TapEvent, join};
use twiceproof_wire::{Codec, Meaning, Side, registry};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/tests/transcripts");
const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

/// A recorded conversation: of each chunk, whether the instance sent it.
struct Conversation {
    name: String,
    chunks: Vec<(bool, Vec<u8>)>,
}

fn conversations() -> Vec<Conversation> {
    let files = std::fs::read_dir(FOLDER).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let chunks = text.lines().filter_map(|line| {
            let (sign, bytes) = line.split_once(' ')?;
            Some((sign == ">", unescape(bytes)))
        });
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Conversation {
            name,
            chunks: chunks.collect(),
        }
    };
    paths.iter().map(read).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}

impl Conversation {
    fn codec(&self) -> Box<dyn Codec> {
        let is_mail = self.name.starts_with("smtp");
        let protocol = if is_mail { "smtp" } else { "postgres" };
        registry::find(protocol).unwrap().codec()
    }

    /// Returns whether requests were sent before others were answered. What was recorded then does
    /// not tell for what of it the service waited, so it cannot be played to a gate.
    fn has_pipelines(&self) -> bool {
        let mut codec = self.codec();
        let mut open = 0;
        self.chunks.iter().any(|(is_up, bytes)| {
            let mut marks = Vec::new();
            let side = if *is_up {
                Side::Instance
            } else {
                Side::Service
            };
            codec.feed(side, bytes, &mut marks);
            marks.iter().any(|mark| {
                match mark.meaning {
                    Meaning::Request(_) => open += 1,
                    Meaning::ReplyEnd(_) => open -= 1,
                    _ => {}
                }
                open > 1
            })
        })
    }
}

/// How one conversation is played.
#[derive(Clone, Debug)]
struct Play {
    conversation: prop::sample::Index,
    mode: Mode,
    /// Lengths of the pieces that each side writes at once, over and over.
    pieces: Vec<usize>,
    /// How many turns pass before each permit, over and over, and whether it holds the reply whole.
    permits: Vec<(u8, bool)>,
}

fn plays() -> impl Strategy<Value = Play> {
    let mode = prop_oneof![4 => Just(Mode::Gate), 1 => Just(Mode::Trace), 1 => Just(Mode::Pump)];
    let piece = prop_oneof![1 => 1..4_usize, 2 => 1..60_usize, 2 => 1..20_000_usize];
    let pieces = prop::collection::vec(piece, 4..12);
    let permits = prop::collection::vec((0..9_u8, any::<bool>()), 1..8);
    let all = (any::<prop::sample::Index>(), mode, pieces, permits);
    all.prop_map(|(conversation, mode, pieces, permits)| Play {
        conversation,
        mode,
        pieces,
        permits,
    })
}

/// How many bytes have come to a side, and who waits for more.
#[derive(Default)]
struct Arrived {
    bytes: RefCell<Vec<u8>>,
    more: Notify,
}

impl Arrived {
    async fn at_least(&self, count: usize) {
        while self.bytes.borrow().len() < count {
            self.more.notified().await;
        }
    }
}

async fn receive(mut from: impl AsyncReadExt + Unpin, arrived: Rc<Arrived>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        arrived.bytes.borrow_mut().extend(&bytes[..count]);
        arrived.more.notify_one();
    }
}

async fn write(to: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8], sizes: &[usize]) {
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        if piece.is_empty() {
            break;
        }
        to.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
        rest = behind;
    }
}

/// Plays the conversation through a tap; returns what the service and what the instance received.
async fn play(conversation: &Conversation, play: &Play) -> (Vec<u8>, Vec<u8>) {
    let (near, far) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    let codec = Some(conversation.codec());
    let (permits, receiver) = mpsc::unbounded_channel();
    let (sender, events) = mpsc::unbounded_channel();
    let tell = Box::new(move |event| drop(sender.send(event)));
    let (instance, service) = (ServiceStream::Unix(near.1), ServiceStream::Unix(far.0));
    let tap = join(instance, service, codec, play.mode, receiver, tell);
    let (instance_read, mut instance_write) = near.0.into_split();
    let (service_read, mut service_write) = far.1.into_split();
    let (up, down) = (Rc::new(Arrived::default()), Rc::new(Arrived::default()));
    let instance = async {
        let mut told = 0;
        for (is_up, bytes) in &conversation.chunks {
            if !is_up {
                told += bytes.len();
                continue;
            }
            down.at_least(told).await;
            write(&mut instance_write, bytes, &play.pieces).await;
            told += usize::from(bytes == SSL && play.mode != Mode::Pump);
        }
        down.at_least(told).await;
        drop(instance_write);
    };
    let service = async {
        let mut asked = 0;
        for (is_up, bytes) in &conversation.chunks {
            match is_up {
                true if bytes == SSL && play.mode != Mode::Pump => {}
                true => asked += bytes.len(),
                false => {
                    up.at_least(asked).await;
                    write(&mut service_write, bytes, &play.pieces).await;
                }
            }
        }
        up.at_least(asked).await;
        drop(service_write);
    };
    let work = async {
        tokio::join!(
            tap,
            instance,
            service,
            permit(events, permits, play),
            receive(instance_read, down.clone()),
            receive(service_read, up.clone()),
        )
    };
    let bounded = tokio::time::timeout(Duration::from_secs(20), work).await;
    let (up, down) = (up.bytes.borrow().clone(), down.bytes.borrow().clone());
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert!(
        bounded.is_ok(),
        "{}: {} {}",
        conversation.name,
        text(&up),
        text(&down)
    );
    (up, down)
}

async fn permit(
    mut events: mpsc::UnboundedReceiver<TapEvent>,
    permits: mpsc::UnboundedSender<Permit>,
    play: &Play,
) {
    let mut choices = play.permits.iter().cycle();
    while let Some(event) = events.recv().await {
        let (turns, whole) = *choices.next().unwrap();
        let permit = match event {
            TapEvent::Request { .. } if whole => Permit::Forward,
            TapEvent::Request { .. } => Permit::Release,
            TapEvent::Reply { .. } => Permit::Deliver,
            TapEvent::Gone => break,
            _ => continue,
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        // A link that has ended needs none.
        let _ = permits.send(permit);
    }
}

/// Returns what the service and the instance ought to receive.
fn expected(conversation: &Conversation, mode: Mode) -> (Vec<u8>, Vec<u8>) {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for (is_up, bytes) in &conversation.chunks {
        match is_up {
            true if bytes == SSL && mode != Mode::Pump => down.push(b'N'),
            true => up.extend(bytes),
            false => down.extend(bytes),
        }
    }
    (up, down)
}

#[test]
fn bytes_out_are_bytes_in() {
    let conversations = conversations();
    let plain = conversations.iter().filter(|one| !one.has_pipelines());
    assert!(plain.count() > 10);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1000)
    };
    proptest!(config, |(mut how in plays())| {
        let conversation = how.conversation.get(&conversations);
        if how.mode == Mode::Gate && conversation.has_pipelines() {
            how.mode = Mode::Trace;
        }
        let (up, down) = run(play(conversation, &how));
        let (want_up, want_down) = expected(conversation, how.mode);
        prop_assert!(up == want_up, "{}: {}", conversation.name, up.escape_ascii());
        prop_assert!(down == want_down, "{}: {}", conversation.name, down.escape_ascii());
    });
}
