//! Captures the state of one database.

use super::catalogue::{self, Catalogue, Table};
use super::{copy_text, detect};
use crate::service::{CONTENT_BYTES_MAX, KnownContents};
use crate::source::{is_compared, keep, object_of_rows};
use futures_util::TryStreamExt;
use futures_util::future::join;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use tokio_postgres::{Client, Error, Statement};
use twiceproof_model::ServiceName;
use twiceproof_model::snapshot::{Content, Object, ObjectName};

/// Name of the object that is the schema.
const SCHEMA: &str = "(schema)";

/// How often a capture begins anew because the schema changed meanwhile.
const ATTEMPTS_MAX: u32 = 4;

/// A table is not even asked for its rows if its file is this many times larger than what is kept
/// of it.
const FILE_BYTES_MAX: i64 = 4 * CONTENT_BYTES_MAX as i64;

/// Captures one session's database, as often as asked; keeps what it learnt of the schema.
pub(crate) struct Capturer {
    service: ServiceName,
    patterns: Vec<String>,
    detect: Statement,
    current: Option<Prepared>,
    /// The schema's object by what the detector said of it.
    schemas: BTreeMap<String, Object>,
}

/// One schema's catalogue, with the statement that hashes all its tables at once.
struct Prepared {
    catalogue: Arc<Catalogue>,
    compared: Vec<Table>,
    statement: Statement,
}

/// What the detectors say: of the database, and of the cluster around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Changes with the schema.
    pub(crate) database: String,
    /// Changes with roles, databases and settings.
    pub(crate) cluster: String,
}

/// A captured state.
pub(crate) struct Captured {
    /// The objects.
    pub(crate) objects: BTreeMap<ObjectName, Object>,
    /// What the detectors said in the same moment.
    pub(crate) fingerprint: Fingerprint,
}

impl Capturer {
    /// Prepares to capture through this session.
    pub(crate) async fn new(
        client: &Client,
        service: &ServiceName,
        patterns: &[String],
    ) -> Result<Self, Error> {
        let detect = format!("select {}, {}", detect::database(), detect::cluster());
        Ok(Self {
            service: service.clone(),
            patterns: patterns.to_vec(),
            detect: client.prepare(&detect).await?,
            current: None,
            schemas: BTreeMap::new(),
        })
    }

    /// Takes over what another capturer of an equal database learnt of its schema, but no
    /// statement.
    pub(crate) fn inherit(&mut self, former: Capturer) {
        self.schemas = former.schemas;
    }

    /// Asks the detectors.
    pub(crate) async fn fingerprint(&self, client: &Client) -> Result<Fingerprint, Error> {
        let row = client.query_one(&self.detect, &[]).await?;
        Ok(Fingerprint {
            database: row.get(0),
            cluster: row.get(1),
        })
    }

    /// Returns the catalogue of the schema as it stands.
    pub(crate) async fn catalogue(&mut self, client: &Client) -> Result<Arc<Catalogue>, Error> {
        let detector = self.fingerprint(client).await?.database;
        if let Some(prepared) = &self.current
            && prepared.catalogue.detector == detector
        {
            return Ok(prepared.catalogue.clone());
        }
        let prepared = self.prepare(client, detector).await?;
        let catalogue = prepared.catalogue.clone();
        self.current = Some(prepared);
        Ok(catalogue)
    }

    /// Captures the state: one statement over all tables if the schema is the one seen last.
    pub(crate) async fn capture(
        &mut self,
        client: &Client,
        known: &mut KnownContents,
    ) -> Result<Captured, Error> {
        let mut attempt = 1;
        loop {
            if self.current.is_none() {
                self.catalogue(client).await?;
            }
            let prepared = self.current.as_ref().expect("it was read just now");
            // Both are on their way at once. Apart, since each reset makes the server plan the
            // second anew.
            let (fingerprint, rows) = join(
                self.fingerprint(client),
                client.query(&prepared.statement, &[]),
            )
            .await;
            let fingerprint = fingerprint?;
            let is_same = prepared.catalogue.detector == fingerprint.database;
            if !is_same && attempt < ATTEMPTS_MAX {
                attempt += 1;
                self.current = None;
                continue;
            }
            let rows = rows?;
            let mut objects = BTreeMap::new();
            for (table, row) in prepared.compared.iter().zip(&rows) {
                let name = ObjectName::new(&self.service, &table.name);
                let object = table_object(client, known, &name, table, row).await?;
                objects.insert(name, object);
            }
            if is_compared(&self.patterns, SCHEMA) {
                let (name, object) = self.schema(client, known, &fingerprint).await?;
                objects.insert(name, object);
            }
            return Ok(Captured {
                objects,
                fingerprint,
            });
        }
    }

    async fn prepare(&self, client: &Client, detector: String) -> Result<Prepared, Error> {
        let catalogue = catalogue::read(client, &self.service, detector).await?;
        let compared: Vec<Table> = catalogue
            .tables
            .iter()
            .filter(|table| is_compared(&self.patterns, &table.name))
            .cloned()
            .collect();
        let mut sql = "select -1::int4, 0::int8, ''::text where false".to_owned();
        for (place, Table { name, record, .. }) in compared.iter().enumerate() {
            sql.push_str(&format!(
                " union all select {place}, count(*), \
                 coalesce(sum(hash_record_extended({record}, 0)), 0)::text from only {name} t"
            ));
        }
        sql.push_str(" order by 1");
        Ok(Prepared {
            statement: client.prepare(&sql).await?,
            catalogue: Arc::new(catalogue),
            compared,
        })
    }

    async fn schema(
        &mut self,
        client: &Client,
        known: &mut KnownContents,
        fingerprint: &Fingerprint,
    ) -> Result<(ObjectName, Object), Error> {
        let name = ObjectName::new(&self.service, SCHEMA);
        let key = format!("{} {}", fingerprint.database, fingerprint.cluster);
        if let Some(object) = self.schemas.get(&key) {
            return Ok((name, object.clone()));
        }
        let Content { columns, rows } = catalogue::schema(client).await?;
        let object = object_of_rows(known, name.clone(), columns, rows);
        // A job that changes the schema makes other object ids in each trial: only the first, the
        // seed's, comes again and again.
        if self.schemas.is_empty() {
            self.schemas.insert(key, object.clone());
        }
        Ok((name, object))
    }
}

async fn table_object(
    client: &Client,
    known: &mut KnownContents,
    name: &ObjectName,
    table: &Table,
    row: &tokio_postgres::Row,
) -> Result<Object, Error> {
    let count: i64 = row.get(1);
    let sum: String = row.get(2);
    // Rows of other columns may have the same sum, as those of an empty table do.
    let hash = format!("{}-{sum}", table.columns_hash);
    let key = format!("{hash}-{count}");
    let content = match known.get(name, &key) {
        Some(content) => Some(content),
        None => match fetch(client, table).await? {
            Some(content) => keep(known, name.clone(), key, content),
            None => None,
        },
    };
    Ok(Object {
        hash,
        count: u64::try_from(count).unwrap_or_default(),
        content,
    })
}

/// Fetches a table's rows; `None` if they are more than can be kept.
async fn fetch(client: &Client, table: &Table) -> Result<Option<Content>, Error> {
    let size = "select coalesce(pg_relation_size($1::oid), 0)";
    let bytes: i64 = client.query_one(size, &[&table.oid]).await?.get(0);
    if bytes > FILE_BYTES_MAX {
        return Ok(None);
    }
    let copy = format!("copy (select * from only {}) to stdout", table.name);
    let mut stream = pin!(client.copy_out(&copy).await?);
    let mut content = Content {
        columns: table.columns.clone(),
        rows: Vec::new(),
    };
    let mut bytes = 0;
    // The server sends each row as a message of its own.
    while let Some(line) = stream.try_next().await? {
        bytes += line.len();
        if bytes > CONTENT_BYTES_MAX {
            return Ok(None);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        content.rows.push(copy_text::cells(line));
    }
    content.rows.sort_unstable();
    Ok(Some(content))
}
