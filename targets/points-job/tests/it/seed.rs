//! The committed data file is what `--init` makes.

use rusqlite::types::Value;
use rusqlite::{Connection, Row};
use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Returns every row of every table, the schema included.
fn dump(path: &Path) -> rusqlite::Result<Vec<Vec<Value>>> {
    let file = Connection::open(path)?;
    let mut rows = Vec::new();
    for table in ["sqlite_schema", "members", "ledger"] {
        let mut statement = file.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let values = |row: &Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        for row in statement.query_map([], values)? {
            rows.push(row?);
        }
    }
    Ok(rows)
}

#[test]
fn committed_seed_is_what_init_makes() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut job = Command::new(env!("CARGO_BIN_EXE_points-job"));
    let status = job
        .arg("--init")
        .arg("--folder")
        .arg(folder.path())
        .status()?;
    assert!(status.success());
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../points-demo/data/points.db");
    assert_eq!(dump(&folder.path().join("points.db"))?, dump(&seed)?);
    Ok(())
}
