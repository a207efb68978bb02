//! What the dispatcher knows of the instances and links of its trial.

use crate::dispatcher::calls::Current;
use crate::dispatcher::output::OutputReader;
use crate::dispatcher::polling::History;
use crate::dispatcher::quiesce::ASK_FIRST;
use crate::sandbox::{StartId, TaskSample};
use crate::tap::tcp::Permit;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use twiceproof_explore::Fate;
use twiceproof_model::{Exit, InstanceId, LinkId, Request, RequestId, ServiceName, Signature};

/// The life of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its start is a step to come.
    Waiting,
    /// Its first process runs.
    Running,
    /// Every thread stands still, by our doing.
    Paused,
    /// Its first process ended; others of its tree may still run.
    Ended(Exit),
    /// No process is left.
    Gone(Exit),
}

/// Whether the dispatcher may choose while this instance is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It runs, or what it does is not known yet.
    Busy,
    /// It is quiet: held, answered, or without anything to offer.
    Quiet,
    /// It is quiet until a time of its own comes; only `Wake` is on offer.
    Asleep,
}

/// One instance of a trial.
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) life: Life,
    pub(crate) start: Option<StartId>,
    pub(crate) started: Option<Instant>,
    pub(crate) output: Option<OutputReader>,
    pub(crate) activity: Activity,
    /// Whether it can go on without a step of ours, as it waits in the kernel: looked at again each
    /// time.
    pub(crate) wakeful: bool,
    /// When it was last seen to do something.
    pub(crate) stirred: Instant,
    /// The last look at its threads.
    pub(crate) last_look: Vec<TaskSample>,
    /// The sleeping threads when it was found asleep; it has woken when they have moved.
    pub(crate) slept: Vec<TaskSample>,
    /// Since when its looks were quiet but never equal.
    pub(crate) restless_since: Option<Instant>,
    /// Time used, not counting that in which it was held or paused.
    pub(crate) used: Duration,
    /// Since when its time runs.
    pub(crate) clock_since: Option<Instant>,
    pub(crate) history: History,
    pub(crate) is_polling: bool,
    /// How many threads, and links, it was seen with at most.
    pub(crate) tasks_most: usize,
    pub(crate) links_opened: u32,
    pub(crate) requests: u32,
    counts: BTreeMap<(ServiceName, String), u32>,
    link_counts: BTreeMap<ServiceName, u32>,
    pub(crate) is_killed: bool,
    pub(crate) best_effort: bool,
}

impl Instance {
    pub(crate) fn new(id: InstanceId) -> Self {
        Self {
            id,
            life: Life::Waiting,
            start: None,
            started: None,
            output: None,
            activity: Activity::Quiet,
            wakeful: false,
            stirred: Instant::now(),
            last_look: Vec::new(),
            slept: Vec::new(),
            restless_since: None,
            used: Duration::ZERO,
            clock_since: None,
            history: History::default(),
            is_polling: false,
            tasks_most: 0,
            links_opened: 0,
            requests: 0,
            counts: BTreeMap::new(),
            link_counts: BTreeMap::new(),
            is_killed: false,
            best_effort: false,
        }
    }

    /// Notes that it does something: it is looked at anew before the next choice.
    ///
    /// A sleeper that wakes by itself still offers `Wake` alone, so that a replay is offered the
    /// same.
    pub(crate) fn stir(&mut self) {
        let is_asleep = self.activity == Activity::Asleep;
        self.rouse();
        if is_asleep {
            self.activity = Activity::Asleep;
        }
    }

    /// Notes that it does something by our doing, or that it ended.
    pub(crate) fn rouse(&mut self) {
        self.activity = Activity::Busy;
        self.wakeful = false;
        self.stirred = Instant::now();
        self.last_look.clear();
        self.restless_since = None;
        self.run_clock();
    }

    pub(crate) fn run_clock(&mut self) {
        self.clock_since.get_or_insert_with(Instant::now);
    }

    pub(crate) fn stop_clock(&mut self) {
        if let Some(since) = self.clock_since.take() {
            self.used += since.elapsed();
        }
    }

    /// Returns the time used so far.
    pub(crate) fn used_now(&self) -> Duration {
        self.used
            + self
                .clock_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Returns what became of its start. `by_clock`: the time that it lives counts.
    pub(crate) fn fate(&self, by_clock: bool) -> Fate {
        let lived = || self.started.map_or(Duration::ZERO, |at| at.elapsed());
        match self.life {
            Life::Waiting => Fate::Waiting,
            Life::Running | Life::Paused => Fate::Running(by_clock.then(lived)),
            Life::Ended(exit) | Life::Gone(exit) => Fate::Ended(exit),
        }
    }

    /// Returns whether any process of it may still act.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.life, Life::Running | Life::Paused | Life::Ended(_))
    }

    /// Names its next link to the service.
    pub(crate) fn name_link(&mut self, service: &ServiceName) -> LinkId {
        self.links_opened += 1;
        self.name_pseudo_link(service)
    }

    /// Names its next link to a service that is not connected to.
    pub(crate) fn name_pseudo_link(&mut self, service: &ServiceName) -> LinkId {
        let ordinal = self.link_counts.entry(service.clone()).or_insert(0);
        *ordinal += 1;
        LinkId {
            instance: self.id,
            service: service.clone(),
            ordinal: *ordinal,
        }
    }

    /// Names its next request.
    pub(crate) fn name_request(&mut self, link: &LinkId, text: String) -> Request {
        self.requests += 1;
        let nth = self
            .counts
            .entry((link.service.clone(), text.clone()))
            .or_insert(0);
        *nth += 1;
        Request {
            id: RequestId {
                instance: self.id,
                ordinal: self.requests,
            },
            link: link.clone(),
            signature: Signature {
                service: link.service.clone(),
                text,
                nth: *nth,
            },
        }
    }
}

/// A request on its way.
pub(crate) struct Flight {
    pub(crate) request: Request,
    pub(crate) bytes_hash: u64,
    /// Whether its reply is delivered as soon as it is there.
    pub(crate) deliver: bool,
    /// Whether its reply is there and waits.
    pub(crate) is_answered: bool,
    /// Whether a fault keeps it from the service.
    pub(crate) is_stopped: bool,
    /// Whether it waits for others inside the service.
    pub(crate) blocked_by: Option<Vec<InstanceId>>,
    /// When to ask the service next whether it is blocked.
    pub(crate) ask_at: Instant,
    pub(crate) ask_pause: Duration,
}

impl Flight {
    /// Returns a request that was forwarded just now. `deliver`: its reply is delivered at once.
    pub(crate) fn new(request: Request, bytes_hash: u64, deliver: bool) -> Self {
        let now = Instant::now();
        Self {
            request,
            bytes_hash,
            deliver,
            is_answered: false,
            is_stopped: false,
            blocked_by: None,
            ask_at: now + ASK_FIRST,
            ask_pause: ASK_FIRST,
        }
    }
}

/// One link of a trial.
pub(crate) struct Link {
    pub(crate) id: LinkId,
    /// Place of the service among the cell's.
    pub(crate) service: usize,
    pub(crate) permits: UnboundedSender<Permit>,
    pub(crate) session: Option<i32>,
    /// The instance's address of the connection, and ours.
    pub(crate) addresses: Option<(SocketAddr, SocketAddr)>,
    /// The request that waits to be forwarded, with the hash of its bytes.
    pub(crate) held: Option<(Request, u64)>,
    /// Requests forwarded and not delivered, oldest first; more than one only on links that are not
    /// gated.
    pub(crate) flights: Vec<Flight>,
    pub(crate) is_opaque: bool,
    /// Whether bytes wait in its tap for a time that a fault set.
    pub(crate) is_delayed: bool,
    /// Since when the instance waits for the service outside any request, as in a start-up.
    pub(crate) asked_since: Option<Instant>,
    /// When the instance ended its direction.
    pub(crate) closing_since: Option<Instant>,
    pub(crate) is_gone: bool,
    /// Whether the service ended its direction.
    pub(crate) is_deserted: bool,
    /// Whether a fault keeps that from the instance.
    pub(crate) is_half_open: bool,
    /// Whether it stands for calls on files, and no connection.
    pub(crate) is_pseudo: bool,
    /// The call that a pseudo link stands for at the moment.
    pub(crate) current: Option<Current>,
}

impl Link {
    /// Returns a link on which nothing has happened.
    pub(crate) fn new(id: LinkId, service: usize, permits: UnboundedSender<Permit>) -> Self {
        Self {
            id,
            service,
            permits,
            session: None,
            addresses: None,
            held: None,
            flights: Vec::new(),
            is_opaque: false,
            is_delayed: false,
            asked_since: None,
            closing_since: None,
            is_gone: false,
            is_deserted: false,
            is_half_open: false,
            is_pseudo: false,
            current: None,
        }
    }

    /// Returns whether its service has left it.
    pub(crate) fn is_left(&self) -> bool {
        self.is_gone || self.is_deserted || self.is_file()
    }

    /// Ends it for an instance that is dead; the service hears of it.
    pub(crate) fn abandon(&mut self) {
        self.held = None;
        self.closing_since.get_or_insert_with(Instant::now);
        self.permit(Permit::Abandon);
    }

    /// Lets its tap do something. A tap that is gone needs no permit.
    pub(crate) fn permit(&self, permit: Permit) {
        let _ = self.permits.send(permit);
    }
}
