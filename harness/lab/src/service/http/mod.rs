//! A web service: a recording sink inside the harness, or a program of the target's own behind a
//! recorder. The requests that changed something are its state.

mod book;
mod program;
mod recorder;
mod request;
mod session;

use crate::service::sink::Connections;
use crate::service::{
    KnownContents, Service, ServiceContext, ServiceError, ServiceKind, ServiceStream,
};
use crate::source::http::object;
use crate::source::is_compared;
use book::{Book, Rules};
use futures_util::future::{LocalBoxFuture, ready};
use program::Program;
use session::Session;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use twiceproof_model::diag::{Diag, code};
use twiceproof_model::effect::REQUESTS;
use twiceproof_model::kind::{Key, KeyType, Kind};
use twiceproof_model::replies::{self, ReplySpec};
use twiceproof_model::snapshot::{Object, ObjectName};
use twiceproof_model::target::ServiceSpec;

/// The registry entry.
pub(super) struct Http;

const KIND: Kind = Kind {
    name: "http",
    doc: "A web service: records the requests that change something, and answers from a table; or \
          passes them on to a program of your own.",
    keys: &[
        Key {
            name: "replies",
            value: KeyType::Path,
            required: false,
            default: "200 for everything",
            doc: "File with the table of replies.",
        },
        Key {
            name: "key",
            value: KeyType::Text,
            required: false,
            default: KEY_HEADER,
            doc: "Header that names an effect: requests with one value are one effect, and get one \
                  reply.",
        },
        Key {
            name: "headers",
            value: KeyType::TextList,
            required: false,
            default: "[]",
            doc: "Headers that are compared.",
        },
        Key {
            name: "command",
            value: KeyType::TextList,
            required: false,
            default: "none",
            doc: "Program and arguments of a real service that the requests are passed on to; it \
                  starts anew for each trial.",
        },
        Key {
            name: "folder",
            value: KeyType::Path,
            required: false,
            default: "none",
            doc: "Folder in which that program starts, seen read-only.",
        },
        Key {
            name: "listen",
            value: KeyType::Integer { min: 1, max: 65535 },
            required: false,
            default: PORT,
            doc: "Port of 127.0.0.1 at which that program listens; its variable PORT says so.",
        },
        Key {
            name: "env",
            value: KeyType::TextTable,
            required: false,
            default: "{}",
            doc: "Environment of that program, beside PATH, HOME and PORT.",
        },
    ],
    port: Some(80),
};

/// The header that names an effect, if the target names none.
const KEY_HEADER: &str = "Idempotency-Key";
/// Where a program listens, if the target does not say.
const PORT: &str = "8080";
/// Headers that never reach a record.
const SECRET_HEADERS: &[&str] = &["authorization", "proxy-authorization", "cookie"];

impl ServiceKind for Http {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn protocol(&self) -> Option<&'static str> {
        Some("http")
    }

    fn flaws(&self, spec: &ServiceSpec) -> Vec<Diag> {
        let path = spec.options.get("replies").map(Path::new);
        let flaws = path.and_then(|path| read_replies(path).err());
        flaws.map_or_else(Vec::new, |flaws| flaws.diags)
    }

    fn start<'a>(
        &'a self,
        context: ServiceContext<'a>,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Service>, ServiceError>> {
        Box::pin(start(context))
    }
}

async fn start(context: ServiceContext<'_>) -> Result<Box<dyn Service>, ServiceError> {
    let options = &context.spec.options;
    let service = context.spec.name.as_str().to_owned();
    let input = |message: String| ServiceError::Input {
        service: service.clone(),
        message,
    };
    if !context.spec.seed.is_empty() {
        let message = "a web service begins empty; it takes no seed".to_owned();
        return Err(input(message));
    }
    let key = options.get("key").map_or(KEY_HEADER, String::as_str);
    let headers = options.get("headers").map_or("", String::as_str);
    let headers: Vec<String> = headers.lines().map(str::to_ascii_lowercase).collect();
    if let Some(secret) = headers
        .iter()
        .find(|name| SECRET_HEADERS.contains(&name.as_str()))
    {
        let message = format!("option `headers` names {secret}, which may hold a secret");
        return Err(input(message));
    }
    let replies = match options.get("replies") {
        None => Vec::new(),
        Some(_) if options.contains_key("command") => {
            let message = "options `replies` and `command` exclude each other";
            return Err(input(message.to_owned()));
        }
        Some(path) => {
            let path = Path::new(path);
            let plain = |flaws: Flaws| input(flaws.plain());
            read_replies(path).map_err(plain)?
        }
    };
    let rules = Rules {
        headers,
        key: key.to_ascii_lowercase(),
        replies,
    };
    let program = match options.contains_key("command") {
        true => Some(Program::open(&context).await?),
        false => None,
    };
    Ok(Box::new(Running {
        is_compared: is_compared(&context.state.tables, REQUESTS.object),
        name: ObjectName::new(&context.spec.name, REQUESTS.object),
        book: Arc::new(Mutex::new(Book::new(rules.clone()))),
        rules,
        connections: Connections::default(),
        program,
    }))
}

/// Errors in a table of replies, with its text.
struct Flaws {
    text: String,
    diags: Vec<Diag>,
}

impl Flaws {
    /// Returns a line for each.
    fn plain(&self) -> String {
        let lines = self.diags.iter().map(|diag| diag.plain(&self.text));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn read_replies(path: &Path) -> Result<Vec<ReplySpec>, Flaws> {
    let alone = |diag| Flaws {
        text: String::new(),
        diags: vec![diag],
    };
    let bytes = std::fs::read(path).map_err(|error| {
        alone(Diag {
            code: code::UNKNOWN_NAME,
            message: format!("cannot read the table of replies: {error}"),
            file: path.to_owned(),
            span: None,
            help: "paths are relative to the file that names them".to_owned(),
        })
    })?;
    let text = twiceproof_model::file::text(&bytes, path).map_err(alone)?;
    replies::parse(text, path).map_err(|diags| Flaws {
        text: text.to_owned(),
        diags,
    })
}

/// A running service.
struct Running {
    name: ObjectName,
    is_compared: bool,
    rules: Rules,
    book: Arc<Mutex<Book>>,
    connections: Connections<Session>,
    /// What the requests are passed on to; without one the sink answers.
    program: Option<Program>,
}

impl Service for Running {
    fn version(&self) -> String {
        match &self.program {
            None => "sink".to_owned(),
            Some(program) => program.name().to_owned(),
        }
    }

    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>> {
        Box::pin(async {
            let book = self.book.clone();
            let dialed = match &mut self.program {
                Some(program) => return program.dial(book).await,
                None => self.connections.open(Session::new(book)),
            };
            dialed.map_err(|error| ServiceError::Environment {
                service: self.name.service.as_str().to_owned(),
                message: format!("cannot make a socket: {error}"),
                hint: "are there too many open files?".to_owned(),
            })
        })
    }

    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        self.connections.hang_up();
        // Another book, so that what a former link still says is lost.
        self.book = Arc::new(Mutex::new(Book::new(self.rules.clone())));
        Box::pin(async {
            match &mut self.program {
                Some(program) => program.renew().await,
                None => Ok(()),
            }
        })
    }

    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>> {
        Box::pin(async move {
            self.connections.take_in();
            if let Some(program) = &mut self.program {
                program.settle().await;
            }
            let book = self.book.lock().expect("no holder of this lock panics");
            let mut objects = BTreeMap::new();
            if self.is_compared {
                let object = object(&book.taken, self.name.clone(), known);
                objects.insert(self.name.clone(), object);
            }
            Ok(objects)
        })
    }

    fn blocked<'a>(
        &'a mut self,
        _sessions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<BTreeMap<i32, Vec<i32>>, ServiceError>> {
        Box::pin(ready(Ok(BTreeMap::new())))
    }

    fn died(&mut self) -> LocalBoxFuture<'_, ServiceError> {
        match &mut self.program {
            Some(program) => Box::pin(program.died()),
            None => Box::pin(std::future::pending()),
        }
    }
}
