//! Calls on files: each is a request on a pseudo link, one for each thread that is in such a call.

use crate::dispatcher::Dispatcher;
use crate::dispatcher::world::{Life, Link};
use crate::fail::sandbox_lost;
use crate::tap::file;
use crate::tap::locks::Locks;
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::mpsc;
use twiceproof_explore::LabError;
use twiceproof_model::record::Drive;
use twiceproof_model::{Event, InstanceId, RequestId};
use twiceproof_shim::file_call::{RESULT_GONE, would_wait};
use twiceproof_shim::{FileCall, Gate, Tapped, Verb, Verdict};
use twiceproof_wire::mask_file_name;

/// The kernel's answer to who would wait for somebody that waits for them.
const EDEADLK: i32 = 35;

/// What a clean run looked at before it changed it, by place of the service and masked path.
pub(crate) type Looks = BTreeSet<(usize, String)>;

/// The call that a pseudo link stands for at the moment.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) call: FileCall,
    /// Whether it was let go on, so that its thread moves.
    pub(crate) is_made: bool,
    /// When it was found to wait, in order; 0: it was not.
    waits_since: u64,
}

/// What the dispatcher knows of files beside the links.
#[derive(Default)]
pub(crate) struct Files {
    locks: Locks,
    /// A step may have freed a lock by a close or an exit: who waits is tried again.
    pub(crate) is_stale: bool,
    /// Links whose calls are to be tried again, in order.
    due: VecDeque<usize>,
    waits_last: u64,
    /// Paths looked at so far, and those of them that were changed later.
    looked: Looks,
    needed: Looks,
}

impl Files {
    /// Returns the paths that were looked at before they were changed.
    pub(crate) fn into_needed(self) -> Looks {
        self.needed
    }
}

impl Link {
    /// Returns whether the link stands for calls on files.
    pub(crate) fn is_file(&self) -> bool {
        self.is_pseudo
    }

    /// Returns whether a thread of it moves: it was let go on, and what came of it is not known.
    pub(crate) fn is_moving(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.is_made)
    }
}

impl Dispatcher<'_> {
    /// Returns the services with tapped folders, in the order in which calls number them.
    fn tapped_services(&self) -> Vec<(usize, String)> {
        let services = self.cell.services.iter().enumerate();
        let folders = services.flat_map(|(place, running)| {
            let folders = running.service.folders().into_iter();
            folders.map(move |folder| (place, folder))
        });
        let folders = folders.filter(|(_, folder)| folder.writable);
        folders
            .map(|(place, folder)| (place, folder.inside.to_string_lossy().into_owned()))
            .collect()
    }

    /// Returns what is tapped of an instance that starts now.
    pub(super) fn tapped(&self) -> Tapped {
        let folders = self.tapped_services().into_iter();
        Tapped {
            folders: folders.map(|(_, folder)| folder).collect(),
            gate: match self.setup.drive {
                Drive::Steps => Gate::Hold,
                Drive::Free => Gate::Trace,
                Drive::Pump => Gate::Note,
            },
            looks: self.setup.drive == Drive::Pump || self.cell.plan.expectation.needs_looks(),
        }
    }

    /// Heeds a call that waits, or that was seen to pass.
    pub(super) async fn called(&mut self, place: usize, call: FileCall) -> Result<(), LabError> {
        let Some(instance) = self.instances.get_mut(place) else {
            return Ok(());
        };
        if !instance.is_alive() || instance.is_killed {
            return Ok(());
        }
        instance.stir();
        let id = instance.id;
        let folder = usize::try_from(call.folder).unwrap_or(usize::MAX);
        let Some((service, _)) = self.tapped_services().into_iter().nth(folder) else {
            return Err(sandbox_lost(place, "a call in a folder that is not tapped"));
        };
        if self.setup.drive == Drive::Pump {
            self.learn_looks(service, &call);
            return Ok(());
        }
        let path = (service, mask_file_name(&call.path));
        if call.verb.is_look() && !self.cell.plan.expectation.needs_look(&path) {
            if self.setup.drive == Drive::Steps {
                self.answer(id, call.call, Verdict::Pass).await?;
            }
            return Ok(());
        }
        if let Some(former) = call.again
            && let Some(place) = self.link_of(id, former)
        {
            self.waits(place, call);
            return Ok(());
        }
        let place = self.free_link(id, service);
        let (text, hash) = (file::text(&call), file::hash(&call));
        self.links[place].current = Some(Current {
            call,
            is_made: self.setup.drive != Drive::Steps,
            waits_since: 0,
        });
        self.heed_request(place, text, hash);
        Ok(())
    }

    fn learn_looks(&mut self, service: usize, call: &FileCall) {
        let names = [&call.path, &call.other];
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let path = (service, mask_file_name(name));
            if call.verb.is_look() {
                self.files.looked.insert(path);
            } else if self.files.looked.contains(&path)
                && !matches!(call.verb, Verb::Sync | Verb::SyncData | Verb::SetLength)
            {
                self.files.needed.insert(path);
            }
        }
    }

    fn link_of(&self, id: InstanceId, call: u64) -> Option<usize> {
        self.links.iter().position(|link| {
            let current = link.current.as_ref();
            link.id.instance == id && current.is_some_and(|current| current.call.call == call)
        })
    }

    /// Returns a pseudo link of the instance that stands for no call.
    fn free_link(&mut self, id: InstanceId, service: usize) -> usize {
        let free = self.links.iter().position(|link| {
            link.is_file()
                && link.id.instance == id
                && link.service == service
                && !link.is_gone
                && link.current.is_none()
        });
        if let Some(place) = free {
            return place;
        }
        let name = self.cell.services[service].name.clone();
        let instance = &mut self.instances[id.index()];
        let link = instance.name_pseudo_link(&name);
        if link.ordinal > 1 {
            // Two calls at once come from two threads.
            instance.tasks_most = instance.tasks_most.max(2);
        }
        self.log.write(Event::Opened(link.clone()));
        let (permits, _) = mpsc::unbounded_channel();
        self.links.push(Link {
            is_pseudo: true,
            ..Link::new(link, service, permits)
        });
        self.links.len() - 1
    }

    /// Notes that a call would have had to wait in the kernel: its thread stands before it again.
    fn waits(&mut self, place: usize, call: FileCall) {
        let link = &mut self.links[place];
        let instance = link.id.instance;
        let by = self.files.locks.blockers(instance, &call);
        let Some(current) = &mut link.current else {
            return;
        };
        (current.call, current.is_made) = (call, false);
        let flights = &mut link.flights;
        let Some(flight) = flights.iter_mut().find(|flight| !flight.is_answered) else {
            return;
        };
        if flight.blocked_by.is_none() {
            self.files.waits_last += 1;
            current.waits_since = self.files.waits_last;
            flight.blocked_by = Some(by.clone());
            self.log.write(Event::Blocked { instance, by });
        } else {
            flight.blocked_by = Some(by);
        }
        self.instances[instance.index()].stir();
    }

    /// Heeds the end of a call.
    pub(super) fn returned(&mut self, place: usize, call: u64, result: i64, existed: bool) {
        let Some(instance) = self.instances.get(place).map(|instance| instance.id) else {
            return;
        };
        let Some(place) = self.link_of(instance, call) else {
            return;
        };
        if would_wait(result) {
            // Its thread makes it again, and that is told.
            return;
        }
        let link = &mut self.links[place];
        let Some(current) = &link.current else { return };
        let made = current.call.clone();
        let reply = file::reply(&made, result, existed);
        let frees = reply.frees_locks;
        if made.verb.is_lock() && result == 0 {
            self.files.locks.note(instance, &made);
        }
        if link.flights.is_empty() {
            // It was held, and whoever made it is gone.
            debug_assert_eq!(result, RESULT_GONE, "only the dead end unasked");
            link.held = None;
            link.current = None;
            self.instances[instance.index()].stir();
            return;
        }
        let hash = result.unsigned_abs();
        self.heed_reply(place, reply, hash);
        let link = &mut self.links[place];
        if link.flights.is_empty() {
            link.current = None;
        } else if let Some(current) = &mut link.current {
            current.is_made = false;
        }
        if frees {
            self.wake_pollers(Some(instance));
            self.files.is_stale = true;
        }
    }

    /// Says what becomes of a call.
    pub(super) async fn answer(
        &mut self,
        id: InstanceId,
        call: u64,
        verdict: Verdict,
    ) -> Result<(), LabError> {
        let seat = self.cell.seat(id, self.setup.disguise).await?;
        let answered = seat.sandbox.answer(call, verdict).await;
        answered.map_err(|error| sandbox_lost(id.index(), &error.to_string()))
    }

    /// Lets the call of a pseudo link be made.
    pub(super) async fn make(&mut self, id: RequestId, verdict: Verdict) -> Result<(), LabError> {
        let flying = |link: &&mut Link| {
            let mut flights = link.flights.iter();
            flights.any(|flight| flight.request.id == id)
        };
        let link = self.links.iter_mut().filter(|link| link.is_file());
        let Some(current) = link
            .into_iter()
            .find(flying)
            .and_then(|l| l.current.as_mut())
        else {
            return Ok(());
        };
        current.is_made = true;
        let call = current.call.clone();
        let refusal = self.refusal(id.instance, &call);
        if refusal.is_some() {
            self.deliver_at_once(id);
        }
        let verdict = refusal.map_or(verdict, Verdict::Fail);
        self.answer(id.instance, call.call, verdict).await
    }

    /// A call that is refused is not made, so its thread cannot stand still behind it.
    fn deliver_at_once(&mut self, id: RequestId) {
        let mut flights = self.links.iter_mut().flat_map(|link| &mut link.flights);
        if let Some(flight) = flights.find(|flight| flight.request.id == id) {
            flight.deliver = true;
        }
    }

    /// Tries the calls again that wait, one after the other, lowest instance first, each after all
    /// others have settled; returns whether one is under way. Of a cycle of waits for locks that
    /// processes own, the one whose wait closed it is refused, as the kernel would.
    pub(super) async fn try_again(&mut self) -> Result<bool, LabError> {
        if self.files.is_stale {
            self.files.is_stale = false;
            let links = self.links.iter().enumerate();
            let waiting = links.filter(|(_, link)| is_waiting(link));
            let mut waiting: Vec<_> = waiting
                .map(|(place, link)| (link.id.instance, link.id.ordinal, place))
                .collect();
            waiting.sort_unstable();
            self.files.due = waiting.into_iter().map(|(_, _, place)| place).collect();
        }
        while let Some(place) = self.files.due.pop_front() {
            let Some(link) = self.links.get(place).filter(|link| is_waiting(link)) else {
                continue;
            };
            let id = link.id.instance;
            if self.instances[id.index()].life == Life::Running {
                self.retry(place, None).await?;
                return Ok(true);
            }
        }
        let Some(victim) = self.victim() else {
            return Ok(false);
        };
        self.tell_cycle();
        self.retry(victim, Some(EDEADLK)).await?;
        Ok(true)
    }

    async fn retry(&mut self, place: usize, errno: Option<i32>) -> Result<(), LabError> {
        let link = &mut self.links[place];
        let id = link.id.instance;
        if let (Some(flight), Some(_)) = (link.flights.first_mut(), errno) {
            flight.deliver = true;
        }
        let deliver = link.flights.first().is_some_and(|flight| flight.deliver);
        let Some(current) = &mut link.current else {
            return Ok(());
        };
        current.is_made = true;
        let call = current.call.call;
        self.instances[id.index()].rouse();
        let verdict = match errno {
            Some(errno) => Verdict::Fail(errno),
            None if deliver => Verdict::Make,
            None => Verdict::MakeAndHold,
        };
        self.answer(id, call, verdict).await
    }

    /// Returns the link whose wait closed a cycle of waits, if the kernel would see that cycle.
    fn victim(&self) -> Option<usize> {
        let cycle = self.find_cycle()?;
        let waiting = |id: &InstanceId| {
            let mut links = self.links.iter().enumerate();
            links.find(|(_, link)| link.id.instance == *id && is_waiting(link))
        };
        let waits = cycle.iter().map(|id| {
            let (place, link) = waiting(id)?;
            let current = link.current.as_ref()?;
            (current.call.verb == Verb::Lock).then_some((current.waits_since, place))
        });
        let waits: Vec<_> = waits.collect::<Option<_>>()?;
        waits.into_iter().max().map(|(_, place)| place)
    }

    /// Forgets the calls of an instance whose processes are gone.
    pub(super) fn end_calls(&mut self, id: InstanceId) {
        for place in 0..self.links.len() {
            let link = &mut self.links[place];
            if link.id.instance == id && link.is_file() && !link.is_gone {
                link.held = None;
                link.current = None;
                link.is_gone = true;
                self.answer_unknown(place);
            }
        }
        self.files.locks.forget(id);
        self.files.is_stale = true;
    }

    /// Returns the threads of an instance that stand in a call of which we decide.
    pub(super) fn held_threads(&self, id: InstanceId) -> BTreeSet<i32> {
        let links = self.links.iter().filter(|link| link.id.instance == id);
        let current = links.filter_map(|link| link.current.as_ref());
        let held = current.filter(|current| !current.is_made);
        held.map(|current| current.call.task).collect()
    }

    /// Returns whether an instance waits for a lock on a file.
    pub(super) fn has_waiting_calls(&self) -> bool {
        self.links.iter().any(is_waiting)
    }
}

/// Returns whether the call of a link waits for a lock, and nobody tries it at the moment.
fn is_waiting(link: &Link) -> bool {
    let mut flights = link.flights.iter();
    !link.is_moving()
        && link.current.is_some()
        && flights.any(|flight| flight.blocked_by.is_some() && !flight.is_answered)
}
