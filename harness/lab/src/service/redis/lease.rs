//! Leases: keys with a time to live.

use super::client::{Client, Failed};
use std::time::{Duration, Instant};

/// Lets the key expire within a millisecond, if it is a lease. Not deleted: who listens hears
/// `expired`. Compared with what it held when the fault began, so that it is never the next
/// holder's.
const EXPIRE: &str = "if redis.call('TYPE', KEYS[1]).ok == 'string' \
    and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
    if redis.call('PTTL', KEYS[1]) < 0 then return 0 end \
    return redis.call('PEXPIRE', KEYS[1], 1)";

/// Longest wait until the server has dropped it.
const GONE_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often it is looked for until then.
const GONE_POLL: Duration = Duration::from_millis(1);

/// Ends a lease; returns whether it was there and is gone.
pub(super) async fn expire(client: &mut Client, key: &str) -> Result<bool, Failed> {
    let holder = match client.ask(&["TYPE", key]).await?.text().as_str() {
        "string" => client.ask(&["GET", key]).await?.text(),
        _ => String::new(),
    };
    let begun = client.ask(&["EVAL", EXPIRE, "1", key, &holder]).await?;
    if begun.integer() != Some(1) {
        return Ok(false);
    }
    let since = Instant::now();
    // -2: there is no such key.
    while client.ask(&["PTTL", key]).await?.integer() != Some(-2) {
        if since.elapsed() > GONE_WAIT_MAX {
            return Ok(false);
        }
        tokio::time::sleep(GONE_POLL).await;
    }
    Ok(true)
}

/// Waits until a lease has ended by itself, and a tenth of its time more; returns how long that
/// took. `None`: it is no lease, or does not end within the bound.
pub(super) async fn outlive(
    client: &mut Client,
    key: &str,
    bound: Duration,
) -> Result<Option<Duration>, Failed> {
    let since = Instant::now();
    let left = client.ask(&["PTTL", key]).await?.integer();
    // -1: it does not end; -2: it is not there.
    let left = left.and_then(|left| u64::try_from(left).ok());
    let left = left.map(Duration::from_millis);
    let Some(left) = left.filter(|left| *left <= bound) else {
        return Ok(None);
    };
    // The end of a time is what is awaited here; a clock that runs slower has the tenth.
    tokio::time::sleep(left + left / 10).await;
    let is_gone = client.ask(&["PTTL", key]).await?.integer() == Some(-2);
    Ok(is_gone.then(|| since.elapsed()))
}
