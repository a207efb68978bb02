//! The state of all services at one moment, as captured: nothing is masked yet.

use crate::digest::Digest;
use crate::name::ServiceName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Names one object of a service's state: a table `public.members`, the schema `(schema)`, a file
/// `points.db`, a table of a SQLite file `points.db:members`, the mails `(mails)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectName {
    /// Whose state it is part of.
    pub service: ServiceName,
    /// Its name there.
    pub object: Arc<str>,
}

impl ObjectName {
    /// Returns the name of this object of the service.
    pub fn new(service: &ServiceName, object: &str) -> Self {
        Self {
            service: service.clone(),
            object: object.into(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.object)
    }
}

impl From<ObjectName> for String {
    fn from(name: ObjectName) -> String {
        name.to_string()
    }
}

/// A text that names no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no object: expected SERVICE/OBJECT")]
pub struct NotAnObject(String);

impl TryFrom<String> for ObjectName {
    type Error = NotAnObject;

    fn try_from(text: String) -> Result<Self, NotAnObject> {
        match text.split_once('/') {
            Some((service, object)) => Ok(Self::new(&service.into(), object)),
            None => Err(NotAnObject(text)),
        }
    }
}

/// The state of all services: the multiset of rows of each object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The objects. One that does not exist is absent; an empty table is present with no rows.
    pub objects: BTreeMap<ObjectName, Object>,
}

impl Snapshot {
    /// Returns the hash over all objects' names and hashes: equal states, equal hashes.
    pub fn digest(&self) -> Digest {
        let mut hasher = crate::digest::Hasher::new("snapshot 1");
        for (name, object) in &self.objects {
            hasher.field(&name.to_string());
            hasher.field(&object.hash);
            hasher.field(&object.count.to_string());
        }
        hasher.finish()
    }
}

/// One object of a snapshot.
///
/// `hash` does not depend on the order of rows, and `hash` and `count` together are equal exactly
/// when the rows are (up to collisions). Sources of one kind compute it in one way: it is compared
/// only with its like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Order-independent hash of the rows, as text of the source's choice.
    pub hash: String,
    /// How many rows.
    pub count: u64,
    /// The rows, where they were fetched: always in a baseline, else only where the hash was not
    /// known. Absent where they exceed the bound on rows kept.
    #[serde(skip)]
    pub content: Option<Arc<Content>>,
}

/// The rows of an object with what is known about its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with a cell per column, in an order without meaning. `None` is null. Control
    /// characters and bytes that are not UTF-8 stand as they came, the latter replaced.
    pub rows: Vec<Vec<Option<String>>>,
}

/// One column of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether it is part of the primary key.
    pub key: bool,
    /// Whether the service makes its values (identity, a sequence's default, a uuid's default), so
    /// that it is compared by content.
    pub surrogate: bool,
    /// Whether it holds times.
    pub time: bool,
    /// The object and column that a single-column foreign key points to.
    pub references: Option<(ObjectName, String)>,
}
