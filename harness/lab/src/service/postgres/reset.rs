//! What every trial begins with, and the way back to it.
//!
//! Rows are put back by TRUNCATE and COPY of the seeded bytes in the seeded order, always all of
//! them: undoing only what was written would change the order in which a heap returns its rows, and
//! a replay would diverge.

use super::admin::Admin;
use crate::source::postgres::capture::Fingerprint;
use crate::source::postgres::catalogue::Catalogue;
use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use tokio_postgres::{Client, Error, Statement};
use twiceproof_model::digest::Digest;

/// Most bytes of rows that are put back by COPY; a template database is faster beyond.
const ROWS_BYTES_MAX: usize = 5 << 20;

/// A file many times larger than the rows in it may still be read.
const FILES_BYTES_MAX: i64 = 4 * ROWS_BYTES_MAX as i64;

/// Size of the pieces in which COPY is fed.
const PIECE_BYTES: usize = 64 << 10;

/// TRUNCATE makes new versions of catalogue rows; they are swept after this many resets.
const SWEEP_EVERY: u32 = 200;

/// The seeded rows.
pub(super) struct Seed {
    /// The detectors' words on the seeded state.
    pub(super) fingerprint: Fingerprint,
    /// The rows, or why a template database must bring them back.
    pub(super) rows: Result<Arc<Rows>, &'static str>,
}

/// The rows of every service that runs, by the hash of what it was seeded with.
///
/// Seeds may hold `now()` or `random()`, so two servers seeded alike need not be equal. All cells
/// of a campaign, and a cluster that is made anew, take the rows of whoever was first.
static SHARED: Mutex<BTreeMap<Digest, Weak<Rows>>> = Mutex::new(BTreeMap::new());

/// Returns the rows that services with these seeds share: these, if they are the first.
pub(super) fn share(seeds: Digest, rows: Rows) -> Arc<Rows> {
    let mut shared = SHARED.lock().expect("no holder of this lock panics");
    shared.retain(|_, rows| rows.strong_count() > 0);
    if let Some(first) = shared.get(&seeds).and_then(Weak::upgrade) {
        return first;
    }
    let rows = Arc::new(rows);
    shared.insert(seeds, Arc::downgrade(&rows));
    rows
}

/// Rows small enough to be put back by COPY.
pub(super) struct Rows {
    tables: Vec<(String, Vec<Bytes>)>,
    truncate: String,
    sequences: String,
}

/// A session's statements for putting rows back.
pub(super) struct Way {
    copies: Vec<(Statement, Vec<Bytes>)>,
    begin: String,
    end: String,
    resets: u32,
}

/// Reads the rows of all tables as they lie, and the sequences.
pub(super) async fn read(
    client: &Client,
    catalogue: &Catalogue,
) -> Result<Result<Rows, &'static str>, Error> {
    if let Some(obstacle) = catalogue.rows_obstacle {
        return Ok(Err(obstacle));
    }
    let sizes = "select coalesce(sum(pg_relation_size(oid)), 0)::int8, \
        (select count(*) from pg_largeobject_metadata) from unnest($1::oid[]) oid";
    let oids: Vec<u32> = catalogue.tables.iter().map(|table| table.oid).collect();
    let row = client.query_one(sizes, &[&oids]).await?;
    if row.get::<_, i64>(0) > FILES_BYTES_MAX {
        return Ok(Err("there are more than 5 MB of rows"));
    }
    if row.get::<_, i64>(1) > 0 {
        return Ok(Err("there are large objects"));
    }
    let mut bytes = 0;
    let mut tables = Vec::new();
    for table in &catalogue.tables {
        // Without concurrent scans a table is read in the order of its pages.
        let copy = format!("copy {} to stdout", table.name);
        let mut stream = pin!(client.copy_out(&copy).await?);
        let mut pieces = Vec::new();
        let mut piece = Vec::new();
        while let Some(line) = stream.try_next().await? {
            bytes += line.len();
            if bytes > ROWS_BYTES_MAX {
                return Ok(Err("there are more than 5 MB of rows"));
            }
            piece.extend_from_slice(&line);
            if piece.len() >= PIECE_BYTES {
                pieces.push(Bytes::from(std::mem::take(&mut piece)));
            }
        }
        if !piece.is_empty() {
            pieces.push(Bytes::from(piece));
        }
        tables.push((table.name.clone(), pieces));
    }
    let names: Vec<String> = tables
        .iter()
        .map(|(name, _)| format!("only {name}"))
        .collect();
    let truncate = match names.is_empty() {
        true => String::new(),
        false => format!("truncate {}", names.join(", ")),
    };
    let sequences = sequences(client, &catalogue.sequences).await?;
    Ok(Ok(Rows {
        tables,
        truncate,
        sequences,
    }))
}

/// Returns the statement that sets every sequence to its present value.
async fn sequences(client: &Client, names: &[String]) -> Result<String, Error> {
    let mut calls = Vec::new();
    for name in names {
        let row = client
            .query_one(&format!("select last_value, is_called from {name}"), &[])
            .await?;
        let (value, called): (i64, bool) = (row.get(0), row.get(1));
        calls.push(format!("setval({}, {value}, {called})", literal(name)));
    }
    Ok(match calls.is_empty() {
        true => String::new(),
        false => format!("select {}", calls.join(", ")),
    })
}

/// Returns the text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Returns the text as an SQL identifier.
pub(super) fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

impl Way {
    /// Prepares to put these rows back through this session.
    pub(super) async fn new(client: &Client, rows: &Rows) -> Result<Self, Error> {
        let mut copies = Vec::new();
        for (name, pieces) in rows.tables.iter().filter(|(_, pieces)| !pieces.is_empty()) {
            let copy = client.prepare(&format!("copy {name} from stdin")).await?;
            copies.push((copy, pieces.clone()));
        }
        Ok(Self {
            copies,
            begin: format!("begin; {}", rows.truncate),
            end: format!("{}; commit", rows.sequences),
            resets: 0,
        })
    }

    /// Puts the rows back. On an error nothing has changed.
    pub(super) async fn put_back(&mut self, admin: &Admin) -> Result<(), Error> {
        let client = admin.client();
        self.resets += 1;
        if self.resets.is_multiple_of(SWEEP_EVERY) {
            client.batch_execute("vacuum pg_catalog.pg_class").await?;
        }
        let done = self.transaction(client).await;
        if done.is_err() {
            // The error is told already; a session that is gone rolls back by itself.
            let _ = client.batch_execute("rollback").await;
        }
        done
    }

    async fn transaction(&self, client: &Client) -> Result<(), Error> {
        client.batch_execute(&self.begin).await?;
        for (copy, pieces) in &self.copies {
            let mut sink = pin!(client.copy_in(copy).await?);
            for piece in pieces {
                sink.feed(piece.clone()).await?;
            }
            sink.finish().await?;
        }
        client.batch_execute(&self.end).await
    }
}
