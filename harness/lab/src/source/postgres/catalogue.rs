//! What the catalogue says of the user's tables, and the schema as lines that a person can read.

use std::collections::BTreeMap;
use tokio_postgres::{Client, Error};
use twiceproof_model::ServiceName;
use twiceproof_model::digest::Hasher;
use twiceproof_model::snapshot::{Column, Content, ObjectName};

/// The user's tables and sequences at one state of the schema.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    /// What [`super::detect::database`] said when it was read.
    pub(crate) detector: String,
    /// Tables with rows of their own, by name.
    pub(crate) tables: Vec<Table>,
    /// Sequences, by quoted name.
    pub(crate) sequences: Vec<String>,
    /// Why rows alone cannot bring this schema back to an earlier state, if so.
    pub(crate) rows_obstacle: Option<&'static str>,
}

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Object id of its entry.
    pub(crate) oid: u32,
    /// Schema and name, each quoted where SQL asks for it: it names one table alone.
    pub(crate) name: String,
    /// Its columns, in order.
    pub(crate) columns: Vec<Column>,
    /// Hash of its columns' names and types, since rows of other columns can have equal hashes.
    pub(crate) columns_hash: String,
    /// SQL expression of the record that is hashed, of the row `t`.
    pub(crate) record: String,
}

/// Types whose equality is that of their text, so that their own hash tells values apart. Others
/// are hashed by their text: `interval` has 30 days equal a month, extensions' types know no case,
/// and json has no hash at all.
const HASHED_AS_THEY_ARE: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "bytea",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "name",
    "oid",
    "jsonb",
    "inet",
];

const TABLES: &str = include_str!("tables.sql");

const COLUMNS: &str = include_str!("columns.sql");

/// Reads the catalogue. The session has no search path, so that every name comes out whole.
pub(crate) async fn read(
    client: &Client,
    service: &ServiceName,
    detector: String,
) -> Result<Catalogue, Error> {
    let mut catalogue = Catalogue {
        detector,
        tables: Vec::new(),
        sequences: Vec::new(),
        rows_obstacle: None,
    };
    for row in client.query(TABLES, &[]).await? {
        let (oid, kind, name): (u32, String, String) = (row.get(0), row.get(1), row.get(2));
        match kind.as_str() {
            "S" => {
                catalogue.sequences.push(name);
                continue;
            }
            "m" => catalogue.rows_obstacle = Some("there is a materialized view"),
            _ if row.get(3) => catalogue.rows_obstacle = Some("a trigger always fires"),
            _ => {}
        }
        catalogue.tables.push(Table {
            oid,
            name,
            columns: Vec::new(),
            columns_hash: String::new(),
            record: String::new(),
        });
    }
    read_columns(client, service, &mut catalogue.tables).await?;
    Ok(catalogue)
}

async fn read_columns(
    client: &Client,
    service: &ServiceName,
    tables: &mut [Table],
) -> Result<(), Error> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let mut by_table: BTreeMap<u32, Vec<tokio_postgres::Row>> = BTreeMap::new();
    for row in client.query(COLUMNS, &[&oids]).await? {
        by_table.entry(row.get(0)).or_default().push(row);
    }
    for table in tables {
        let rows = by_table.remove(&table.oid).unwrap_or_default();
        let mut hasher = Hasher::new("columns 1");
        let mut cells = Vec::new();
        let mut casts = false;
        for row in &rows {
            let (name, kind, quoted): (String, String, String) =
                (row.get(1), row.get(2), row.get(4));
            let builtin: bool = row.get(3);
            let deterministic: bool = row.get(5);
            hasher.field(&name);
            hasher.field(&kind);
            if builtin && deterministic && HASHED_AS_THEY_ARE.contains(&kind.as_str()) {
                cells.push(format!("t.{quoted}"));
            } else {
                casts = true;
                cells.push(format!("t.{quoted}::text collate \"C\""));
            }
            let target: Option<(String, String)> = row
                .get::<_, Option<String>>(8)
                .zip(row.get::<_, Option<String>>(9));
            table.columns.push(Column {
                name,
                key: row.get(6),
                surrogate: row.get(7),
                time: builtin
                    && matches!(
                        kind.as_str(),
                        "date" | "time" | "timetz" | "timestamp" | "timestamptz"
                    ),
                references: target
                    .map(|(table, column)| (ObjectName::new(service, &table), column)),
            });
        }
        table.columns_hash = hasher.finish().short();
        table.record = match casts {
            false => "t".to_owned(),
            true => format!("row({})", cells.join(", ")),
        };
    }
    Ok(())
}

/// Lines of the schema: kind, name, definition. Nothing in them is an object id, so that two
/// clusters with equal schemas have equal lines. What belongs to extensions stands for itself by
/// the extension's line.
const SCHEMA: &str = include_str!("schema.sql");

/// Reads the schema as rows.
pub(crate) async fn schema(client: &Client) -> Result<Content, Error> {
    let rows = client.query(SCHEMA, &[]).await?;
    let columns = vec![
        crate::source::text_column("kind", true),
        crate::source::text_column("name", true),
        crate::source::text_column("definition", false),
    ];
    let rows = rows
        .iter()
        .map(|row| (0..3).map(|column| row.get(column)).collect())
        .collect();
    Ok(Content { columns, rows })
}
