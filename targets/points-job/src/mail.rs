//! A client for plain SMTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// A session with the mail server.
pub(crate) struct Mailer {
    server: BufReader<TcpStream>,
}

impl Mailer {
    /// Connects and says who we are, so that a dead server is noticed before any work is done.
    pub(crate) fn greet(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)
            .map_err(|error| io::Error::new(error.kind(), format!("mail {address}: {error}")))?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.set_nodelay(true)?;
        let mut mailer = Self {
            server: BufReader::new(stream),
        };
        mailer.answer('2')?;
        mailer.ask("EHLO points", '2')?;
        Ok(mailer)
    }

    /// Tells one member about the day's points.
    pub(crate) fn send(&mut self, to: &str, day: &str, id: Option<&str>) -> io::Result<()> {
        let id = id.map_or_else(String::new, |id| format!("Message-ID: {id}\r\n"));
        self.ask("MAIL FROM:<points@example.test>", '2')?;
        self.ask(&format!("RCPT TO:<{to}>"), '2')?;
        self.ask("DATA", '3')?;
        let text = format!(
            "From: points@example.test\r\nTo: {to}\r\n{id}Subject: Points for {day}\r\n\r\n\
             1,000 points were added to your balance.\r\n."
        );
        self.ask(&text, '2')
    }

    /// Ends the session.
    pub(crate) fn quit(mut self) -> io::Result<()> {
        self.ask("QUIT", '2')
    }

    fn ask(&mut self, request: &str, class: char) -> io::Result<()> {
        let line = format!("{request}\r\n");
        self.server.get_mut().write_all(line.as_bytes())?;
        self.answer(class)
    }

    /// Reads an answer to its last line, which has a blank behind its code.
    fn answer(&mut self, class: char) -> io::Result<()> {
        let mut limited = self.server.by_ref().take(ANSWER_BYTES_MAX);
        loop {
            let mut line = String::new();
            if limited.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            if line.starts_with(class) {
                return Ok(());
            }
            return Err(io::Error::other(format!(
                "mail server says {}",
                line.trim()
            )));
        }
    }
}
