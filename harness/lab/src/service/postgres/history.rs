//! The history of rows: what became of cells, read from the server's log of changes.
//!
//! Only where a check asks for it: the log is larger then, and each commit waits for it to be
//! written.

use crate::service::Changes;
use crate::source::postgres::decoded;
use crate::source::{glob, is_compared};
use futures_util::TryStreamExt;
use std::pin::pin;
use tokio_postgres::{Client, Error};
use twiceproof_model::ServiceName;
use twiceproof_model::record::{CHANGES_MAX, CellChange};
use twiceproof_model::snapshot::ObjectName;

/// Makes every table of the seed tell its old rows whole.
const IDENTITY: &str = "do $$ declare name text; begin \
    for name in select pg_catalog.format('%I.%I', n.nspname, c.relname) \
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
      where c.relkind = 'r' and c.relpersistence = 'p' \
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
    loop execute 'alter table only ' || name || ' replica identity full'; end loop; end $$";

/// The slot ends with the session that made it.
const BEGIN: &str = "select pg_catalog.pg_drop_replication_slot(slot_name) \
      from pg_catalog.pg_replication_slots where slot_name = 'twiceproof'; \
    select pg_catalog.pg_create_logical_replication_slot('twiceproof', 'test_decoding', true)";

/// The most lines of the log that are read.
const LINES_MAX: i32 = 1_000_000;

const READ: &str = "select data from pg_catalog.pg_logical_slot_get_changes( \
    'twiceproof', null, $1, 'include-xids', 'off', 'skip-empty-xacts', 'on')";

/// Prepares the seeded tables, before anybody looks at the schema.
pub(super) async fn prepare(client: &Client) -> Result<(), Error> {
    client.batch_execute(IDENTITY).await
}

/// Begins a history: what was done before is not in it. Nobody else is at work.
pub(super) async fn begin(client: &Client) -> Result<(), Error> {
    client.batch_execute(BEGIN).await
}

/// Returns the changes of these columns since the history began, in the order of commits.
pub(super) async fn read(
    client: &Client,
    service: &ServiceName,
    columns: &[String],
) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    let mut lines = 0;
    let mut rows = pin!(client.query_raw(READ, [LINES_MAX]).await?);
    while let Some(row) = rows.try_next().await? {
        lines += 1;
        let line: &str = row.get(0);
        let Some(update) = decoded::update(line) else {
            continue;
        };
        let follows = |column: &str| columns.iter().any(|one| names(one, &update.table, column));
        if update.old.is_none() {
            let mut told = update.new.iter();
            if told.any(|(column, _)| follows(column)) {
                changes.without_old.insert(update.table.clone());
            }
            continue;
        }
        let row = update.row();
        for (column, from, to) in update.changes() {
            if !follows(column) {
                continue;
            }
            if changes.cells.len() >= CHANGES_MAX {
                changes.is_cut = true;
                continue;
            }
            changes.cells.push(CellChange {
                object: ObjectName::new(service, &update.table),
                row: row.clone(),
                column: column.to_owned(),
                from,
                to,
            });
        }
    }
    changes.is_cut |= lines >= LINES_MAX;
    Ok(changes)
}

/// Returns whether the `table.column` pattern names this column.
fn names(pattern: &str, table: &str, column: &str) -> bool {
    pattern.rsplit_once('.').is_some_and(|(tables, name)| {
        is_compared(&[tables.to_owned()], table) && glob(name, column)
    })
}
