//! A cell: the private services and sandboxes of one trial at a time, on one thread.

mod running;
mod seat;
mod told;
pub(crate) use running::Running;
pub(crate) use seat::Seat;
pub(crate) use told::Told;

use crate::dispatcher::{Dispatcher, Interrupted, Observer, Setup};
use crate::fail::{harness, sandbox_failed, service_failed};
use crate::plan::Plan;
use crate::sandbox::{Folder, Host, Occupant, SandboxEvent, SandboxSpec};
use crate::service::{self, KnownContents, ServiceContext};
use futures_util::FutureExt;
use seat::{ACCEPT_REST, Door, addresses_of};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use twiceproof_explore::{Assignment, LabError};
use twiceproof_model::record::{Drive, Timings};
use twiceproof_model::scenario::Hosts;
use twiceproof_model::{InstanceId, Snapshot, TrialRecord};

/// Something that happened outside the dispatcher.
pub(crate) enum Signal {
    /// An instance, by place, connected to a service, by place.
    Accepted {
        instance: u8,
        service: usize,
        stream: TcpStream,
        peer: SocketAddr,
    },
    /// A tap of the trial `epoch` tells something.
    Tap {
        epoch: u64,
        link: usize,
        event: crate::tap::tcp::TapEvent,
    },
    /// A sandbox reports something.
    Sandbox { instance: u8, event: SandboxEvent },
}

/// Folders that instances of one host share, and their modes.
const OF_HOST: &[(&str, u32)] = &[("/tmp", 0o1777), ("/run", 0o755)];

impl Drop for Cell {
    fn drop(&mut self) {
        self.leave_seats();
    }
}

/// A cell.
pub(crate) struct Cell {
    pub(crate) plan: Arc<Plan>,
    number: u32,
    folder: PathBuf,
    pub(crate) services: Vec<Running>,
    seats: BTreeMap<(u8, u8), Seat>,
    /// The disguise whose seats are in use.
    disguise: u8,
    epoch: u64,
    sender: UnboundedSender<Signal>,
    receiver: UnboundedReceiver<Signal>,
    known: KnownContents,
    is_fresh: bool,
}

impl Cell {
    /// Starts the services.
    pub(crate) async fn open(plan: Arc<Plan>, number: u32) -> Result<Self, LabError> {
        let folder = plan.folder.join(format!("cell-{number}"));
        std::fs::create_dir_all(&folder)
            .map_err(|error| crate::fail::not_written(&folder, &error))?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut cell = Self {
            plan: Arc::clone(&plan),
            number,
            folder,
            services: Vec::new(),
            seats: BTreeMap::new(),
            disguise: 0,
            epoch: 0,
            sender,
            receiver,
            known: KnownContents::default(),
            is_fresh: true,
        };
        for spec in &plan.scenario.target.services {
            let running = cell.start_service(spec).await?;
            cell.services.push(running);
        }
        Ok(cell)
    }

    async fn start_service(
        &self,
        spec: &twiceproof_model::target::ServiceSpec,
    ) -> Result<Running, LabError> {
        let kind = service::find(&spec.kind)
            .ok_or_else(|| harness(format!("no service of kind {}", spec.kind)))?;
        let folder = self.folder.join(spec.name.as_str());
        std::fs::create_dir_all(&folder)
            .map_err(|error| crate::fail::not_written(&folder, &error))?;
        let state = self
            .plan
            .scenario
            .target
            .state
            .get(&spec.name)
            .cloned()
            .unwrap_or_default();
        let context = ServiceContext {
            spec,
            state: &state,
            backend: self.plan.backend,
            folder: &folder,
            cell: self.number,
            history: !self.followed(&spec.name).is_empty(),
        };
        let service = kind.start(context).await.map_err(service_failed)?;
        let protocol = kind.protocol().unwrap_or("opaque");
        let protocol = twiceproof_wire::registry::find(protocol)
            .ok_or_else(|| harness(format!("no protocol {protocol}")))?;
        Ok(Running {
            name: spec.name.clone(),
            protocol,
            service,
            is_down: false,
        })
    }

    /// Returns name and version of each service.
    pub(crate) fn versions(&self) -> Vec<(String, String, String)> {
        let specs = self.plan.scenario.target.services.iter();
        specs
            .zip(&self.services)
            .map(|(spec, running)| {
                (
                    spec.name.to_string(),
                    spec.kind.clone(),
                    running.service.version(),
                )
            })
            .collect()
    }

    /// Begins a part of a trial: what taps of former ones still tell is void.
    pub(crate) fn begin_epoch(&mut self) {
        self.epoch += 1;
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn sender(&self) -> UnboundedSender<Signal> {
        self.sender.clone()
    }

    /// Returns whether signals wait.
    pub(crate) fn has_signals(&self) -> bool {
        let mut seats = self.seats.iter();
        !self.receiver.is_empty()
            || seats.any(|((_, worn), seat)| *worn == self.disguise && seat.sandbox.has_events())
    }

    /// Returns the next signal, if one is there.
    pub(crate) fn try_next(&mut self) -> Option<Signal> {
        self.receiver.try_recv().ok()
    }

    /// Waits for the next signal, at most so long.
    pub(crate) async fn next(&mut self, wait: Duration) -> Option<Signal> {
        let disguise = self.disguise;
        let (receiver, seats) = (&mut self.receiver, &mut self.seats);
        let mut poll = |context: &mut std::task::Context<'_>| {
            if let Poll::Ready(Some(signal)) = receiver.poll_recv(context) {
                return Poll::Ready(signal);
            }
            for ((instance, worn), seat) in seats.iter_mut() {
                if *worn != disguise {
                    continue;
                }
                if let Poll::Ready(event) = seat.sandbox.poll_event(context) {
                    let instance = *instance;
                    return Poll::Ready(Signal::Sandbox { instance, event });
                }
            }
            Poll::Pending
        };
        if wait.is_zero() {
            // One look, without a timer: most steps find what they wait for already there.
            let looked = poll_fn(|context| match poll(context) {
                Poll::Ready(signal) => Poll::Ready(Some(signal)),
                Poll::Pending => Poll::Ready(None),
            });
            return looked.await;
        }
        tokio::time::timeout(wait, poll_fn(poll)).await.ok()
    }

    /// Returns the seat of an instance, opened if it was not yet.
    pub(crate) async fn seat(
        &mut self,
        id: InstanceId,
        disguise: u8,
    ) -> Result<&mut Seat, LabError> {
        let key = (id.number() - 1, disguise);
        if !self.seats.contains_key(&key) {
            let host = self.host_for(id, disguise).await?;
            let seat = self.open_seat(id, disguise, host).await?;
            self.seats.insert(key, seat);
        }
        Ok(self.seats.get_mut(&key).expect("it was inserted above"))
    }

    /// Returns whether every seat in use can connect to every service.
    pub(crate) fn is_open(&self) -> bool {
        self.seats.values().all(Seat::is_open)
    }

    /// Returns the socket that answers questions on sockets inside an instance's sandbox.
    pub(crate) fn diag(&self, id: InstanceId, disguise: u8) -> Option<&OwnedFd> {
        self.seats
            .get(&(id.number() - 1, disguise))
            .map(|seat| &seat.sandbox.diag)
    }

    /// Returns whose machine an instance runs on. Where they share one, the first instance's
    /// sandbox is the first there, so it is opened before any other.
    async fn host_for(&mut self, id: InstanceId, disguise: u8) -> Result<Host, LabError> {
        if self.plan.hosts == Hosts::Each {
            return Ok(Host::Own);
        }
        if id.number() == 1 {
            return Ok(Host::First);
        }
        let first = InstanceId::first(1).last().expect("numbers begin at 1");
        let seat = Box::pin(self.seat(first, disguise)).await?;
        let neighbour = seat.sandbox.neighbour().cloned();
        let nobody = || harness("this backend has no shared hosts".to_owned());
        neighbour.map(Host::Beside).ok_or_else(nobody)
    }

    async fn open_seat(&self, id: InstanceId, disguise: u8, host: Host) -> Result<Seat, LabError> {
        let spec = self.sandbox_spec(id, disguise, host)?;
        let opened = self.plan.backend.open(spec).await;
        let mut sandbox = opened.map_err(|error| sandbox_failed("open a sandbox", error))?;
        let (mut accepting, mut doors) = (Vec::new(), Vec::new());
        for (name, listener) in std::mem::take(&mut sandbox.listeners) {
            let place = self
                .services
                .iter()
                .position(|running| running.name == name);
            let service =
                place.ok_or_else(|| harness(format!("a listener of no service: {name}")))?;
            let failed = |error| harness(format!("cannot listen for {name}: {error}"));
            listener.set_nonblocking(true).map_err(failed)?;
            let door = Door {
                service,
                listener: Rc::new(listener),
                opened: Rc::default(),
                is_deaf: Default::default(),
            };
            let (listener, opened) = (Rc::clone(&door.listener), Rc::clone(&door.opened));
            doors.push(door);
            let (sender, instance) = (self.sender.clone(), id.number() - 1);
            accepting.push(tokio::task::spawn_local(async move {
                loop {
                    // A listener that was closed never looks quiet again to the runtime, so that
                    // each opening gets a registration of its own.
                    let registered = listener.try_clone().and_then(TcpListener::from_std);
                    while let Ok(registered) = &registered
                        && let Ok((stream, peer)) = registered.accept().await
                    {
                        let signal = Signal::Accepted {
                            instance,
                            service,
                            stream,
                            peer,
                        };
                        if sender.send(signal).is_err() {
                            return;
                        }
                    }
                    drop(registered);
                    // Refused by our doing, or for want of descriptors: both end.
                    let _ = tokio::time::timeout(ACCEPT_REST, opened.notified()).await;
                }
            }));
        }
        Ok(Seat {
            sandbox,
            accepting,
            doors,
        })
    }

    /// Returns the folders that instances of one host share, made where they are not there yet.
    fn host_folders(&self, disguise: u8) -> Result<Vec<Folder>, LabError> {
        let base = self.folder.join(format!("host-{disguise}"));
        let mut folders = Vec::new();
        for (inside, mode) in OF_HOST {
            let host = base.join(inside.trim_start_matches('/'));
            let made = std::fs::create_dir_all(&host).and_then(|()| {
                std::fs::set_permissions(&host, std::fs::Permissions::from_mode(*mode))
            });
            made.map_err(|error| crate::fail::not_written(&host, &error))?;
            folders.push(Folder {
                host,
                inside: PathBuf::from(inside),
                writable: true,
            });
        }
        Ok(folders)
    }

    fn sandbox_spec(
        &self,
        id: InstanceId,
        disguise: u8,
        host: Host,
    ) -> Result<SandboxSpec, LabError> {
        let target = &self.plan.scenario.target;
        let (mut listen, mut hosts) = (Vec::new(), Vec::new());
        let mut folders = match host {
            Host::Own => Vec::new(),
            Host::First | Host::Beside(_) => self.host_folders(disguise)?,
        };
        for (place, (spec, running)) in target.services.iter().zip(&self.services).enumerate() {
            folders.extend(running.service.folders());
            let Some(port) = spec.port else { continue };
            let addresses = addresses_of(&spec.host, place);
            for address in &addresses {
                listen.push((spec.name.clone(), SocketAddr::new(*address, port)));
                if spec.host != "localhost" && spec.host.parse::<IpAddr>().is_err() {
                    hosts.push((*address, spec.host.clone()));
                }
            }
        }
        folders.extend(self.plan.folders());
        let name = match disguise {
            0 => format!("job-{}", id.number()),
            _ => format!("other{disguise}-{}", id.number()),
        };
        Ok(SandboxSpec {
            name,
            occupant: Occupant::Instance,
            host,
            listen,
            hosts,
            folders,
            image: self.plan.image(),
            fresh: true,
        })
    }

    /// Captures the state that every trial begins with.
    pub(crate) async fn seed_state(&mut self) -> Result<Snapshot, LabError> {
        self.reset().await?;
        self.capture().await
    }

    /// Fails if a service died by itself.
    pub(crate) fn check_services(&mut self) -> Result<(), LabError> {
        for running in &mut self.services {
            if let Some(death) = running.service.died().now_or_never() {
                return Err(service_failed(death));
            }
        }
        Ok(())
    }

    async fn reset(&mut self) -> Result<(), LabError> {
        for running in &mut self.services {
            running.service.reset().await.map_err(service_failed)?;
        }
        Ok(())
    }

    /// Makes every seat in use as new, where it was used before.
    async fn clean_seats(&mut self) -> Result<(), LabError> {
        if !self.plan.scenario.target.reuse {
            self.leave_seats();
        }
        // Whoever shares a host is gone before the first there empties its folders.
        for seat in self.seats.values_mut().rev() {
            let cleaned = seat.sandbox.clean().await;
            cleaned.map_err(|error| sandbox_failed("clean a sandbox", error))?;
        }
        Ok(())
    }

    /// Ends the sandboxes, those that joined a host before the one that is it.
    fn leave_seats(&mut self) {
        while self.seats.pop_last().is_some() {}
    }

    /// Runs one trial, from a fresh state to its record.
    pub(crate) async fn run(
        &mut self,
        mut assignment: Assignment,
        observer: Option<Observer>,
        interrupted: Interrupted,
    ) -> Result<TrialRecord, LabError> {
        let mut timings = Timings::default();
        let begun = Instant::now();
        self.reset().await?;
        if !std::mem::replace(&mut self.is_fresh, false) {
            self.clean_seats().await?;
        }
        while self.try_next().is_some() {}
        timings.reset_us = since(begun);
        self.disguise = assignment.disguise;
        let versions = self.versions();
        let setup = Setup {
            interrupted,
            instances: assignment.instances,
            starts: assignment.starts.clone(),
            drive: assignment.drive,
            disguise: assignment.disguise,
            menu: assignment.menu.clone(),
            seed: assignment.seed,
            observer,
        };
        let begun = Instant::now();
        let plan = Arc::clone(&self.plan);
        let mut dispatcher = Dispatcher::new(self, setup);
        dispatcher.run(assignment.scheduler.as_mut()).await?;
        timings.steps_us = since(begun);
        dispatcher.cell().check_services()?;
        let begun = Instant::now();
        let mut states = vec![dispatcher.cell().capture().await?];
        timings.capture_us = since(begun);
        let begun = Instant::now();
        let recovers = assignment
            .clean_exit
            .is_some_and(|clean| dispatcher.ended_otherwise(clean));
        for number in 1..=2 {
            if !recovers || (number == 2 && (assignment.accepts)(&states[1])) {
                break;
            }
            dispatcher.recover(&assignment.leases).await?;
            states.push(dispatcher.cell().capture().await?);
        }
        if recovers {
            timings.recovery_us = since(begun);
        }
        let told = dispatcher.cell().told().await?;
        let mut finished = dispatcher.finish();
        timings.quiesce_us = finished.quiesce_us;
        timings.blocked_us = finished.blocked_us;
        match assignment.drive {
            Drive::Steps if assignment.instances == 1 => {
                plan.expectation.learn(finished.is_simple);
            }
            Drive::Pump => plan
                .expectation
                .learn_looks(std::mem::take(&mut finished.looks)),
            Drive::Steps | Drive::Free => {}
        }
        Ok(crate::trial::record(
            &plan,
            &assignment,
            finished,
            (states, told),
            timings,
            versions,
        ))
    }

    /// Returns whether instances of this target have one thread and one link, as far as clean runs
    /// showed.
    pub(crate) fn expects_simple(&self) -> bool {
        self.plan.expectation.is_simple()
    }
}

fn since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
