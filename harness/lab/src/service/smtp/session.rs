//! One SMTP session (RFC 5321), as bytes in and bytes out.

use crate::source::mail::Mail;

/// What the sink says first.
pub(super) const GREETING: &[u8] = b"220 sink.test ESMTP\r\n";

/// Most bytes of a mail.
pub(super) const MAIL_BYTES_MAX: usize = 25 << 20;

/// Most bytes of a command line.
const LINE_BYTES_MAX: usize = 4 << 10;

/// Most recipients of a mail.
const RECIPIENTS_MAX: usize = 1_000;

/// One session.
#[derive(Default)]
pub(super) struct Session {
    /// What came and is no whole line yet.
    pending: Vec<u8>,
    /// Whether the rest of a line too long is being thrown away.
    skipping: bool,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
    /// The mail's text so far, while it is being handed over.
    data: Option<Vec<u8>>,
    too_large: bool,
    closed: bool,
}

impl Session {
    /// Returns whether the session took leave.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes bytes; appends replies and mails that were accepted.
    pub(super) fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>, mails: &mut Vec<Mail>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.closed {
                return;
            }
            self.pending.extend_from_slice(piece);
            let whole = piece.ends_with(b"\n");
            if self.data.is_some() {
                // A line of a mail may be of any length; its pieces are kept as they come.
                if whole {
                    let line = std::mem::take(&mut self.pending);
                    self.text(line, replies, mails);
                } else if self.pending.len() > MAIL_BYTES_MAX {
                    self.too_large = true;
                    self.pending.truncate(1);
                }
            } else if whole {
                let line = std::mem::take(&mut self.pending);
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                let reply = self.command(&line);
                replies.extend_from_slice(reply.as_bytes());
                replies.extend_from_slice(b"\r\n");
            } else if self.pending.len() > LINE_BYTES_MAX {
                if !std::mem::replace(&mut self.skipping, true) {
                    replies.extend_from_slice(b"500 line too long\r\n");
                }
                self.pending.clear();
            }
        }
    }

    /// Takes one line of a mail's text.
    fn text(&mut self, line: Vec<u8>, replies: &mut Vec<u8>, mails: &mut Vec<Mail>) {
        let data = self
            .data
            .as_mut()
            .expect("only called while a mail is handed over");
        if line != b".\r\n" && line != b".\n" {
            // A line that begins with a dot has one more on the wire.
            let line = line.strip_prefix(b".").unwrap_or(&line);
            if data.len() + line.len() > MAIL_BYTES_MAX {
                self.too_large = true;
            } else {
                data.extend_from_slice(line);
            }
            return;
        }
        let data = self.data.take().expect("it is handed over");
        let (from, to) = (self.from.take(), std::mem::take(&mut self.to));
        if std::mem::take(&mut self.too_large) {
            replies.extend_from_slice(b"552 message too large\r\n");
            return;
        }
        mails.push(Mail {
            from: from.unwrap_or_default(),
            to,
            data,
        });
        replies.extend_from_slice(b"250 accepted\r\n");
    }

    /// Answers one command.
    fn command(&mut self, line: &str) -> String {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let fixed = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.greet();
                return format!(
                    "250-sink.test\r\n250-PIPELINING\r\n250-SIZE {MAIL_BYTES_MAX}\r\n\
                     250-8BITMIME\r\n250 SMTPUTF8"
                );
            }
            "HELO" => {
                self.greet();
                "250 sink.test"
            }
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest),
            "DATA" if self.to.is_empty() => "503 no valid recipients",
            "DATA" => {
                self.data = Some(Vec::new());
                "354 end with a line of one dot"
            }
            "RSET" => {
                self.forget();
                "250 forgotten"
            }
            "NOOP" => "250 nothing done",
            "VRFY" => "252 cannot verify, will accept",
            "HELP" => "214 a sink: every mail is accepted and kept",
            "QUIT" => {
                self.closed = true;
                "221 bye"
            }
            "STARTTLS" | "AUTH" | "EXPN" | "TURN" | "BDAT" => "502 not offered",
            _ => "500 no such command",
        };
        fixed.to_owned()
    }

    fn greet(&mut self) {
        self.forget();
        self.greeted = true;
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    fn mail(&mut self, rest: &str) -> &'static str {
        if !self.greeted {
            return "503 say hello first";
        }
        if self.from.is_some() {
            return "503 another mail is under way";
        }
        let Some((address, parameters)) = address(rest, "FROM:") else {
            return "501 expected MAIL FROM:<address>";
        };
        let announced = parameters.split(' ').find_map(|word| {
            let (key, value) = word.split_once('=')?;
            key.eq_ignore_ascii_case("SIZE")
                .then(|| value.parse::<usize>().ok())?
        });
        if announced.is_some_and(|size| size > MAIL_BYTES_MAX) {
            return "552 message too large";
        }
        self.from = Some(address);
        "250 sender noted"
    }

    fn recipient(&mut self, rest: &str) -> &'static str {
        if self.from.is_none() {
            return "503 no sender yet";
        }
        match address(rest, "TO:") {
            Some((address, _)) if address.is_empty() => "501 expected RCPT TO:<address>",
            None => "501 expected RCPT TO:<address>",
            Some(_) if self.to.len() >= RECIPIENTS_MAX => "452 too many recipients",
            Some((address, _)) => {
                self.to.push(address);
                "250 recipient noted"
            }
        }
    }
}

/// Returns the address of `FROM:<address> parameters`, and the parameters. A blank behind the colon
/// and an address without brackets are often sent, and read as they are meant.
fn address<'a>(text: &'a str, word: &str) -> Option<(String, &'a str)> {
    let text = text.trim_start();
    let head = text.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    let rest = text[word.len()..].trim_start();
    match rest.strip_prefix('<') {
        Some(rest) => {
            let (address, parameters) = rest.split_once('>')?;
            Some((address.to_owned(), parameters.trim_start()))
        }
        None => {
            let (address, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
            (!address.is_empty()).then(|| (address.to_owned(), parameters))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a dialogue; `|` stands for the end of a line. Returns replies' codes and the mails.
    fn talk(text: &str, piece_bytes: usize) -> (String, Vec<Mail>) {
        let text = text.replace('|', "\r\n");
        let mut session = Session::default();
        let (mut replies, mut mails) = (Vec::new(), Vec::new());
        for piece in text.as_bytes().chunks(piece_bytes) {
            session.feed(piece, &mut replies, &mut mails);
        }
        let replies = String::from_utf8(replies).expect("replies are text");
        let last = replies
            .lines()
            .filter(|line| line.as_bytes().get(3) != Some(&b'-'));
        let codes: Vec<&str> = last.map(|line| &line[..3]).collect();
        (codes.join(" "), mails)
    }

    fn check(text: &str, codes: &str, mails: &[(&str, &str, &str)]) {
        for piece_bytes in [1, 2, 7, 10_000] {
            let (said, taken) = talk(text, piece_bytes);
            assert_eq!(said, codes, "{text} by {piece_bytes}");
            let taken: Vec<_> = taken
                .iter()
                .map(|mail| {
                    let data = String::from_utf8_lossy(&mail.data).replace("\r\n", "|");
                    (mail.from.clone(), mail.to.join(" "), data)
                })
                .collect();
            let expect: Vec<_> = mails
                .iter()
                .map(|(from, to, data)| (from.to_string(), to.to_string(), data.to_string()))
                .collect();
            assert_eq!(taken, expect, "{text} by {piece_bytes}");
        }
    }

    #[test]
    fn dialogues() {
        check("EHLO me|NOOP|QUIT|NOOP|", "250 250 221", &[]);
        check(
            "HELO me|MAIL FROM:<a@x>|RCPT TO:<b@x>|RCPT TO: <c@x>|DATA|hi|..dot||.|QUIT|",
            "250 250 250 250 354 250 221",
            &[("a@x", "b@x c@x", "hi|.dot||")],
        );
        check(
            "EHLO me|mail from:<> SIZE=10 BODY=8BITMIME|rcpt to:b@x NOTIFY=NEVER|data|.|",
            "250 250 250 354 250",
            &[("", "b@x", "")],
        );
        check(
            "EHLO me|MAIL FROM:<a@x>|RCPT TO:<b@x>|DATA|1|.|MAIL FROM:<a@x>|RCPT TO:<b@x>|DATA|2|.|",
            "250 250 250 354 250 250 250 354 250",
            &[("a@x", "b@x", "1|"), ("a@x", "b@x", "2|")],
        );
    }

    #[test]
    fn what_comes_at_the_wrong_time_is_refused() {
        check("MAIL FROM:<a@x>|RCPT TO:<b@x>|DATA|", "503 503 503", &[]);
        check(
            "EHLO me|RCPT TO:<b@x>|MAIL FROM:<a@x>|DATA|MAIL FROM:<a@x>|",
            "250 503 250 503 503",
            &[],
        );
        check(
            "EHLO me|MAIL FROM:<a@x>|RCPT TO:<b@x>|RSET|DATA|",
            "250 250 250 250 503",
            &[],
        );
        check(
            "EHLO me|MAIL a@x|MAIL FROM:<a@x|MAIL|RCPT|",
            "250 501 501 501 503",
            &[],
        );
        check(
            "EHLO me|MAIL FROM:<a@x> SIZE=99999999|AUTH PLAIN x|STARTTLS|HUH|VRFY a|",
            "250 552 502 502 500 252",
            &[],
        );
    }

    #[test]
    fn lines_and_mails_have_bounds() {
        let long = "x".repeat(3 * LINE_BYTES_MAX);
        check(&format!("EHLO me|{long}|NOOP|"), "250 500 250", &[]);
        let mut session = Session::default();
        let (mut replies, mut mails) = (Vec::new(), Vec::new());
        let start = b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n";
        session.feed(start, &mut replies, &mut mails);
        let line = vec![b'x'; 1 << 20];
        for _ in 0..26 {
            session.feed(&line, &mut replies, &mut mails);
        }
        replies.clear();
        session.feed(b"\r\n.\r\nNOOP\r\n", &mut replies, &mut mails);
        assert_eq!(replies, b"552 message too large\r\n250 nothing done\r\n");
        assert!(mails.is_empty());
    }
}
