//! PostgreSQL: a private server for each cell.

mod admin;
mod ask;
mod history;
mod kind;
mod lease;
mod reset;
mod restart;
mod server;

use crate::service::{
    Changes, Halt, KnownContents, Service, ServiceContext, ServiceError, ServiceKind, ServiceStream,
};
use crate::source::postgres::capture::{Capturer, Fingerprint};
use admin::{Admin, words};
use futures_util::future::{LocalBoxFuture, try_join};
use kind::KIND;
use reset::{Rows, Seed, Way, identifier, literal};
use server::Server;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio_postgres::{Client, Error};
use twiceproof_model::digest::{Digest, Hasher};
use twiceproof_model::kind::Kind;
use twiceproof_model::snapshot::{Object, ObjectName};
use twiceproof_model::{Answer, ServiceName};

/// The registry entry.
pub(super) struct Postgres;

/// The copy of the seeded database. Nobody can connect to it: any session would make copying it
/// wait.
const TEMPLATE: &str = "twiceproof_seed";

impl ServiceKind for Postgres {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn protocol(&self) -> Option<&'static str> {
        Some("postgres")
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
            let option = |name: &str| {
                context
                    .spec
                    .options
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| "app".to_owned())
            };
            let (database, user) = (option("database"), option("user"));
            let server = Server::open(&context, &user).await?;
            let mut cluster = Cluster {
                server,
                service: context.spec.name.clone(),
                patterns: context.state.tables.clone(),
                seeds: context.spec.seed.clone(),
                database,
                user,
            };
            let (session, maintenance, seed) = cluster.make().await?;
            Ok(Box::new(Running {
                cluster,
                session,
                maintenance,
                seed,
                seen: None,
            }) as Box<dyn Service>)
        })
    }
}

/// A server with what it is seeded with.
struct Cluster {
    server: Server,
    service: ServiceName,
    patterns: Vec<String>,
    seeds: Vec<PathBuf>,
    database: String,
    user: String,
}

/// The lab's session on the seeded database, with its statements.
struct Session {
    admin: Admin,
    capturer: Capturer,
    way: Option<Way>,
}

impl Cluster {
    /// Makes a new cluster and everything in it.
    async fn make(&mut self) -> Result<(Session, Admin, Seed), ServiceError> {
        let seeds = self.seeds_digest()?;
        self.server.start_fresh().await?;
        let maintenance = self.first_session().await?;
        let create = format!("create database {}", identifier(&self.database));
        let exists = format!(
            "select exists (select from pg_catalog.pg_database where datname = {})",
            literal(&self.database)
        );
        let made = async {
            if !maintenance
                .client()
                .query_one(&exists, &[])
                .await?
                .get::<_, bool>(0)
            {
                maintenance.client().batch_execute(&create).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = made.await {
            return Err(self.failed("create the database", &error).await);
        }
        for path in self.seeds.clone() {
            self.server.load(&path, &self.database).await?;
        }
        let mut session = self.session(None).await?;
        if self.server.history
            && let Err(error) = history::prepare(session.admin.client()).await
        {
            return Err(self.failed("prepare a history of rows", &error).await);
        }
        let rows = match self.settle(&mut session, &maintenance, seeds).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.failed("read the seeded rows", &error).await),
        };
        drop(session.admin);
        if let Err(error) = self.make_template(&maintenance).await {
            return Err(self.failed("copy the seeded database", &error).await);
        }
        let session = self.session(rows.as_deref().ok()).await?;
        let fingerprint = match session.capturer.fingerprint(session.admin.client()).await {
            Ok(fingerprint) => fingerprint,
            Err(error) => return Err(self.failed("read the schema", &error).await),
        };
        Ok((session, maintenance, Seed { fingerprint, rows }))
    }

    /// Reads the seeded rows, or takes those of an equal service, and puts them back once, so that
    /// the first trial finds them as all others do.
    async fn settle(
        &self,
        session: &mut Session,
        maintenance: &Admin,
        seeds: Digest,
    ) -> Result<Result<Arc<Rows>, &'static str>, Error> {
        session.admin.end_others(&[maintenance.pid()]).await?;
        let client = session.admin.client();
        let catalogue = session.capturer.catalogue(client).await?;
        let rows = match reset::read(client, &catalogue).await? {
            Ok(rows) => reset::share(seeds, rows),
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let mut way = Way::new(client, &rows).await?;
        match way.put_back(&session.admin).await {
            Ok(()) => Ok(Ok(rows)),
            // An index or a check that needs a search path, for one.
            Err(error) if error.as_db_error().is_some() => Ok(Err("the server refuses the rows")),
            Err(error) => Err(error),
        }
    }

    /// Returns the hash of what the database is seeded with.
    fn seeds_digest(&self) -> Result<Digest, ServiceError> {
        let mut hasher = Hasher::new("postgres seeds 1");
        for word in [self.server.version(), &self.database, &self.user] {
            hasher.field(word);
        }
        for path in &self.seeds {
            let read = std::fs::read(path).map_err(|error| {
                self.server
                    .input(format!("cannot read seed file {}: {error}", path.display()))
            });
            hasher.bytes(&read?);
        }
        Ok(hasher.finish())
    }

    async fn make_template(&self, maintenance: &Admin) -> Result<(), Error> {
        maintenance.end_others(&[]).await?;
        let client = maintenance.client();
        let database = identifier(&self.database);
        client
            .batch_execute(&format!("create database {TEMPLATE} template {database}"))
            .await?;
        self.copy_settings(client, &self.database, TEMPLATE).await?;
        client
            .batch_execute(&format!(
                "alter database {TEMPLATE} allow_connections false"
            ))
            .await
    }

    /// Makes the database anew from its copy.
    async fn restore_template(&self, maintenance: &Admin) -> Result<(), Error> {
        maintenance.end_others(&[]).await?;
        let client = maintenance.client();
        let database = identifier(&self.database);
        client
            .batch_execute(&format!("drop database if exists {database} with (force)"))
            .await?;
        client
            .batch_execute(&format!("create database {database} template {TEMPLATE}"))
            .await?;
        self.copy_settings(client, TEMPLATE, &self.database).await
    }

    /// Copies what CREATE DATABASE leaves behind: grants, and the settings of ALTER DATABASE.
    async fn copy_settings(&self, client: &Client, from: &str, to: &str) -> Result<(), Error> {
        let (from, to) = (literal(from), literal(to));
        let sql = format!(
            "update pg_catalog.pg_database set datacl = \
               (select datacl from pg_catalog.pg_database where datname = {from}) \
             where datname = {to}; \
             insert into pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig) \
             select t.oid, s.setrole, s.setconfig from pg_catalog.pg_db_role_setting s \
             join pg_catalog.pg_database f on f.oid = s.setdatabase and f.datname = {from}, \
             pg_catalog.pg_database t where t.datname = {to}"
        );
        client.batch_execute(&sql).await
    }

    /// Returns a database that exists in every cluster, from which others are made and dropped.
    fn maintenance(&self) -> &'static str {
        match self.database.as_str() {
            "postgres" => "template1",
            // Not this one if it can be helped: a session on it makes a CREATE DATABASE of the
            // job's wait.
            _ => "postgres",
        }
    }

    /// Opens the first session of a server that is starting.
    async fn first_session(&mut self) -> Result<Admin, ServiceError> {
        let since = Instant::now();
        loop {
            if let Some(stream) = self.server.try_dial().await?
                && let Ok(admin) = Admin::connect(stream, &self.user, self.maintenance()).await
            {
                return Ok(admin);
            }
            self.server.await_ready(since).await?;
        }
    }

    /// Opens the session on the seeded database.
    async fn session(&mut self, rows: Option<&Rows>) -> Result<Session, ServiceError> {
        let stream = self.server.dial().await?;
        let opened = async {
            let admin = Admin::connect(stream, &self.user, &self.database).await?;
            let client = admin.client();
            let capturer = Capturer::new(client, &self.service, &self.patterns).await?;
            let way = match rows {
                Some(rows) => Some(Way::new(client, rows).await?),
                None => None,
            };
            Ok::<_, Error>(Session {
                admin,
                capturer,
                way,
            })
        };
        match opened.await {
            Ok(session) => Ok(session),
            Err(error) => Err(self.failed("open a session", &error).await),
        }
    }

    /// Returns the error of a session: the server's death, if that is why.
    async fn failed(&mut self, tried: &str, error: &Error) -> ServiceError {
        let message = format!("cannot {tried}: {}", words(error));
        if error
            .as_db_error()
            .is_some_and(|said| said.code().code() != "57P01")
        {
            return self
                .server
                .environment(message, "the server's words stand above");
        }
        self.server.death_or(&message).await
    }
}

/// A running service.
struct Running {
    cluster: Cluster,
    session: Session,
    maintenance: Admin,
    seed: Seed,
    /// What the last capture saw of the schema, if it saw no session and no link was opened since.
    seen: Option<Fingerprint>,
}

/// How the seeded state comes back.
enum Road {
    Rows,
    Template,
    Cluster,
}

impl Running {
    fn ours(&self) -> [i32; 2] {
        [self.session.admin.pid(), self.maintenance.pid()]
    }

    async fn road(&mut self) -> Result<Road, Error> {
        let now = match self.seen.take() {
            Some(seen) => seen,
            None => {
                let admin = &self.session.admin;
                admin.end_others(&self.ours()).await?;
                self.session.capturer.fingerprint(admin.client()).await?
            }
        };
        let seeded = &self.seed.fingerprint;
        Ok(match &self.session.way {
            _ if now.cluster != seeded.cluster => Road::Cluster,
            Some(_) if now.database == seeded.database => Road::Rows,
            _ => Road::Template,
        })
    }

    /// Makes the database from its template; false if that did not bring the seeded state back.
    async fn restore(&mut self) -> Result<bool, ServiceError> {
        if let Err(error) = self.cluster.restore_template(&self.maintenance).await {
            if error.as_db_error().is_none() {
                return Err(self
                    .cluster
                    .failed("copy the seeded database", &error)
                    .await);
            }
            return Ok(false);
        }
        let session = self.cluster.session(self.seed.rows.as_deref().ok()).await?;
        let former = std::mem::replace(&mut self.session, session);
        self.session.capturer.inherit(former.capturer);
        let client = self.session.admin.client();
        match self.session.capturer.fingerprint(client).await {
            Ok(now) => Ok(now == self.seed.fingerprint),
            Err(error) => Err(self.cluster.failed("read the schema", &error).await),
        }
    }

    async fn reset_all(&mut self) -> Result<(), ServiceError> {
        let mut road = match self.road().await {
            Ok(road) => road,
            // Whoever dropped the database, or ended the lab's session, gets a new cluster.
            Err(error) => match self.cluster.failed("look at the schema", &error).await {
                died @ ServiceError::Died { .. } => return Err(died),
                _ => Road::Cluster,
            },
        };
        if let (Road::Rows, Some(way)) = (&road, &mut self.session.way) {
            match way.put_back(&self.session.admin).await {
                Ok(()) => return Ok(()),
                Err(error) if error.as_db_error().is_some() => road = Road::Template,
                Err(error) => {
                    return Err(self
                        .cluster
                        .failed("put the seeded rows back", &error)
                        .await);
                }
            }
        }
        if matches!(road, Road::Template) && self.restore().await? {
            return Ok(());
        }
        let (session, maintenance, seed) = self.cluster.make().await?;
        (self.session, self.maintenance, self.seed) = (session, maintenance, seed);
        Ok(())
    }
}

impl Service for Running {
    fn version(&self) -> String {
        self.cluster.server.version().to_owned()
    }

    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>> {
        Box::pin(async {
            self.seen = None;
            Ok(ServiceStream::Tcp(self.cluster.server.dial().await?))
        })
    }

    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(async {
            self.reset_all().await?;
            if self.cluster.server.history
                && let Err(error) = history::begin(self.session.admin.client()).await
            {
                return Err(self.cluster.failed("begin a history of rows", &error).await);
            }
            Ok(())
        })
    }

    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>> {
        Box::pin(async move {
            let ours = self.ours();
            let Session {
                admin, capturer, ..
            } = &mut self.session;
            let captured = async {
                loop {
                    // Asked before the state is: who is at rest then has nothing left to commit.
                    let asked = admin.others(&ours);
                    let both = try_join(asked, capturer.capture(admin.client(), known)).await?;
                    if both.0.active == 0 {
                        return Ok::<_, Error>(both);
                    }
                    if admin.wait_for_rest(&ours).await?.active > 0 {
                        return Ok(both);
                    }
                }
            };
            match captured.await {
                Ok((others, captured)) => {
                    self.seen = (others.open == 0).then_some(captured.fingerprint);
                    Ok(captured.objects)
                }
                Err(error) => Err(self.cluster.failed("capture the state", &error).await),
            }
        })
    }

    fn blocked<'a>(
        &'a mut self,
        sessions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<BTreeMap<i32, Vec<i32>>, ServiceError>> {
        Box::pin(async move {
            match self.session.admin.blocked(sessions).await {
                Ok(blocked) => Ok(blocked),
                Err(error) => Err(self.cluster.failed("ask who is blocked", &error).await),
            }
        })
    }

    fn expire<'a>(&'a mut self, lease: &'a str) -> LocalBoxFuture<'a, Result<bool, ServiceError>> {
        Box::pin(self.end_lease(lease))
    }

    fn ask<'a>(&'a mut self, sql: &'a str) -> LocalBoxFuture<'a, Result<Answer, ServiceError>> {
        Box::pin(async move {
            match ask::ask(self.session.admin.client(), sql).await {
                Ok(answer) => Ok(answer),
                Err(error) => Err(self.cluster.failed("ask a query of a check", &error).await),
            }
        })
    }

    fn changes<'a>(
        &'a mut self,
        columns: &'a [String],
    ) -> LocalBoxFuture<'a, Result<Changes, ServiceError>> {
        Box::pin(async move {
            let client = self.session.admin.client();
            match history::read(client, &self.cluster.service, columns).await {
                Ok(changes) => Ok(changes),
                Err(error) => Err(self.cluster.failed("read a history of rows", &error).await),
            }
        })
    }

    fn halt(&mut self, halt: Halt) -> LocalBoxFuture<'_, Result<bool, ServiceError>> {
        Box::pin(self.go_down(halt))
    }

    fn start_again(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(self.come_back())
    }

    fn died(&mut self) -> LocalBoxFuture<'_, ServiceError> {
        Box::pin(self.cluster.server.died())
    }
}
