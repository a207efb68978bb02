//! Queries of checks: one statement, in a read-only transaction, within bounds.

use super::admin::words;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Error, SimpleQueryMessage};
use twiceproof_model::Answer;
use twiceproof_model::record::{ANSWER_CELL_CHARS_MAX, ANSWER_ROWS_MAX};

/// What a query runs under: it changes nothing, ends in bounded time, and finds names as the job
/// does. The lab's session itself has no search path.
const BEGIN: &str = "begin read only; set local statement_timeout = '30s'; \
    set local search_path to default; set local plan_cache_mode to default";

/// The cursor that a query is read through.
const CURSOR: &str = "twiceproof_check";

/// Asks the query. An error of the server about it is the answer; any other is the session's.
pub(super) async fn ask(client: &Client, sql: &str) -> Result<Answer, Error> {
    client.batch_execute(BEGIN).await?;
    let asked = answer(client, sql).await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) if error.as_db_error().is_some() => Answer {
            error: Some(said(&error, sql)),
            ..Answer::default()
        },
        Err(error) => return Err(error),
    };
    client.batch_execute("rollback").await?;
    Ok(answer)
}

async fn answer(client: &Client, sql: &str) -> Result<Answer, Error> {
    // Only one statement can be prepared, so the text ends no transaction and begins none.
    let statement = client.prepare(sql).await?;
    let columns = statement.columns().iter();
    let columns: Vec<String> = columns.map(|column| column.name().to_owned()).collect();
    client
        .simple_query(&format!("declare {CURSOR} no scroll cursor for {sql}"))
        .await?;
    let fetched = client
        .simple_query(&format!("fetch {ANSWER_ROWS_MAX} from {CURSOR}"))
        .await?;
    let mut rows = Vec::new();
    for message in fetched {
        if let SimpleQueryMessage::Row(row) = message {
            rows.push((0..row.len()).map(|at| row.get(at).map(clip)).collect());
        }
    }
    let mut count = rows.len() as u64;
    if rows.len() == ANSWER_ROWS_MAX {
        let moved = client
            .simple_query(&format!("move all from {CURSOR}"))
            .await?;
        let counts = moved.iter().map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => *rows,
            _ => 0,
        });
        count += counts.sum::<u64>();
    }
    Ok(Answer {
        columns,
        rows,
        count,
        error: None,
    })
}

fn clip(cell: &str) -> String {
    match cell.char_indices().nth(ANSWER_CELL_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &cell[..cut]),
        None => cell.to_owned(),
    }
}

/// Returns what the server said, with the line of the query that it points at.
fn said(error: &Error, sql: &str) -> String {
    let said = words(error);
    let position = error.as_db_error().and_then(|error| error.position());
    let Some(ErrorPosition::Original(position)) = position else {
        return said;
    };
    // Counted in characters, from 1.
    let before: String = sql.chars().take(*position as usize - 1).collect();
    let number = before.matches('\n').count();
    let Some(line) = sql.lines().nth(number) else {
        return said;
    };
    let line = crate::service::output::one_line(line.trim());
    format!("{said}, at line {} of the query: {line}", number + 1)
}
