//! SQLite files as tables, read from a copy: whoever opens a file with a hot journal beside it
//! rolls it back.

use super::{is_compared, keep, object_of_rows, text_column};
use crate::service::{CONTENT_BYTES_MAX, KnownContents};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Result};
use std::path::Path;
use twiceproof_model::ServiceName;
use twiceproof_model::digest::{Digest, Hasher};
use twiceproof_model::snapshot::{Column, Content, Object, ObjectName};

/// How every SQLite file of any version since 2004 begins.
pub(crate) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Endings of the files that belong to a SQLite file.
pub(crate) const COMPANIONS: &[&str] = &["-journal", "-wal", "-shm"];

/// Most tables of one file.
const TABLES_MAX: i64 = 1_000;

/// Most rows of one table that are read.
const ROWS_MAX: u64 = 10_000_000;

/// The objects of one file.
pub(crate) type Objects = Vec<(ObjectName, Object)>;

/// Reads the copy at `path` of the file that the service knows as `file`.
pub(crate) fn read(
    path: &Path,
    service: &ServiceName,
    file: &str,
    patterns: &[String],
    known: &mut KnownContents,
) -> Result<Objects> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The file is hostile: functions that it names in its schema do not run.
    connection.pragma_update(None, "trusted_schema", false)?;
    let mut objects = Vec::new();
    let schema = schema(&connection)?;
    let mut lines = Vec::new();
    for (kind, name, sql) in schema {
        let object = format!("{file}:{name}");
        let is_virtual = sql
            .get(..14)
            .is_some_and(|word| word.eq_ignore_ascii_case("create virtual"));
        if kind == "table" && !is_virtual && is_compared(patterns, &object) {
            let name = ObjectName::new(service, &object);
            let columns = columns(&connection, service, file, last_word(&object, file), &sql)?;
            objects.push(table(
                &connection,
                name,
                last_word(&object, file),
                columns,
                known,
            )?);
        }
        lines.push(vec![Some(kind), Some(name), Some(sql)]);
    }
    let name = format!("{file}:(schema)");
    if is_compared(patterns, &name) {
        let columns = vec![
            text_column("kind", true),
            text_column("name", true),
            text_column("definition", false),
        ];
        let name = ObjectName::new(service, &name);
        objects.push((name.clone(), object_of_rows(known, name, columns, lines)));
    }
    Ok(objects)
}

fn last_word<'a>(object: &'a str, file: &str) -> &'a str {
    &object[file.len() + 1..]
}

/// Returns kind, name and definition of everything in the file but SQLite's own tables.
fn schema(connection: &Connection) -> Result<Vec<(String, String, String)>> {
    let mut statement = connection.prepare(
        "select type, name, coalesce(sql, '') from sqlite_schema \
         where name not like 'sqlite\\_%' escape '\\' order by type, name limit ?1",
    )?;
    let rows = statement.query_map([TABLES_MAX], |row| {
        Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?))
    })?;
    rows.collect()
}

fn text(row: &rusqlite::Row<'_>, column: usize) -> Result<String> {
    Ok(cell(row.get_ref(column)?).unwrap_or_default())
}

/// Reads what the file says of a table's columns. Only AUTOINCREMENT makes a key the service's own:
/// a plain `INTEGER PRIMARY KEY` may as well be given by the job, and then it says who is who.
fn columns(
    connection: &Connection,
    service: &ServiceName,
    file: &str,
    table: &str,
    sql: &str,
) -> Result<Vec<Column>> {
    let automatic = sql.to_ascii_uppercase().contains("AUTOINCREMENT");
    let mut statement = connection.prepare("select name, type, pk from pragma_table_info(?1)")?;
    let rows = statement.query_map([table], |row| {
        let (kind, key) = (
            text(row, 1)?.to_ascii_uppercase(),
            row.get::<_, i64>(2)? > 0,
        );
        Ok(Column {
            name: text(row, 0)?,
            key,
            surrogate: key && automatic,
            time: kind.contains("DATE") || kind.contains("TIME"),
            references: None,
        })
    })?;
    let mut columns: Vec<Column> = rows.collect::<Result<_>>()?;
    let mut statement = connection.prepare(
        "select min(\"from\"), min(\"table\"), min(coalesce(\"to\", '')) \
         from pragma_foreign_key_list(?1) group by id having count(*) = 1",
    )?;
    let keys = statement.query_map([table], |row| {
        Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?))
    })?;
    for key in keys {
        let (from, target, column) = key?;
        // Without a column the key points to the target's primary key, whose name is not said here.
        if let Some(found) = columns
            .iter_mut()
            .find(|column| column.name == from && !target.is_empty())
        {
            let object = ObjectName::new(service, &format!("{file}:{target}"));
            let column = if column.is_empty() {
                "id".to_owned()
            } else {
                column
            };
            found.references = Some((object, column));
        }
    }
    Ok(columns)
}

/// Reads a table; memory stays bounded however large it is.
fn table(
    connection: &Connection,
    name: ObjectName,
    table: &str,
    columns: Vec<Column>,
    known: &mut KnownContents,
) -> Result<(ObjectName, Object)> {
    let sql = format!(
        "select * from \"{}\" limit {ROWS_MAX}",
        table.replace('"', "\"\"")
    );
    let mut statement = connection.prepare(&sql)?;
    let width = statement.column_count();
    let mut found = statement.query([])?;
    let mut content = Content {
        columns,
        rows: Vec::new(),
    };
    let (mut sum, mut count, mut bytes) = (0_u128, 0, 0);
    while let Some(row) = found.next()? {
        let mut hasher = Hasher::new("sqlite row 1");
        let mut cells = Vec::with_capacity(width);
        for column in 0..width {
            let cell = cell(row.get_ref(column)?);
            hasher.field(if cell.is_some() { "value" } else { "null" });
            hasher.field(cell.as_deref().unwrap_or_default());
            bytes += cell.as_ref().map_or(0, String::len) + size_of::<Option<String>>();
            cells.push(cell);
        }
        let digest = hasher.finish().to_string();
        sum = sum.wrapping_add(u128::from_str_radix(&digest, 16).unwrap_or_default());
        count += 1;
        if bytes <= CONTENT_BYTES_MAX {
            content.rows.push(cells);
        }
    }
    let names: Vec<&str> = content
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let hash = format!(
        "{}-{sum:032x}",
        Digest::of(names.join("\n").as_bytes()).short()
    );
    let key = format!("{hash}-{count}");
    let kept = match known.get(&name, &key) {
        Some(kept) => Some(kept),
        None if bytes > CONTENT_BYTES_MAX => None,
        None => {
            content.rows.sort_unstable();
            keep(known, name.clone(), key, content)
        }
    };
    let object = Object {
        hash,
        count,
        content: kept,
    };
    Ok((name, object))
}

/// Returns a value as text; `None` is null.
fn cell(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(format!("{number:?}")),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("x'{hex}'"))
        }
    }
}
