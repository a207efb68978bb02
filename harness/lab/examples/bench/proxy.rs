//! Two proxies on one thread each: the tap of the lab, and a plain copy of bytes.

use crate::Failure;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::channel;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};
use twiceproof_lab::service::ServiceStream;
use twiceproof_lab::tap::tcp::{self, Mode, TapEvent};

/// What a proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `copy_bidirectional`, 64 KiB each way.
    Copy,
    /// 32 KiB chunks, from a reader through the task of a fault that does nothing to a writer, each
    /// way: the shape of Toxiproxy.
    Chunks,
    /// The tap of the lab: reads and tells every request and reply, and holds none.
    Tap,
}

const COPY_BYTES: usize = 64 << 10;
const CHUNK_BYTES: usize = 32 << 10;

/// Starts a proxy before this port of a PostgreSQL on a thread that lives as long as the process.
pub(crate) fn start(way: Way, upstream: u16) -> Result<u16, Failure> {
    start_for("postgres", way, upstream)
}

/// The same before a service that speaks this protocol.
pub(crate) fn start_for(protocol: &'static str, way: Way, upstream: u16) -> Result<u16, Failure> {
    let (sender, port) = channel();
    let failed = |error: std::io::Error| format!("cannot start a proxy: {error}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    std::thread::spawn(move || {
        let local = LocalSet::new();
        local.block_on(&runtime, async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            // Whoever asked waits for it.
            let _ = sender.send(listener.local_addr()?.port());
            serve(protocol, way, listener, upstream).await
        })
    });
    port.recv()
        .map_err(|_| "a proxy ended as it began".to_owned())
}

async fn serve(
    protocol: &'static str,
    way: Way,
    listener: TcpListener,
    upstream: u16,
) -> std::io::Result<()> {
    let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, upstream));
    let (sender, mut told) = mpsc::unbounded_channel();
    // As the dispatcher does: each event is received, stamped, and looked at.
    spawn_local(async move {
        let begun = Instant::now();
        let mut last = begun.elapsed();
        while let Some(event) = told.recv().await {
            last = last.max(begun.elapsed());
            std::hint::black_box((&event, last));
        }
    });
    loop {
        let (mut near, _) = listener.accept().await?;
        let mut far = TcpStream::connect(upstream).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let sender = sender.clone();
        spawn_local(async move {
            match way {
                Way::Copy => {
                    // A client that is gone ends its link, whatever the error.
                    let _ = tokio::io::copy_bidirectional_with_sizes(
                        &mut near, &mut far, COPY_BYTES, COPY_BYTES,
                    )
                    .await;
                }
                Way::Chunks => {
                    let (near_read, near_write) = near.into_split();
                    let (far_read, far_write) = far.into_split();
                    tokio::join!(chunks(near_read, far_write), chunks(far_read, near_write));
                }
                Way::Tap => tap(protocol, near, far, sender).await,
            }
        });
    }
}

/// Copies one direction, chunk by chunk from task to task.
async fn chunks(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let (read, mut faulty) = mpsc::channel::<Vec<u8>>(1);
    let (passed, mut write) = mpsc::channel::<Vec<u8>>(1);
    spawn_local(async move {
        while let Some(chunk) = faulty.recv().await {
            if passed.send(chunk).await.is_err() {
                break;
            }
        }
    });
    let writer = spawn_local(async move {
        while let Some(chunk) = write.recv().await {
            if to.write_all(&chunk).await.is_err() {
                break;
            }
        }
    });
    let mut bytes = vec![0; CHUNK_BYTES];
    // A peer that is gone ends the direction, whatever the error.
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if read.send(bytes[..count].to_vec()).await.is_err() {
            break;
        }
    }
    drop(read);
    let _ = writer.await;
}

async fn tap(
    protocol: &str,
    near: TcpStream,
    far: TcpStream,
    sender: mpsc::UnboundedSender<TapEvent>,
) {
    let protocol = twiceproof_wire::registry::find(protocol);
    let codec = protocol.map(|protocol| protocol.codec());
    let (permits, receiver) = mpsc::unbounded_channel();
    let tell = Box::new(move |event| {
        // The receiver lives as long as the thread.
        let _ = sender.send(event);
    });
    let (near, far) = (ServiceStream::Tcp(near), ServiceStream::Tcp(far));
    tcp::join(near, far, codec, Mode::Trace, receiver, tell).await;
    drop(permits);
}
