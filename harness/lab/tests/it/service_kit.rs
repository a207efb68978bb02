//! What the tests of services share: a service on the local backend, a client of it, and short
//! texts of its state.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use twiceproof_lab::backend::{self, Backend};
use twiceproof_lab::service::{
    self, KnownContents, Service, ServiceContext, ServiceError, ServiceStream,
};
use twiceproof_model::snapshot::{Object, ObjectName};
use twiceproof_model::target::{ServiceSpec, StateSpec};

/// Runs a test body as a cell runs a trial: on one thread.
pub(crate) fn run<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, body)
}

/// The backend that services are tested on here.
pub(crate) fn local() -> &'static dyn Backend {
    backend::find("local").unwrap()
}

/// A service with its private folder.
pub(crate) struct Fixture {
    pub(crate) service: Box<dyn Service>,
    pub(crate) known: KnownContents,
    /// What its links speak.
    pub(crate) protocol: &'static str,
    _folder: tempfile::TempDir,
}

/// What to start.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) kind: &'a str,
    /// Seed files by name and content.
    pub(crate) seeds: &'a [(&'a str, &'a str)],
    pub(crate) options: &'a [(&'a str, &'a str)],
    pub(crate) state: StateSpec,
    /// Whether changes of rows are asked for.
    pub(crate) history: bool,
}

impl Fixture {
    /// Starts a service.
    pub(crate) async fn start(wanted: Wanted<'_>) -> Result<Self, ServiceError> {
        let folder = tempfile::tempdir().unwrap();
        let seed_folder = folder.path().join("seed");
        std::fs::create_dir(&seed_folder).unwrap();
        let mut seed = Vec::new();
        for (name, text) in wanted.seeds {
            std::fs::write(seed_folder.join(name), text).unwrap();
            seed.push(seed_folder.join(name));
        }
        Self::start_with(wanted, folder, seed).await
    }

    /// Starts a service with these seeds.
    pub(crate) async fn start_with(
        wanted: Wanted<'_>,
        folder: tempfile::TempDir,
        seed: Vec<PathBuf>,
    ) -> Result<Self, ServiceError> {
        let kind = service::find(wanted.kind).unwrap();
        let options = wanted
            .options
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        let spec = ServiceSpec {
            name: "svc".into(),
            kind: wanted.kind.to_owned(),
            host: "svc".to_owned(),
            port: kind.kind().port,
            image: None,
            seed,
            options: options.collect(),
        };
        let own = folder.path().join("own");
        std::fs::create_dir(&own).unwrap();
        let context = ServiceContext {
            spec: &spec,
            state: &wanted.state,
            backend: local(),
            folder: &own,
            cell: 1,
            history: wanted.history,
        };
        let service = kind.start(context).await?;
        Ok(Self {
            service,
            known: KnownContents::default(),
            protocol: kind.protocol().unwrap_or("opaque"),
            _folder: folder,
        })
    }

    /// Captures the state.
    pub(crate) async fn capture(&mut self) -> BTreeMap<ObjectName, Object> {
        self.service.capture(&mut self.known).await.unwrap()
    }

    /// Opens a session on a PostgreSQL service.
    pub(crate) async fn session(&mut self) -> tokio_postgres::Client {
        let ServiceStream::Tcp(stream) = self.service.dial().await.unwrap() else {
            panic!("a server is reached by TCP");
        };
        let mut config = tokio_postgres::Config::new();
        config.user("app").dbname("app");
        let (client, connection) = config
            .connect_raw(stream, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }
}

/// Returns an error where a fixture was not wanted.
pub(crate) fn error(started: Result<Fixture, ServiceError>) -> ServiceError {
    match started {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

/// Returns the rows of one object, a line each.
pub(crate) fn rows(objects: &BTreeMap<ObjectName, Object>, object: &str) -> Vec<String> {
    let object = &objects[&ObjectName::new(&"svc".into(), object)];
    let content = object.content.as_ref().expect("it is small");
    assert_eq!(content.rows.len() as u64, object.count);
    let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_owned());
    content
        .rows
        .iter()
        .map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|"))
        .collect()
}

/// Returns the names of all objects.
pub(crate) fn names(objects: &BTreeMap<ObjectName, Object>) -> Vec<&str> {
    objects.keys().map(|name| &*name.object).collect()
}

/// Returns hash and count of every object: what verdicts compare.
pub(crate) fn hashes(objects: &BTreeMap<ObjectName, Object>) -> Vec<(String, String, u64)> {
    let told = |(name, object): (&ObjectName, &Object)| {
        (name.object.to_string(), object.hash.clone(), object.count)
    };
    objects.iter().map(told).collect()
}
