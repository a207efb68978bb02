//! Two runs, the second begun while the first waits for the mail server.

use rusqlite::Connection;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Longest wait for the other side.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What two runs that overlap leave behind.
#[derive(Debug, PartialEq, Eq)]
struct State {
    /// Balances of the members, by id.
    balances: Vec<i64>,
    /// Recipients of mails, in alphabetical order.
    mailed: Vec<String>,
}

/// The mail server's end of a session.
struct Session {
    stream: BufReader<TcpStream>,
}

impl Session {
    /// Greets, and reads the client's greeting without an answer to it.
    fn accept(listener: &TcpListener) -> Outcome<Self> {
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(WAIT_MAX))?;
        let mut session = Self {
            stream: BufReader::new(stream),
        };
        session.say("220 ready")?;
        assert_eq!(session.line()?.as_deref(), Some("EHLO points"));
        Ok(session)
    }

    /// Answers the greeting and everything behind it; returns who got mail.
    fn serve(mut self) -> Outcome<Vec<String>> {
        let mut mailed = Vec::new();
        self.say("250-here\r\n250 SIZE 1000")?;
        while let Some(line) = self.line()? {
            if let Some(to) = line.strip_prefix("RCPT TO:") {
                mailed.push(to.to_owned());
            }
            if line == "DATA" {
                self.say("354 go on")?;
                while self.line()?.ok_or("the mail has no end")? != "." {}
            }
            self.say("250 well")?;
        }
        Ok(mailed)
    }

    fn say(&mut self, line: &str) -> Outcome<()> {
        Ok(write!(self.stream.get_mut(), "{line}\r\n")?)
    }

    /// Returns the next line; `None` at the end of the session.
    fn line(&mut self) -> Outcome<Option<String>> {
        let mut line = String::new();
        let is_end = self.stream.read_line(&mut line)? == 0;
        Ok((!is_end).then(|| line.trim_end().to_owned()))
    }
}

/// Starts a run that mails through the listener.
fn start(folder: &Path, listener: &TcpListener, arguments: &[&str]) -> Outcome<Child> {
    let mut job = Command::new(env!("CARGO_BIN_EXE_points-job"));
    job.arg("--folder").arg(folder).stdout(Stdio::null());
    job.arg("--mail")
        .arg(listener.local_addr()?.to_string())
        .args(arguments);
    Ok(job.spawn()?)
}

/// Runs the job twice: both have greeted the mail server before either is answered.
fn overlap(arguments: &[&str]) -> Outcome<State> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("points.db");
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../points-demo/data/points.db");
    std::fs::copy(seed, &file)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut runs = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        runs.push(start(folder.path(), &listener, arguments)?);
        sessions.push(Session::accept(&listener)?);
    }
    let mut mailed = Vec::new();
    for session in sessions {
        mailed.extend(session.serve()?);
    }
    for mut run in runs {
        assert!(run.wait()?.success());
    }
    mailed.sort();
    let file = Connection::open(file)?;
    let mut select = file.prepare("SELECT balance FROM members ORDER BY id")?;
    let balances = select.query_map([], |row| row.get(0))?;
    let balances = balances.collect::<Result<_, _>>()?;
    Ok(State { balances, mailed })
}

#[test]
fn broken_variant_grants_and_mails_twice() -> Outcome<()> {
    let (aiko, ben) = ("<aiko@example.test>", "<ben@example.test>");
    let expect = State {
        balances: vec![2500, 3200, 80],
        mailed: [aiko, aiko, ben, ben].map(String::from).into(),
    };
    assert_eq!(overlap(&["--guard", "check"])?, expect);
    Ok(())
}

#[test]
fn fixed_variant_grants_and_mails_once() -> Outcome<()> {
    let (aiko, ben) = ("<aiko@example.test>", "<ben@example.test>");
    let expect = State {
        balances: vec![1500, 2200, 80],
        mailed: [aiko, ben].map(String::from).into(),
    };
    assert_eq!(overlap(&["--guard", "flock", "--idempotent"])?, expect);
    Ok(())
}
