//! Single links: what is held, what is passed on, and peers that misbehave.

use super::observe::pair;
use crate::service_kit::{Fixture, Wanted, rows, run};
use std::io::{ErrorKind, Result};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;
use twiceproof_lab::service::ServiceStream;
use twiceproof_lab::tap::tcp::{HOLD_BYTES_MAX, Mode, Permit, TapEvent, join};
use twiceproof_model::event::{LinkEnd, Peer};
use twiceproof_wire::registry;

const MODES: [Mode; 3] = [Mode::Gate, Mode::Trace, Mode::Pump];
const START: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0app\0\0";
const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const ANSWER: &[u8] = b"C\0\0\0\x0fINSERT 0 1\0Z\0\0\0\x05I";

fn query(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len() + 5).unwrap();
    [b"Q", &length.to_be_bytes()[..], text.as_bytes(), b"\0"].concat()
}

/// A tap, its permits and its events.
struct Link {
    permits: mpsc::UnboundedSender<Permit>,
    events: mpsc::UnboundedReceiver<TapEvent>,
}

impl Link {
    fn new(protocol: &str, mode: Mode, instance: ServiceStream, service: ServiceStream) -> Self {
        let (permits, receiver) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::unbounded_channel();
        let tell = Box::new(move |event| drop(sender.send(event)));
        let codec = Some(registry::find(protocol).unwrap().codec());
        tokio::task::spawn_local(join(instance, service, codec, mode, receiver, tell));
        Self { permits, events }
    }

    /// Returns the link with the far ends of both of its connections.
    async fn between_tcp(protocol: &str, mode: Mode) -> (TcpStream, Self, TcpStream) {
        let (instance, near) = pair().await;
        let (far, service) = pair().await;
        let link = Self::new(
            protocol,
            mode,
            ServiceStream::Tcp(near),
            ServiceStream::Tcp(far),
        );
        (instance, link, service)
    }

    /// The same, after the start-up of a session.
    async fn started(mode: Mode) -> (TcpStream, Self, TcpStream) {
        let (mut instance, link, mut service) = Self::between_tcp("postgres", mode).await;
        instance.write_all(START).await.unwrap();
        assert_eq!(read(&mut service, START.len()).await, START);
        service.write_all(READY).await.unwrap();
        assert_eq!(read(&mut instance, READY.len()).await, READY);
        (instance, link, service)
    }

    /// Waits for an event of this kind and skips others.
    async fn until(&mut self, is_it: impl Fn(&TapEvent) -> bool) -> TapEvent {
        loop {
            let event = soon(self.events.recv()).await.expect("the link told it");
            if is_it(&event) {
                return event;
            }
        }
    }

    async fn held(&mut self) {
        self.until(|event| matches!(event, TapEvent::Request { .. }))
            .await;
    }

    async fn answered(&mut self) {
        self.until(|event| matches!(event, TapEvent::Reply { .. }))
            .await;
    }

    async fn gone(&mut self) {
        self.until(|event| *event == TapEvent::Gone).await;
    }

    fn permit(&self, permit: Permit) {
        self.permits.send(permit).unwrap();
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    let bounded = tokio::time::timeout(Duration::from_secs(20), work).await;
    bounded.expect("it comes soon")
}

async fn read(from: &mut (impl AsyncReadExt + Unpin), count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    soon(from.read_exact(&mut bytes)).await.unwrap();
    bytes
}

async fn read_all(from: &mut (impl AsyncReadExt + Unpin)) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    soon(from.read_to_end(&mut bytes)).await.map(|_| bytes)
}

fn reset(stream: TcpStream) {
    let linger = Some(Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(&stream, linger).unwrap();
}

/// Writes until nobody takes more; returns how many bytes went.
async fn fill(to: &UnixStream, bytes: &[u8]) -> usize {
    let mut sent = 0;
    while sent < bytes.len() {
        match to.try_write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                let room = tokio::time::timeout(Duration::from_millis(300), to.writable());
                if room.await.is_err() {
                    break;
                }
            }
        }
    }
    sent
}

#[test]
fn half_a_close_is_passed_on() {
    run(async {
        for mode in MODES {
            let (mut instance, mut link, mut service) = Link::between_tcp("opaque", mode).await;
            instance.write_all(b"asked").await.unwrap();
            instance.shutdown().await.unwrap();
            if mode == Mode::Gate {
                link.held().await;
                link.permit(Permit::Release);
            }
            assert_eq!(read_all(&mut service).await.unwrap(), b"asked", "{mode:?}");
            service.write_all(b"answered").await.unwrap();
            drop(service);
            if mode == Mode::Gate {
                link.answered().await;
                link.permit(Permit::Deliver);
            }
            assert_eq!(
                read_all(&mut instance).await.unwrap(),
                b"answered",
                "{mode:?}"
            );
            link.gone().await;
        }
    });
}

#[test]
fn a_reset_is_passed_on_each_way() {
    run(async {
        for mode in MODES {
            let (instance, mut link, mut service) = Link::started(mode).await;
            reset(instance);
            let error = read_all(&mut service).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{mode:?}");
            let (by, how) = (Peer::Instance, LinkEnd::Reset);
            link.until(|event| *event == TapEvent::Closed { by, how })
                .await;
            link.gone().await;

            let (mut instance, mut link, service) = Link::started(mode).await;
            reset(service);
            let error = read_all(&mut instance).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{mode:?}");
            let (by, how) = (Peer::Service, LinkEnd::Reset);
            link.until(|event| *event == TapEvent::Closed { by, how })
                .await;
            link.gone().await;
        }
    });
}

#[test]
fn encryption_is_declined_without_the_service() {
    run(async {
        for mode in [Mode::Gate, Mode::Trace] {
            let (mut instance, _link, mut service) = Link::between_tcp("postgres", mode).await;
            instance.write_all(SSL).await.unwrap();
            assert_eq!(read(&mut instance, 1).await, b"N", "{mode:?}");
            instance.write_all(START).await.unwrap();
            assert_eq!(read(&mut service, START.len()).await, START, "{mode:?}");
        }
    });
}

#[test]
fn a_reply_is_held_back_whole_and_then_delivered() {
    run(async {
        let (mut instance, mut link, mut service) = Link::started(Mode::Gate).await;
        let asked = query("INSERT INTO log VALUES ('a')");
        instance.write_all(&asked).await.unwrap();
        link.held().await;
        let nothing = service.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        link.permit(Permit::Forward);
        assert_eq!(read(&mut service, asked.len()).await, asked);
        service.write_all(ANSWER).await.unwrap();
        link.answered().await;
        let nothing = instance.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        link.permit(Permit::Deliver);
        assert_eq!(read(&mut instance, ANSWER.len()).await, ANSWER);
    });
}

#[test]
fn a_dropped_reply_resets_the_instance_and_the_server_has_committed() {
    run(async {
        let seeds = [("seed.sql", "create table log (line text);")];
        let wanted = Wanted {
            kind: "postgres",
            seeds: &seeds,
            ..Wanted::default()
        };
        let mut fixture = Fixture::start(wanted).await.unwrap();
        for (dropped, lines) in [(true, vec!["kept"]), (false, vec!["kept"])] {
            let service = fixture.service.dial().await.unwrap();
            let (mut instance, near) = pair().await;
            let mut link = Link::new("postgres", Mode::Gate, ServiceStream::Tcp(near), service);
            instance.write_all(START).await.unwrap();
            link.until(|event| matches!(event, TapEvent::Session(_)))
                .await;
            let line = if dropped { "kept" } else { "never" };
            let asked = query(&format!("INSERT INTO log VALUES ('{line}')"));
            instance.write_all(&asked).await.unwrap();
            link.held().await;
            if dropped {
                link.permit(Permit::Forward);
                link.answered().await;
                link.permit(Permit::Drop);
                let error = read_all(&mut instance).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            } else {
                reset(instance);
                let by = Peer::Instance;
                let how = LinkEnd::Reset;
                link.until(|event| *event == TapEvent::Closed { by, how })
                    .await;
                link.permit(Permit::Abandon);
            }
            link.gone().await;
            assert_eq!(rows(&fixture.capture().await, "public.log"), lines);
        }
    });
}

#[test]
fn a_request_that_is_abandoned_never_reaches_the_server() {
    run(async {
        for is_alive in [true, false] {
            let (mut instance, mut link, mut service) = Link::started(Mode::Gate).await;
            instance.write_all(&query("DELETE FROM log")).await.unwrap();
            link.held().await;
            // A killed process closes its sockets in order when it had read all that came.
            let instance = is_alive.then_some(instance);
            if !is_alive {
                let (by, how) = (Peer::Instance, LinkEnd::Fin);
                link.until(|event| *event == TapEvent::Closed { by, how })
                    .await;
            }
            link.permit(Permit::Abandon);
            assert_eq!(read_all(&mut service).await.unwrap(), b"");
            drop(service);
            link.gone().await;
            drop(instance);
        }
    });
}

#[test]
fn what_was_asked_before_the_end_is_held_and_goes_by_its_permit() {
    run(async {
        let (mut instance, mut link, mut service) = Link::started(Mode::Gate).await;
        let asked = query("DELETE FROM log");
        instance.write_all(&asked).await.unwrap();
        instance.shutdown().await.unwrap();
        let (by, how) = (Peer::Instance, LinkEnd::Fin);
        link.until(|event| *event == TapEvent::Closed { by, how })
            .await;
        let nothing = service.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        link.permit(Permit::Release);
        assert_eq!(read_all(&mut service).await.unwrap(), asked);
        service.write_all(ANSWER).await.unwrap();
        drop(service);
        link.answered().await;
        link.permit(Permit::Deliver);
        assert_eq!(read_all(&mut instance).await.unwrap(), ANSWER);
        link.gone().await;
    });
}

#[test]
fn what_comes_while_a_request_is_held_has_a_bound() {
    run(async {
        let (instance, near) = UnixStream::pair().unwrap();
        let (far, mut service) = UnixStream::pair().unwrap();
        let (near, far) = (ServiceStream::Unix(near), ServiceStream::Unix(far));
        let mut link = Link::new("postgres", Mode::Gate, near, far);
        let one = query(&"x".repeat(500_000));
        let all = [START, &one.repeat(100)].concat();
        let sent = fill(&instance, &all).await;
        // What a socket keeps by itself is less than the slack.
        assert!(sent < 2 * HOLD_BYTES_MAX, "{sent}");
        let rest = all[sent..].to_vec();
        let (mut from_instance, mut to_tap) = instance.into_split();
        let writer = tokio::task::spawn_local(async move {
            to_tap.write_all(&rest).await.unwrap();
            to_tap
        });
        let server = tokio::task::spawn_local(async move {
            assert_eq!(read(&mut service, START.len()).await, START);
            service.write_all(READY).await.unwrap();
            for _ in 0..100 {
                assert!(read(&mut service, one.len()).await == one);
                service.write_all(ANSWER).await.unwrap();
            }
        });
        for _ in 0..100 {
            link.held().await;
            link.permit(Permit::Release);
            link.answered().await;
            link.permit(Permit::Deliver);
        }
        let expected = [READY, &ANSWER.repeat(100)].concat();
        assert!(read_all(&mut from_instance).await.unwrap() == expected);
        soon(server).await.unwrap();
        drop(soon(writer).await.unwrap());
    });
}

#[test]
fn garbage_from_the_service_makes_the_link_opaque_and_no_byte_is_lost() {
    run(async {
        for mode in MODES {
            let (mut instance, mut link, mut service) = Link::started(mode).await;
            let asked = query("SELECT 1");
            instance.write_all(&asked).await.unwrap();
            if mode == Mode::Gate {
                link.held().await;
                link.permit(Permit::Release);
            }
            assert_eq!(read(&mut service, asked.len()).await, asked);
            let garbage = [&ANSWER[..5], &[0xff; 3000], b"the end"].concat();
            service.write_all(&garbage).await.unwrap();
            assert_eq!(
                read(&mut instance, garbage.len()).await,
                garbage,
                "{mode:?}"
            );
            if mode != Mode::Pump {
                link.until(|event| matches!(event, TapEvent::Opaque(_)))
                    .await;
            }
            instance.write_all(&asked).await.unwrap();
            assert_eq!(read(&mut service, asked.len()).await, asked, "{mode:?}");
            drop(instance);
            assert_eq!(read_all(&mut service).await.unwrap(), b"", "{mode:?}");
        }
    });
}

#[test]
fn a_slow_reader_gets_all_and_the_writer_waits() {
    run(async {
        for mode in MODES {
            let (near, far) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
            let (mut instance, mut service) = (near.0, far.1);
            let (near, far) = (ServiceStream::Unix(near.1), ServiceStream::Unix(far.0));
            let _link = Link::new("opaque", mode, near, far);
            let bytes: Vec<u8> = (0..20_000_000_u32).map(|at| (at % 251) as u8).collect();
            let sent = fill(&service, &bytes).await;
            assert!(sent < 2 * HOLD_BYTES_MAX, "{mode:?} {sent}");
            let rest = bytes[sent..].to_vec();
            let writer = tokio::task::spawn_local(async move { service.write_all(&rest).await });
            let seen = read(&mut instance, bytes.len()).await;
            assert!(seen == bytes, "{mode:?}");
            soon(writer).await.unwrap().unwrap();
        }
    });
}
