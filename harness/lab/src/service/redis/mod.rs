//! Redis: a private server for each cell, without any persistence.

pub(crate) mod client;
mod lease;
mod seed;
mod server;

use crate::service::{
    Halt, KnownContents, Service, ServiceContext, ServiceError, ServiceKind, ServiceStream,
};
use crate::source::redis::{CaptureError, capture};
use client::{Client, Failed};
use futures_util::future::LocalBoxFuture;
use seed::{Seeded, Settings};
use server::Server;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use twiceproof_model::ServiceName;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_model::snapshot::{Object, ObjectName};

/// The registry entry.
pub(super) struct Redis;

const KIND: Kind = Kind {
    name: "redis",
    doc: "Redis 7 or later: a private server per cell, started from the installed `redis-server` or from an image.",
    keys: &[Key {
        name: "password",
        value: KeyType::Text,
        required: false,
        default: "",
        doc: "Password of the default user; without it the server asks for none.",
    }],
    port: Some(server::PORT),
};

/// Longest wait for the sessions of a former trial to end.
const SESSIONS_WAIT_MAX: Duration = Duration::from_secs(5);

/// How often they are counted until then.
const SESSIONS_POLL: Duration = Duration::from_millis(1);

impl ServiceKind for Redis {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn protocol(&self) -> Option<&'static str> {
        Some("redis")
    }

    fn restarts(&self) -> bool {
        true
    }

    fn has_leases(&self) -> bool {
        true
    }

    fn start<'a>(
        &'a self,
        context: ServiceContext<'a>,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Service>, ServiceError>> {
        Box::pin(async move {
            let password = context.spec.options.get("password");
            let password = password.cloned().unwrap_or_default();
            let server = Server::open(&context, password.clone()).await?;
            let mut origin = Origin {
                server,
                service: context.spec.name.clone(),
                patterns: context.state.tables.clone(),
                seeds: context.spec.seed.clone(),
                password,
            };
            let (client, seeded) = origin.make().await?;
            Ok(Box::new(Running {
                origin,
                client,
                seeded,
            }) as Box<dyn Service>)
        })
    }
}

/// A server with what it is seeded with.
struct Origin {
    server: Server,
    service: ServiceName,
    patterns: Vec<String>,
    seeds: Vec<PathBuf>,
    password: String,
}

impl Origin {
    /// Starts a new server and seeds it.
    async fn make(&mut self) -> Result<(Client, Seeded), ServiceError> {
        self.server.start_fresh().await?;
        let mut client = self.first_client().await?;
        let mut scripts = Vec::new();
        for path in self.seeds.clone() {
            let loaded = seed::load(&mut client, &path, &mut scripts).await;
            match loaded {
                Ok(()) => {}
                Err(seed::LoadError::Input(message)) => return Err(self.server.input(message)),
                Err(seed::LoadError::Failed(failed)) => {
                    return self.check("seed it", Err(failed)).await;
                }
            }
        }
        let read = Seeded::read(&mut client, scripts).await;
        let seeded = self.check("read the seeded keys", read).await?;
        // Once, so that the first trial finds them as all others do.
        let put = seeded.put_back(&mut client).await;
        self.check("put the seeded keys back", put).await?;
        Ok((client, seeded))
    }

    /// Opens the lab's connection to a server that is starting.
    async fn first_client(&mut self) -> Result<Client, ServiceError> {
        let mut client = Client::new(self.server.first_dial().await?);
        if !self.password.is_empty() {
            let password = self.password.clone();
            let answer = client.ask(&["AUTH", &password]).await;
            self.check("log in", answer).await?;
        }
        Ok(client)
    }

    /// Returns what was asked for, or the error of it: the server's death, if that is why.
    async fn check<T>(&mut self, tried: &str, done: Result<T, Failed>) -> Result<T, ServiceError> {
        match done {
            Ok(value) => Ok(value),
            Err(error @ Failed::Refused { .. }) => {
                let message = format!("cannot {tried}: {error}");
                Err(self
                    .server
                    .environment(message, "the server's words stand above"))
            }
            Err(error) => Err(self
                .server
                .death_or(&format!("cannot {tried}: {error}"))
                .await),
        }
    }
}

/// A running service.
struct Running {
    origin: Origin,
    client: Client,
    seeded: Seeded,
}

impl Running {
    /// Ends all other sessions and puts everything back; false if the server is not what it was.
    async fn put_back(&mut self) -> Result<bool, Failed> {
        let client = &mut self.client;
        for kind in ["normal", "pubsub"] {
            client
                .ask(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])
                .await?;
        }
        client.ask(&["CLIENT", "UNPAUSE"]).await?;
        let since = Instant::now();
        while client
            .ask(&["CLIENT", "LIST"])
            .await?
            .text()
            .lines()
            .count()
            > 1
        {
            if since.elapsed() > SESSIONS_WAIT_MAX {
                return Ok(false);
            }
            tokio::time::sleep(SESSIONS_POLL).await;
        }
        if Settings::read(client).await? != self.seeded.settings {
            return Ok(false);
        }
        self.seeded.put_back(client).await?;
        Ok(true)
    }

    async fn reset_all(&mut self) -> Result<(), ServiceError> {
        match self.put_back().await {
            Ok(true) => return Ok(()),
            Ok(false) | Err(Failed::Refused { .. }) => {}
            // Whoever ended the lab's session, or keeps the server busy, gets a new server.
            Err(error) => {
                let error = self.origin.server.death_or(&error.to_string()).await;
                if matches!(error, ServiceError::Died { .. }) {
                    return Err(error);
                }
            }
        }
        let (client, seeded) = self.origin.make().await?;
        (self.client, self.seeded) = (client, seeded);
        Ok(())
    }
}

impl Service for Running {
    fn version(&self) -> String {
        self.origin.server.version().to_owned()
    }

    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>> {
        Box::pin(async { Ok(ServiceStream::Tcp(self.origin.server.dial().await?)) })
    }

    fn session(&self, stream: &ServiceStream) -> Option<i32> {
        match stream {
            ServiceStream::Tcp(stream) => Some(i32::from(stream.local_addr().ok()?.port())),
            ServiceStream::Unix(_) => None,
        }
    }

    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(self.reset_all())
    }

    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>> {
        Box::pin(async move {
            let Origin {
                service, patterns, ..
            } = &self.origin;
            match capture(&mut self.client, service, patterns, known).await {
                Ok(objects) => Ok(objects),
                Err(CaptureError::Failed(failed)) => {
                    self.origin.check("capture the state", Err(failed)).await
                }
                Err(error @ CaptureError::TooMany { .. }) => Err(self.origin.server.environment(
                    format!("cannot compare its state: {error}"),
                    "name fewer keys in the target's `state`",
                )),
            }
        })
    }

    fn blocked<'a>(
        &'a mut self,
        sessions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<BTreeMap<i32, Vec<i32>>, ServiceError>> {
        Box::pin(async move {
            let list = self.client.ask(&["CLIENT", "LIST"]).await;
            let list = self.origin.check("ask who is blocked", list).await?;
            // Nobody knows who will write what they wait for.
            let waiting = list
                .text()
                .lines()
                .filter_map(waiting_session)
                .collect::<Vec<_>>();
            let asked = waiting.into_iter().filter(|port| sessions.contains(port));
            Ok(asked.map(|port| (port, Vec::new())).collect())
        })
    }

    fn outlive<'a>(
        &'a mut self,
        lease: &'a str,
        bound: Duration,
    ) -> LocalBoxFuture<'a, Result<Option<Duration>, ServiceError>> {
        Box::pin(async move {
            let lasted = lease::outlive(&mut self.client, lease, bound).await;
            self.origin
                .check("wait for the end of a lease", lasted)
                .await
        })
    }

    fn expire<'a>(&'a mut self, lease: &'a str) -> LocalBoxFuture<'a, Result<bool, ServiceError>> {
        Box::pin(async move {
            let expired = lease::expire(&mut self.client, lease).await;
            self.origin.check("end a lease", expired).await
        })
    }

    fn halt(&mut self, halt: Halt) -> LocalBoxFuture<'_, Result<bool, ServiceError>> {
        Box::pin(async move {
            self.origin.server.halt(halt).await?;
            Ok(true)
        })
    }

    fn start_again(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(async move {
            self.origin.server.launch().await?;
            self.client = self.origin.first_client().await?;
            Ok(())
        })
    }

    fn died(&mut self) -> LocalBoxFuture<'_, ServiceError> {
        Box::pin(self.origin.server.died())
    }
}

/// Returns the port of the session that this line of CLIENT LIST is about, if it is blocked:
/// `id=3 addr=127.0.0.1:52555 ... flags=b ...`.
fn waiting_session(line: &str) -> Option<i32> {
    let value = |name: &str| {
        let mut words = line.split(' ');
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let port = value("addr")?.rsplit(':').next()?.parse().ok()?;
    value("flags")?.contains('b').then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_wait() {
        let line = "id=3 addr=127.0.0.1:52555 laddr=127.0.0.1:6379 fd=8 name= age=1 flags=b db=0";
        assert_eq!(waiting_session(line), Some(52555));
        assert_eq!(waiting_session(&line.replace("flags=b", "flags=N")), None);
        assert_eq!(waiting_session("name=flags=b"), None);
    }
}
