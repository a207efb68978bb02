//! The lab's own session on a server: it resets, captures, and asks who is blocked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

/// How often the state of other sessions is looked at while it is awaited.
const POLL: Duration = Duration::from_millis(1);

/// Longest wait for other sessions to end or to come to rest.
pub(super) const SESSIONS_WAIT_MAX: Duration = Duration::from_secs(15);

/// What every session of the lab runs with. No search path: names come out whole. As a replica it
/// fires no triggers and checks no foreign keys. Generic plans: its few statements run again and
/// again.
const SETTINGS: &str = "set search_path = ''; set session_replication_role = replica; \
    set plan_cache_mode = force_generic_plan; set timezone = 'UTC'; set datestyle = 'ISO, YMD'; \
    set intervalstyle = postgres; set bytea_output = hex; set extra_float_digits = 1; \
    set default_transaction_isolation = 'read committed'; set default_transaction_read_only = off; \
    set statement_timeout = 0; set lock_timeout = '10s'; set row_security = off; \
    set client_min_messages = error";

const BLOCKED: &str =
    "select p, pg_catalog.pg_blocking_pids(p) from pg_catalog.unnest($1::int4[]) p";

/// Other sessions of clients: how many there are, and how many are at work.
const OTHERS: &str = "select count(*), count(*) filter (where state is null or state not like 'idle%') \
    from pg_catalog.pg_stat_get_activity(null) \
    where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid() \
    and pid <> all ($1::int4[])";

const TERMINATE: &str = "select count(pg_catalog.pg_terminate_backend(pid)) \
    from pg_catalog.pg_stat_get_activity(null) \
    where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid() \
    and pid <> all ($1::int4[])";

/// Ends the sessions that have a lock of their own; counts them.
const END_HOLDERS: &str = "select count(pg_catalog.pg_terminate_backend(pid)) \
    from (select distinct pid from pg_catalog.pg_locks where locktype = 'advisory' and granted) holders";

/// How many sessions there are beside the lab's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Others {
    /// All of them.
    pub(crate) open: i64,
    /// Those that run a statement.
    pub(crate) active: i64,
}

/// One session of the lab.
pub(crate) struct Admin {
    client: Client,
    pid: i32,
    others: Statement,
    terminate: Statement,
    blocked: Statement,
}

impl Admin {
    /// Logs in over this stream.
    pub(crate) async fn connect(
        stream: TcpStream,
        user: &str,
        database: &str,
    ) -> Result<Self, Error> {
        // A small message that waits for the peer's acknowledgement would cost 40 ms; without this
        // option requests still work.
        let _ = stream.set_nodelay(true);
        let mut config = Config::new();
        config
            .user(user)
            .dbname(database)
            .application_name("twiceproof");
        let (client, connection) = config.connect_raw(stream, NoTls).await?;
        // The task ends with the client or with the server; either way the client's next call says
        // so.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        client.batch_execute(SETTINGS).await?;
        let pid = client
            .query_one("select pg_catalog.pg_backend_pid()", &[])
            .await?
            .get(0);
        let (others, terminate, blocked) = tokio::try_join!(
            client.prepare(OTHERS),
            client.prepare(TERMINATE),
            client.prepare(BLOCKED),
        )?;
        Ok(Self {
            client,
            pid,
            others,
            terminate,
            blocked,
        })
    }

    /// Returns the session itself.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the process id of its backend.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Counts the other sessions, leaving out those of `ours`.
    pub(crate) async fn others(&self, ours: &[i32]) -> Result<Others, Error> {
        let row = self.client.query_one(&self.others, &[&ours]).await?;
        Ok(Others {
            open: row.get(0),
            active: row.get(1),
        })
    }

    /// Waits until no other session is at work: one whose client is gone still ends its statement.
    /// Returns how many there are, at most after [`SESSIONS_WAIT_MAX`].
    pub(crate) async fn wait_for_rest(&self, ours: &[i32]) -> Result<Others, Error> {
        let since = Instant::now();
        loop {
            let others = self.others(ours).await?;
            if others.active == 0 || since.elapsed() > SESSIONS_WAIT_MAX {
                return Ok(others);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends all other sessions but those of `ours`, and waits until they are gone. Returns whether
    /// they are.
    pub(crate) async fn end_others(&self, ours: &[i32]) -> Result<bool, Error> {
        let since = Instant::now();
        loop {
            let row = self.client.query_one(&self.terminate, &[&ours]).await?;
            if row.get::<_, i64>(0) == 0 {
                return Ok(true);
            }
            if since.elapsed() > SESSIONS_WAIT_MAX {
                return Ok(false);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the sessions that have an advisory lock, as an administrator would, and waits until
    /// they have it no more. Returns whether there were any, and they are gone.
    pub(crate) async fn end_lock_holders(&self) -> Result<bool, Error> {
        let since = Instant::now();
        let count = async || -> Result<i64, Error> {
            Ok(self.client.query_one(END_HOLDERS, &[]).await?.get(0))
        };
        let had = count().await? > 0;
        while had && count().await? > 0 {
            if since.elapsed() > SESSIONS_WAIT_MAX {
                return Ok(false);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(had)
    }

    /// Returns, for each of these sessions that waits for others, whom it waits for.
    pub(crate) async fn blocked(&self, sessions: &[i32]) -> Result<BTreeMap<i32, Vec<i32>>, Error> {
        let rows = self.client.query(&self.blocked, &[&sessions]).await?;
        let pairs = rows
            .iter()
            .map(|row| (row.get(0), row.get::<_, Vec<i32>>(1)));
        Ok(pairs.filter(|(_, blockers)| !blockers.is_empty()).collect())
    }
}

/// Returns what the server or the connection said, in one line and within bounds.
pub(crate) fn words(error: &Error) -> String {
    let text = match error.as_db_error() {
        Some(said) => format!(
            "{}: {} ({})",
            said.severity(),
            said.message(),
            said.code().code()
        ),
        None => {
            let cause = std::error::Error::source(error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        }
    };
    crate::service::output::one_line(&text)
}
