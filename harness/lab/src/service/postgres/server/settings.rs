//! How a server is configured.

/// How the server is configured beside the defaults of `initdb`: nothing survives a crash of the
/// machine, nothing happens by itself, and equal work makes equal states.
///
/// `deadlock_timeout` is low so that who waits first has looked for a cycle before anybody else
/// moves: the one whose wait closes the cycle is the victim, in every replay.
/// Checkpoints are frequent since each TRUNCATE leaves an empty file until the next one.
/// `wal_level=minimal` spares the log of rows put back by reset.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "min_wal_size=32MB",
    "max_wal_size=128MB",
    "checkpoint_timeout=30s",
    "autovacuum=off",
    "synchronize_seqscans=off",
    "jit=off",
    "deadlock_timeout=1ms",
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
    "logging_collector=off",
    "log_destination=stderr",
    "log_checkpoints=off",
];

/// What a history of rows needs instead: a log that tells changes, and commits that wait for it.
const OF_HISTORY: &[&str] = &["wal_level=logical", "synchronous_commit=on"];

/// Returns the settings of a server. Of one given twice it takes the last.
pub(super) fn of(history: bool) -> impl Iterator<Item = &'static str> {
    let more: &[&str] = if history { OF_HISTORY } else { &[] };
    SETTINGS.iter().chain(more).copied()
}
