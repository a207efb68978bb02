//! Waiting until the scheduler may choose: every live instance is held, blocked in a service,
//! asleep, or gone.

use crate::dispatcher::Dispatcher;
use crate::dispatcher::nemesis::stops;
use crate::dispatcher::world::{Activity, Life, Link};
use crate::fail::{sandbox_lost, service_failed};
use crate::quiescence::{self, Look};
use crate::sockdiag;
use std::time::{Duration, Instant};
use twiceproof_explore::LabError;
use twiceproof_model::{Enabled, Event, InstanceId};

/// A request without a reply for this long makes the dispatcher ask the service whether it is
/// blocked.
pub(super) const ASK_FIRST: Duration = Duration::from_millis(1);
/// Longest pause between two such questions.
const ASK_PAUSE_MAX: Duration = Duration::from_millis(32);
/// Longest wait for a service to close a link after the instance did.
const LINK_CLOSE_MAX: Duration = Duration::from_secs(2);
/// Longest wait for all links at the end of a part.
const LINKS_CLOSE_MAX: Duration = Duration::from_secs(2);
/// How long the dispatcher waits for a sign before it looks again, where it must look.
const TICK: Duration = Duration::from_millis(1);
/// The same where only something from outside can help.
const IDLE_TICK: Duration = Duration::from_millis(20);
/// Longest wait for a service that says nothing to a new link: it may be one that never speaks
/// first.
const START_UP_MAX: Duration = Duration::from_secs(2);
/// Unread bytes keep an instance from being quiet for at most this long.
const UNREAD_MAX: Duration = Duration::from_millis(20);
/// Bytes that an instance sent and our tap did not read keep it from being quiet for at most this
/// long.
const UNHEARD_MAX: Duration = Duration::from_secs(2);
/// Longest wait for a service to end one of those that wait for each other.
const CYCLE_MAX: Duration = Duration::from_secs(2);
/// Turns of the runtime after which every task has seen what the kernel had for it before the first
/// one: the first turn asks the kernel, the second runs whom that woke, the third whom these woke.
const TURNS: u32 = 3;

impl Dispatcher<'_> {
    /// Waits until every live instance is settled, and returns the steps on offer; none when all
    /// are gone.
    pub(super) async fn quiesce(&mut self) -> Result<Vec<Enabled>, LabError> {
        let begun = Instant::now();
        for instance in self
            .instances
            .iter_mut()
            .filter(|instance| instance.wakeful)
        {
            instance.activity = Activity::Busy;
        }
        loop {
            self.drain().await?;
            self.end_overdue().await?;
            let busy = self.settle_all().await?;
            if self.drain().await? {
                continue;
            }
            if busy {
                self.hear(TICK).await?;
                continue;
            }
            if self.try_again().await? {
                continue;
            }
            let enabled = self.enabled();
            if self.awaits_victim() && begun.elapsed() < CYCLE_MAX {
                // The service ends one of them soon, and that comes before the next step.
                self.tell_cycle();
                self.hear(TICK).await?;
                self.freed = true;
                continue;
            }
            let goes_on = enabled.iter().any(|offer| !offer.step.is_fault());
            if !goes_on && self.is_over() {
                return Ok(Vec::new());
            }
            if Self::has_progress(&enabled) {
                let spent = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.quiesce_us += spent;
                return Ok(enabled);
            }
            self.wait_for_outside().await?;
        }
    }

    /// Handles the signals that are there, without waiting.
    async fn drain(&mut self) -> Result<bool, LabError> {
        self.hear(Duration::ZERO).await
    }

    /// Returns whether no instance can do anything any more.
    fn is_over(&self) -> bool {
        let gone = |life| matches!(life, Life::Gone(_) | Life::Waiting);
        self.instances.iter().all(|instance| gone(instance.life))
            && self.links.iter().all(|link| link.held.is_none())
    }

    /// Nothing is on offer, yet somebody lives: pollers are offered again, cycles are told, time
    /// passes.
    async fn wait_for_outside(&mut self) -> Result<(), LabError> {
        if self.instances.iter().any(|instance| instance.is_polling) {
            self.wake_pollers(None);
            return Ok(());
        }
        self.tell_cycle();
        self.hear(IDLE_TICK).await?;
        self.cell.check_services()?;
        self.freed = true;
        self.files.is_stale = true;
        for instance in &mut self.instances {
            if matches!(instance.life, Life::Running | Life::Ended(_)) {
                instance.activity = Activity::Busy;
                instance.run_clock();
            }
        }
        Ok(())
    }

    /// Returns whether instances wait for each other in a service that ends one of them by itself;
    /// nobody does that where all wait for locks on files.
    fn awaits_victim(&self) -> bool {
        let is_blocked = |link: &Link| {
            link.flights
                .iter()
                .any(|flight| flight.blocked_by.is_some())
        };
        self.find_cycle().is_some_and(|cycle| {
            let mut links = self
                .links
                .iter()
                .filter(|link| cycle.contains(&link.id.instance));
            links.any(|link| !link.is_file() && is_blocked(link))
        })
    }

    /// Kills instances whose time is over, and what outlived its first process for too long.
    async fn end_overdue(&mut self) -> Result<(), LabError> {
        let timeout = self.timeout();
        for place in 0..self.instances.len() {
            let instance = &self.instances[place];
            let is_due = instance.used_now() >= timeout && !instance.is_killed;
            if is_due && instance.is_alive() {
                let id = instance.id;
                self.log.write(Event::TimedOut(id));
                self.kill(id).await?;
            }
        }
        self.end_left_over().await
    }

    /// Settles every instance that is not; returns whether some are busy still.
    async fn settle_all(&mut self) -> Result<bool, LabError> {
        self.ask_services().await?;
        let mut busy = self.is_closing();
        for place in 0..self.instances.len() {
            if self.instances[place].activity == Activity::Busy {
                busy |= !self.settle(place).await?;
            }
        }
        Ok(busy)
    }

    /// Returns whether a close is on its way to a service: it must arrive before the next step.
    fn is_closing(&self) -> bool {
        let rules = self.rules.get();
        self.links.iter().any(|link| {
            if stops(&rules, link).0 {
                return false;
            }
            let is_blocked = link
                .flights
                .iter()
                .any(|flight| flight.blocked_by.is_some());
            let since = link.closing_since.filter(|_| !link.is_gone && !is_blocked);
            link.held.is_none() && since.is_some_and(|since| since.elapsed() < LINK_CLOSE_MAX)
        })
    }

    /// Tries to settle one instance; returns whether it is.
    async fn settle(&mut self, place: usize) -> Result<bool, LabError> {
        let instance = &self.instances[place];
        let id = instance.id;
        let links = || self.links.iter().filter(move |link| link.id.instance == id);
        let mut flights = links().flat_map(|link| &link.flights);
        let waits_for_reply = flights
            .any(|flight| !flight.is_answered && !flight.is_stopped && flight.blocked_by.is_none())
            || links().any(Link::is_moving);
        let rules = self.rules.get();
        let is_stopped = |link: &Link| stops(&rules, link) != (false, false);
        let is_delayed = links().any(|link| link.is_delayed && !is_stopped(link));
        let is_blocked = links()
            .flat_map(|link| &link.flights)
            .any(|flight| flight.blocked_by.is_some());
        let stands = links().any(|link| {
            link.held.is_some() || link.flights.iter().any(|flight| flight.is_answered)
        });
        let asks = links().any(|link| {
            let is_first = link.held.is_none() && link.flights.is_empty() && !is_stopped(link);
            let since = link
                .asked_since
                .filter(|_| is_first && link.closing_since.is_none());
            since.is_some_and(|since| since.elapsed() < START_UP_MAX)
        });
        match instance.life {
            Life::Waiting | Life::Gone(_) => return Ok(self.mark_quiet(place, false)),
            Life::Paused => return Ok(!waits_for_reply && self.mark_quiet(place, false)),
            Life::Ended(_) => return Ok(false),
            Life::Running if waits_for_reply || asks || is_delayed || instance.is_killed => {
                return Ok(false);
            }
            Life::Running => {}
        }
        if self.cell.expects_simple() && self.links_of(id) <= 1 {
            if stands || is_blocked {
                return Ok(self.mark_quiet(place, false));
            }
            let instance = &self.instances[place];
            if !instance.wakeful && instance.stirred.elapsed() < quiescence::EXPECT_MAX {
                return Ok(false);
            }
        }
        self.look(place, stands || is_blocked).await
    }

    fn links_of(&self, id: InstanceId) -> usize {
        self.links
            .iter()
            .filter(|link| link.id.instance == id && !link.is_gone && !link.is_file())
            .count()
    }

    /// Notes that an instance is quiet. `wakeful`: it may go on without a step of ours.
    fn mark_quiet(&mut self, place: usize, wakeful: bool) -> bool {
        let instance = &mut self.instances[place];
        instance.activity = Activity::Quiet;
        instance.wakeful = wakeful;
        if !wakeful {
            instance.stop_clock();
        }
        true
    }

    /// Looks at all threads of an instance; settled when two looks in a row are equal and quiet.
    async fn look(&mut self, place: usize, stands: bool) -> Result<bool, LabError> {
        let id = self.instances[place].id;
        let disguise = self.setup.disguise;
        // What taps were permitted reaches the instance before the first look.
        if self.catch_up().await {
            return Ok(false);
        }
        for _ in 0..2 {
            let seat = self.cell.seat(id, disguise).await?;
            let tasks = seat.sandbox.sample().await;
            let tasks = tasks.map_err(|error| sandbox_lost(place, &error.to_string()))?;
            let look = quiescence::judge(&tasks, &self.held_threads(id));
            let instance = &mut self.instances[place];
            instance.tasks_most = instance.tasks_most.max(tasks.len());
            // Where nobody is left, the news of the end is on its way.
            let is_over = tasks.iter().all(|task| matches!(task.state, b'Z' | b'X'));
            if look == Look::Busy || is_over || self.cell.has_signals() {
                instance.last_look.clear();
                instance.restless_since = None;
                return Ok(false);
            }
            let is_equal = instance.last_look == tasks;
            instance.last_look.clone_from(&tasks);
            if !is_equal {
                instance.restless_since.get_or_insert_with(Instant::now);
                if self.is_restless(place) {
                    return Ok(self.settle_by_guess(place, stands));
                }
                continue;
            }
            // What the instance did before the looks reaches us before they count.
            if self.catch_up().await || self.has_unread(place) {
                return Ok(false);
            }
            return Ok(self.settle_by_look(place, look, stands));
        }
        Ok(false)
    }

    /// Lets all tasks handle what the kernel has for them; returns whether one of them has
    /// something to tell.
    async fn catch_up(&mut self) -> bool {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        self.cell.has_signals()
    }

    fn is_restless(&self, place: usize) -> bool {
        let since = self.instances[place].restless_since;
        since.is_some_and(|since| since.elapsed() >= quiescence::SETTLE_WINDOW)
    }

    /// Level 3: each look was quiet, but no two were equal for the whole settle window.
    fn settle_by_guess(&mut self, place: usize, stands: bool) -> bool {
        let instance = &mut self.instances[place];
        let id = instance.id;
        if !std::mem::replace(&mut instance.best_effort, true) {
            let reason = "its threads never rest, so quiet is a guess".to_owned();
            self.log.write(Event::BestEffort {
                instance: id,
                reason,
            });
        }
        self.mark_quiet(place, !stands)
    }

    fn settle_by_look(&mut self, place: usize, look: Look, stands: bool) -> bool {
        if stands {
            return self.mark_quiet(place, false);
        }
        if look != Look::Sleeping {
            return self.mark_quiet(place, true);
        }
        let instance = &mut self.instances[place];
        if instance.slept == instance.last_look {
            // It was told to wake, and still sleeps.
            return false;
        }
        instance.slept.clone_from(&instance.last_look);
        instance.activity = Activity::Asleep;
        instance.wakeful = false;
        let id = instance.id;
        self.log.write(Event::Asleep(id));
        true
    }

    /// Returns whether bytes that we delivered lie unread, for a short while at most, or bytes for
    /// us do.
    fn has_unread(&mut self, place: usize) -> bool {
        let id = self.instances[place].id;
        let since = self.instances[place].stirred.elapsed();
        let open = self
            .links
            .iter()
            .filter(|link| link.id.instance == id && !link.is_gone);
        let addresses: Vec<_> = open.filter_map(|link| link.addresses).collect();
        let Some(diag) = self.cell.diag(id, self.setup.disguise) else {
            return false;
        };
        let waits =
            |own, peer| sockdiag::queues(diag, own, peer).is_ok_and(|queues| queues.unread > 0);
        addresses.iter().any(|(instance, ours)| {
            (since < UNREAD_MAX && waits(*instance, *ours))
                || (since < UNHEARD_MAX && waits(*ours, *instance))
        })
    }

    /// Asks services which of the requests without a reply are blocked, where it is time to.
    async fn ask_services(&mut self) -> Result<(), LabError> {
        let now = Instant::now();
        let freed = std::mem::take(&mut self.freed);
        for service in 0..self.cell.services.len() {
            let is_due = |flight: &super::world::Flight| {
                let waiting = !flight.is_answered;
                let again = freed && flight.blocked_by.is_some();
                waiting && (again || (flight.blocked_by.is_none() && flight.ask_at <= now))
            };
            let links = self
                .links
                .iter()
                .filter(|link| link.service == service && !link.is_gone);
            let due = links.filter(|link| link.flights.iter().any(is_due));
            let sessions: Vec<i32> = due.filter_map(|link| link.session).collect();
            if sessions.is_empty() || self.cell.services[service].is_down {
                continue;
            }
            let begun = Instant::now();
            let blocked = self.cell.services[service].service.blocked(&sessions).await;
            let blocked = blocked.map_err(service_failed)?;
            let spent = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.blocked_us += spent;
            self.note_blocked(service, &sessions, &blocked);
        }
        Ok(())
    }

    fn note_blocked(
        &mut self,
        service: usize,
        asked: &[i32],
        blocked: &std::collections::BTreeMap<i32, Vec<i32>>,
    ) {
        let owners: std::collections::BTreeMap<i32, InstanceId> = self
            .links
            .iter()
            .filter(|link| link.service == service)
            .filter_map(|link| Some((link.session?, link.id.instance)))
            .collect();
        for link in self.links.iter_mut().filter(|link| link.service == service) {
            let Some(session) = link.session.filter(|session| asked.contains(session)) else {
                continue;
            };
            let instance = link.id.instance;
            let Some(flight) = link.flights.iter_mut().find(|flight| !flight.is_answered) else {
                continue;
            };
            flight.ask_pause = (flight.ask_pause * 2).min(ASK_PAUSE_MAX);
            flight.ask_at = Instant::now() + flight.ask_pause;
            match (blocked.get(&session), &flight.blocked_by) {
                (Some(by), None) => {
                    let mut by: Vec<InstanceId> = by
                        .iter()
                        .filter_map(|session| owners.get(session).copied())
                        .collect();
                    by.sort_unstable();
                    by.dedup();
                    flight.blocked_by = Some(by.clone());
                    self.log.write(Event::Blocked { instance, by });
                }
                (None, Some(_)) => {
                    flight.blocked_by = None;
                    self.instances[instance.index()].stir();
                    self.log.write(Event::Unblocked(instance));
                }
                _ => {}
            }
        }
    }

    /// Waits until every instance is gone, killing those whose time is over.
    pub(super) async fn await_ends(&mut self) -> Result<(), LabError> {
        while !self.are_ended().await? {}
        Ok(())
    }

    /// The same, or until another start may come; returns whether all is over.
    pub(super) async fn await_ends_or_starts(&mut self) -> Result<bool, LabError> {
        loop {
            let waiting = InstanceId::first(self.setup.instances);
            if waiting.into_iter().any(|id| self.may_start(id)) {
                return Ok(false);
            }
            if self.are_ended().await? {
                return Ok(true);
            }
        }
    }

    /// Returns whether no instance lives, or hears what happens for a while.
    async fn are_ended(&mut self) -> Result<bool, LabError> {
        self.end_overdue().await?;
        let over = self
            .instances
            .iter()
            .all(|instance| matches!(instance.life, Life::Gone(_) | Life::Waiting));
        if !over {
            self.hear(IDLE_TICK).await?;
        }
        Ok(over)
    }

    /// Closes what is left of the links, as no process is left to use them.
    pub(super) async fn close_links(&mut self) -> Result<(), LabError> {
        for link in self.links.iter().filter(|link| !link.is_gone) {
            link.permit(crate::tap::tcp::Permit::Abandon);
        }
        let begun = Instant::now();
        while self.links.iter().any(|link| !link.is_gone) && begun.elapsed() < LINKS_CLOSE_MAX {
            self.hear(TICK).await?;
        }
        self.links.clear();
        Ok(())
    }
}
