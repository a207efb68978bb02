//! Batch jobs on PostgreSQL, one thread and one connection each; the second word is the variant.
//!
//! * `grant bare DAY` adds points to members, if the day has no mark. `grant ledger DAY` adds them
//!   in the transaction in which a ledger, whose key is member and day, takes the line.
//! * `close add DAY` adds the day's points to what is there. `close set DAY` sets balances to what
//!   they must be at the end of that day.
//! * `transfer drop I N` does the open transfers of worker I of N, and leaves out what the database
//!   refuses. `transfer retry I N` tries those again, so and so often.

use std::error::Error;
use std::net::ToSocketAddrs;
use std::process::ExitCode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How many members there are.
const MEMBERS: i64 = 19;

/// How often a transfer that met another one is tried.
const TRIES_MAX: u32 = 50;

const USAGE: &str = "usage: ledger-job grant bare|ledger DAY\n       ledger-job close add|set DAY\n       \
                     ledger-job transfer drop|retry INSTANCE COUNT";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error
                .source()
                .map_or_else(String::new, |cause| format!(": {cause}"));
            eprintln!("ledger-job: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

/// Connects, and does what the words ask for.
fn run(words: &[String]) -> Outcome<()> {
    let host = std::env::var("PGHOST").unwrap_or_else(|_| "db".to_owned());
    // Looked up here, since the runtime would do it on a thread of its own.
    let address = (host.as_str(), 5432).to_socket_addrs()?.next();
    let address = address.ok_or("no address for the database")?;
    let mut config = Config::new();
    config.hostaddr(address.ip()).user("app").dbname("app");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await?;
        let session = tokio::spawn(connection);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = match words[..] {
            ["grant", "bare", day] => grant(&client, day, false).await,
            ["grant", "ledger", day] => grant(&client, day, true).await,
            ["close", "add", day] => close(&client, day, "balance").await,
            ["close", "set", day] => close(&client, day, "opening").await,
            ["transfer", "drop", instance, count] => {
                transfer(&client, instance.parse()?, count.parse()?, 1).await
            }
            ["transfer", "retry", instance, count] => {
                transfer(&client, instance.parse()?, count.parse()?, TRIES_MAX).await
            }
            _ => Err(USAGE.into()),
        };
        drop(client);
        session.await??;
        done
    })
}

/// Returns the one number of a query about a member.
async fn number(client: &Client, select: &str, member: i64) -> Outcome<i64> {
    let row = client.query_typed(select, &[(&member, Type::INT8)]).await?;
    Ok(row.first().ok_or("no such row")?.try_get(0)?)
}

/// Adds points to each member, unless the mark says that the day is done.
async fn grant(client: &Client, day: &str, has_ledger: bool) -> Outcome<()> {
    let due = "SELECT done_on IS DISTINCT FROM $1::text::date FROM job_state";
    let due = client.query_typed(due, &[(&day, Type::TEXT)]).await?;
    if !due.first().ok_or("job_state is empty")?.try_get(0)? {
        return Ok(());
    }
    let insert =
        "INSERT INTO ledger (member, day) VALUES ($1, $2::text::date) ON CONFLICT DO NOTHING";
    let update = "UPDATE members SET balance = balance + $2 WHERE id = $1";
    for member in 1..=MEMBERS {
        let tier = number(client, "SELECT tier FROM members WHERE id = $1", member).await?;
        let points = number(client, "SELECT points FROM tiers WHERE tier = $1", tier).await?;
        if points == 0 {
            continue;
        }
        if has_ledger {
            client.batch_execute("BEGIN").await?;
            let values = [(&member as _, Type::INT8), (&day as _, Type::TEXT)];
            if client.execute_typed(insert, &values).await? == 0 {
                client.batch_execute("ROLLBACK").await?;
                continue;
            }
        }
        let values = [(&member as _, Type::INT8), (&points as _, Type::INT8)];
        client.execute_typed(update, &values).await?;
        if has_ledger {
            client.batch_execute("COMMIT").await?;
        }
    }
    let done = "UPDATE job_state SET done_on = $1::text::date";
    client.execute_typed(done, &[(&day, Type::TEXT)]).await?;
    Ok(())
}

/// Brings each member's balance to the end of the day, from the balance in `column`.
async fn close(client: &Client, day: &str, column: &str) -> Outcome<()> {
    let update = format!(
        "UPDATE members SET balance = {column} + $2, closed_on = $3::text::date WHERE id = $1"
    );
    for member in 1..=MEMBERS {
        let tier = number(client, "SELECT tier FROM members WHERE id = $1", member).await?;
        let points = number(client, "SELECT points FROM tiers WHERE tier = $1", tier).await?;
        if points > 0 {
            let values = [
                (&member as _, Type::INT8),
                (&points as _, Type::INT8),
                (&day as _, Type::TEXT),
            ];
            client.execute_typed(&update, &values).await?;
        }
    }
    Ok(())
}

/// Does the open transfers of one worker, each as often as it takes, at most `tries_max` times.
async fn transfer(client: &Client, instance: i64, count: i64, tries_max: u32) -> Outcome<()> {
    let open = "SELECT id FROM transfers WHERE NOT done AND id % $2 = $1 - 1 ORDER BY id";
    let values = [(&instance as _, Type::INT8), (&count as _, Type::INT8)];
    for row in client.query_typed(open, &values).await? {
        let id: i64 = row.try_get(0)?;
        let mut tries = 1;
        while let Err(error) = once(client, id).await {
            client.batch_execute("ROLLBACK").await?;
            if error.code() != Some(&SqlState::T_R_DEADLOCK_DETECTED) {
                return Err(error.into());
            }
            if tries == tries_max {
                eprintln!("ledger-job: transfer {id} is left out: {error}");
                break;
            }
            tries += 1;
        }
    }
    Ok(())
}

/// Moves the money of one transfer in one transaction: out of one account, then into the other.
async fn once(client: &Client, id: i64) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    for update in [
        "UPDATE accounts SET balance = balance - cents FROM transfers WHERE transfers.id = $1 AND accounts.id = giver",
        "UPDATE accounts SET balance = balance + cents FROM transfers WHERE transfers.id = $1 AND accounts.id = taker",
        "UPDATE transfers SET done = true WHERE id = $1",
    ] {
        client.execute_typed(update, &[(&id, Type::INT8)]).await?;
    }
    client.batch_execute("COMMIT").await
}
