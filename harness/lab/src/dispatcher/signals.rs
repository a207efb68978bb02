//! What comes in from taps and sandboxes, and what the dispatcher makes of it.

use crate::cell::Signal;
use crate::dispatcher::Dispatcher;
use crate::dispatcher::nemesis::stops;
use crate::dispatcher::world::{Flight, Life, Link};
use crate::fail::{interrupted, sandbox_lost, service_failed};
use crate::sandbox::{SandboxEvent, Scope};
use crate::service::ServiceStream;
use crate::tap::tcp::{self, Mode, Permit, TapEvent};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use twiceproof_explore::LabError;
use twiceproof_model::event::{LinkEnd, Peer};
use twiceproof_model::{Event, Outcome, Reply};

impl Dispatcher<'_> {
    /// Handles all signals that are there, and waits at most `wait` for one if there is none.
    pub(super) async fn hear(&mut self, wait: Duration) -> Result<bool, LabError> {
        let mut heard = false;
        while let Some(signal) = self.cell.try_next() {
            self.handle(signal).await?;
            heard = true;
        }
        if !wait.is_zero() && (self.setup.interrupted)() {
            return Err(interrupted());
        }
        if !heard && let Some(signal) = self.cell.next(wait).await {
            self.handle(signal).await?;
            heard = true;
        }
        Ok(heard)
    }

    async fn handle(&mut self, signal: Signal) -> Result<(), LabError> {
        match signal {
            Signal::Accepted {
                instance,
                service,
                stream,
                peer,
            } => {
                self.accept(usize::from(instance), service, stream, peer)
                    .await
            }
            Signal::Tap { epoch, link, event } => {
                if epoch == self.cell.epoch() && link < self.links.len() {
                    self.heed(link, event);
                }
                Ok(())
            }
            Signal::Sandbox { instance, event } => {
                self.heed_sandbox(usize::from(instance), event).await
            }
        }
    }

    /// Joins a connection that an instance opened to the service.
    async fn accept(
        &mut self,
        instance: usize,
        service: usize,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<(), LabError> {
        let Some(owner) = self
            .instances
            .get_mut(instance)
            .filter(|owner| owner.is_alive())
        else {
            return Ok(());
        };
        owner.stir();
        if self.cell.services[service].is_down {
            // It was on its way when the door was closed: it ends as a dead server's would.
            return Ok(());
        }
        let name = self.cell.services[service].name.clone();
        let id = owner.name_link(&name);
        self.log.write(Event::Opened(id.clone()));
        // Small messages must not wait for more: the peers did not ask us to collect.
        let _ = stream.set_nodelay(true);
        let addresses = stream.local_addr().ok().map(|local| (peer, local));
        let dialed = self.cell.services[service].service.dial().await;
        let upstream = dialed.map_err(service_failed)?;
        let session = self.cell.services[service].service.session(&upstream);
        let (permits, receiver) = mpsc::unbounded_channel();
        let (epoch, place) = (self.cell.epoch(), self.links.len());
        let sender = self.cell.sender();
        let tell = Box::new(move |event| {
            // Nobody listens any more when the trial is over.
            let _ = sender.send(Signal::Tap {
                epoch,
                link: place,
                event,
            });
        });
        let codec = self.cell.services[service].protocol.codec();
        let instance_side = ServiceStream::Tcp(stream);
        let mode = self.mode();
        let rules = (mode == Mode::Gate).then(|| self.rules.reader(id.clone()));
        tokio::task::spawn_local(tcp::join_ruled(
            instance_side,
            upstream,
            Some(codec),
            mode,
            receiver,
            tell,
            rules,
        ));
        self.links.push(Link {
            session,
            addresses,
            asked_since: Some(Instant::now()),
            ..Link::new(id, service, permits)
        });
        Ok(())
    }

    /// Heeds what a tap tells.
    fn heed(&mut self, place: usize, event: TapEvent) {
        match event {
            TapEvent::Request { text, bytes_hash } => self.heed_request(place, text, bytes_hash),
            TapEvent::Reply { reply, bytes_hash } => self.heed_reply(place, reply, bytes_hash),
            TapEvent::Pushed(text) => {
                let link = self.links[place].id.clone();
                self.instances[link.instance.index()].stir();
                self.log.write(Event::Pushed { link, text });
            }
            TapEvent::Asked => self.links[place].asked_since = Some(Instant::now()),
            TapEvent::Told => {
                self.links[place].asked_since = None;
                let instance = self.links[place].id.instance;
                self.instances[instance.index()].stir();
            }
            TapEvent::Delayed(is_delayed) => {
                self.links[place].is_delayed = is_delayed;
                let instance = self.links[place].id.instance;
                self.instances[instance.index()].stir();
            }
            TapEvent::Session(session) => self.links[place].session = Some(session),
            TapEvent::Opaque(reason) => {
                let link = &mut self.links[place];
                link.is_opaque = true;
                link.asked_since = None;
                let link = link.id.clone();
                self.log.write(Event::Opaque { link, reason });
            }
            TapEvent::Cut => {
                let link = &mut self.links[place];
                link.held = None;
                link.closing_since.get_or_insert_with(Instant::now);
                let instance = link.id.instance;
                self.instances[instance.index()].stir();
            }
            TapEvent::Closed { by, how } => self.heed_close(place, by, how),
            TapEvent::Gone => {
                let link = &mut self.links[place];
                link.asked_since = None;
                link.is_delayed = false;
                link.is_gone = true;
                link.held = None;
                let instance = link.id.instance;
                self.answer_unknown(place);
                self.instances[instance.index()].stir();
                self.free();
            }
        }
    }

    pub(super) fn heed_request(&mut self, place: usize, text: String, bytes_hash: u64) {
        let link = &mut self.links[place];
        let owner = &mut self.instances[link.id.instance.index()];
        owner.stir();
        let request = owner.name_request(&link.id, text);
        if self.setup.drive == twiceproof_model::record::Drive::Steps {
            link.held = Some((request.clone(), bytes_hash));
            let is_polling = owner.history.is_polling();
            let newly = is_polling && !std::mem::replace(&mut owner.is_polling, is_polling);
            let instance = owner.id;
            self.log.write(Event::Held(request));
            if newly {
                self.log.write(Event::Polling(instance));
            }
        } else {
            let id = request.id;
            link.flights.push(Flight {
                ask_at: Instant::now(),
                ..Flight::new(request.clone(), bytes_hash, true)
            });
            self.log.write(Event::Held(request));
            self.log.write(Event::Forwarded(id));
        }
    }

    pub(super) fn heed_reply(&mut self, place: usize, reply: Reply, bytes_hash: u64) {
        let is_gated = self.mode() == Mode::Gate;
        let link = &mut self.links[place];
        let Some(index) = link.flights.iter().position(|flight| !flight.is_answered) else {
            return;
        };
        let instance = link.id.instance;
        let flight = &mut link.flights[index];
        flight.is_answered = true;
        let (id, deliver) = (flight.request.id, flight.deliver);
        let was_blocked = flight.blocked_by.take().is_some();
        let asked = flight.bytes_hash;
        if was_blocked {
            self.log.write(Event::Unblocked(instance));
        }
        let owner = &mut self.instances[instance.index()];
        owner
            .history
            .push(asked, bytes_hash, reply.is_effective_write());
        let (writes, frees) = (reply.writes, reply.frees_locks);
        self.log.write(Event::Answered { request: id, reply });
        let is_stopped = is_gated && stops(&self.rules.get(), &self.links[place]).1;
        if deliver && !is_stopped {
            self.links[place].flights.remove(index);
            self.log.write(Event::Delivered(id));
            if is_gated {
                self.links[place].permit(Permit::Deliver);
            }
        }
        self.instances[instance.index()].stir();
        if writes {
            self.wake_pollers(Some(instance));
        }
        if frees {
            self.free();
        }
    }

    fn heed_close(&mut self, place: usize, by: Peer, how: LinkEnd) {
        let link = &mut self.links[place];
        let id = link.id.clone();
        link.is_deserted |= by == Peer::Service;
        if by == Peer::Instance {
            link.closing_since.get_or_insert_with(Instant::now);
        }
        let owner = &mut self.instances[id.instance.index()];
        let is_dead = owner.is_killed;
        owner.stir();
        self.log.write(Event::Closed { link: id, by, how });
        if by == Peer::Instance && (how == LinkEnd::Reset || is_dead) {
            let link = &mut self.links[place];
            link.held = None;
            link.permit(Permit::Abandon);
        }
        self.free();
    }

    /// Completes what a link that is gone leaves open: whether it took effect is not known.
    pub(super) fn answer_unknown(&mut self, place: usize) {
        for flight in std::mem::take(&mut self.links[place].flights) {
            if !flight.is_answered {
                let reply = Reply {
                    outcome: Outcome::Unknown,
                    ..Reply::unknown()
                };
                self.log.write(Event::Answered {
                    request: flight.request.id,
                    reply,
                });
            }
        }
    }

    /// Notes that a lock may have been freed: those that are blocked are asked for again.
    pub(super) fn free(&mut self) {
        self.freed = true;
    }

    /// Offers pollers again, as somebody other than `by` changed something.
    pub(super) fn wake_pollers(&mut self, by: Option<twiceproof_model::InstanceId>) {
        for instance in &mut self.instances {
            if Some(instance.id) != by {
                instance.is_polling = false;
                instance.history.clear();
            }
        }
    }

    /// Heeds a call on a file, and the end of a call, a process, a tree, or a whole sandbox.
    async fn heed_sandbox(&mut self, place: usize, event: SandboxEvent) -> Result<(), LabError> {
        match event {
            SandboxEvent::Exited { start, exit } => {
                let Some(instance) = self.instances.get_mut(place) else {
                    return Ok(());
                };
                if instance.start != Some(start) || !instance.is_alive() {
                    return Ok(());
                }
                instance.life = Life::Ended(exit);
                instance.rouse();
                let instance = instance.id;
                self.log.write(Event::Exited { instance, exit });
                self.wake_pollers(None);
            }
            SandboxEvent::TreeGone => {
                let Some(instance) = self.instances.get_mut(place) else {
                    return Ok(());
                };
                let id = instance.id;
                if let Life::Ended(exit) = instance.life {
                    instance.life = Life::Gone(exit);
                    instance.stop_clock();
                    instance.activity = super::world::Activity::Quiet;
                    self.end_calls(id);
                }
                self.free();
            }
            SandboxEvent::Called(call) => self.called(place, call).await?,
            SandboxEvent::Returned {
                call,
                result,
                existed,
            } => self.returned(place, call, result, existed),
            SandboxEvent::Lost(reason) => return Err(sandbox_lost(place, &reason)),
        }
        Ok(())
    }

    /// Kills what outlived its first process for longer than the grace, and names it.
    pub(super) async fn end_left_over(&mut self) -> Result<(), LabError> {
        let grace = self.cell.plan.scenario.target.grace;
        for place in 0..self.instances.len() {
            let instance = &mut self.instances[place];
            let is_due = instance.stirred.elapsed() >= grace;
            if !matches!(instance.life, Life::Ended(_)) || !is_due || instance.is_killed {
                continue;
            }
            instance.is_killed = true;
            instance.rouse();
            let (id, start) = (instance.id, instance.start);
            let disguise = self.setup.disguise;
            let seat = self.cell.seat(id, disguise).await?;
            let names = seat.sandbox.left_over().await;
            let processes = names.map_err(|error| sandbox_lost(place, &error.to_string()))?;
            self.log.write(Event::LeftOver {
                instance: id,
                processes,
            });
            if let Some(start) = start {
                let seat = self.cell.seat(id, disguise).await?;
                let killed = seat
                    .sandbox
                    .signal(start, Scope::Tree, super::SIGKILL)
                    .await;
                killed.map_err(|error| sandbox_lost(place, &error.to_string()))?;
            }
        }
        Ok(())
    }
}
