//! A nightly batch job on PostgreSQL: 1,000 points for every eligible member, once a day.
//!
//! `points-pg-job sound` takes an advisory lock and does everything in one transaction, with a mark
//! that the day is done. `points-pg-job broken` looks at the same mark, but takes no lock, and
//! commits each statement by itself. One thread, one connection, about 20 statements.

use std::error::Error;
use std::net::ToSocketAddrs;
use std::process::ExitCode;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};

/// Names the job among the users of advisory locks.
const LOCK: i64 = 1122;

/// What each eligible member gets a night.
const POINTS: i64 = 1000;

/// How a run guards itself against another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// A mark is looked at, and nothing holds it still.
    Broken,
    /// A lock, and one transaction.
    Sound,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let variant = match arguments.next().as_deref() {
        Some("broken") => Variant::Broken,
        Some("sound") => Variant::Sound,
        _ => {
            eprintln!("usage: points-pg-job broken|sound [DAY]");
            return ExitCode::from(2);
        }
    };
    let day = arguments.next();
    match run(variant, day.as_deref().unwrap_or("2026-11-22")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error
                .source()
                .map_or_else(String::new, |cause| format!(": {cause}"));
            eprintln!("points-pg-job: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

/// Connects, and does the night's work.
fn run(variant: Variant, day: &str) -> Result<(), Box<dyn Error>> {
    let host = std::env::var("PGHOST").unwrap_or_else(|_| "db".to_owned());
    let port = std::env::var("PGPORT").map_or(Ok(5432), |port| port.parse())?;
    // Looked up here, since the runtime would do it on a thread of its own.
    let address = (host.as_str(), port).to_socket_addrs()?.next();
    let address = address.ok_or("no address for the database")?;
    let mut config = Config::new();
    config
        .hostaddr(address.ip())
        .port(port)
        .user("app")
        .dbname("app");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await?;
        let session = tokio::spawn(connection);
        let done = grant(&client, variant, day).await;
        drop(client);
        session.await??;
        done
    })
}

/// Grants the day's points, unless the mark says that they were.
async fn grant(client: &Client, variant: Variant, day: &str) -> Result<(), Box<dyn Error>> {
    if variant == Variant::Sound {
        client.batch_execute("BEGIN").await?;
        let lock = "SELECT pg_advisory_xact_lock($1)";
        client.query_typed(lock, &[(&LOCK, Type::INT8)]).await?; // lock
    }
    let due = "SELECT done_on IS DISTINCT FROM $1::text::date FROM job_state WHERE job = 'points'";
    let rows = client.query_typed(due, &[(&day, Type::TEXT)]).await?;
    if rows
        .first()
        .ok_or("job_state has no row for points")?
        .try_get(0)?
    {
        let eligible = "SELECT id FROM members WHERE eligible ORDER BY id";
        let update = "UPDATE members SET balance = balance + $2 WHERE id = $1";
        let insert = "INSERT INTO ledger (member_id, day, points) VALUES ($1, $2::text::date, $3)";
        let update = client
            .prepare_typed(update, &[Type::INT8, Type::INT8])
            .await?;
        let types = [Type::INT8, Type::TEXT, Type::INT8];
        let insert = client.prepare_typed(insert, &types).await?;
        for row in client.query_typed(eligible, &[]).await? {
            let id: i64 = row.try_get(0)?;
            client.execute(&update, &[&id, &POINTS]).await?;
            client.execute(&insert, &[&id, &day, &POINTS]).await?;
        }
        let done = "UPDATE job_state SET done_on = $1::text::date WHERE job = 'points'";
        client.query_typed(done, &[(&day, Type::TEXT)]).await?;
    }
    if variant == Variant::Sound {
        client.batch_execute("COMMIT").await?;
    }
    Ok(())
}
