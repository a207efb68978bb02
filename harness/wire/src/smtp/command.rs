//! Command lines to texts without secrets.

use crate::sql::{cut, printable};

/// Longest text of a command, in bytes.
const TEXT_BYTES_MAX: usize = 512;
/// The AUTH mechanisms that are shown. Anything else in their place may be a secret.
const MECHANISMS: &[&str] = &[
    "CRAM-MD5",
    "DIGEST-MD5",
    "EXTERNAL",
    "GSSAPI",
    "LOGIN",
    "NTLM",
    "OAUTHBEARER",
    "PLAIN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "XOAUTH2",
];

/// What a request is, as far as its reply matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A command whose reply changes nothing here.
    Command,
    /// DATA: after a 354 the body follows.
    Data,
    /// AUTH, or an answer to its challenge.
    Auth,
    /// STARTTLS: after a 220 all is encrypted.
    StartTls,
    /// A part of a mail's body that is not its last.
    Chunk,
    /// The end of a mail's body.
    Body,
}

/// A command line.
#[derive(Debug)]
pub(super) struct Command {
    /// Its text for signatures.
    pub(super) text: String,
    /// What it is.
    pub(super) kind: Kind,
    /// How many bytes of a body follow it, where it says so.
    pub(super) chunk: Option<u64>,
}

/// Reads a line. What is no known command shows nothing of itself: it may be a secret out of its
/// place.
pub(super) fn read(line: &[u8]) -> Command {
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_ascii_whitespace();
    let verb = words.next().unwrap_or_default().to_ascii_uppercase();
    let mut kind = Kind::Command;
    let mut chunk = None;
    let mut text = match verb.as_str() {
        "EHLO" | "HELO" | "LHLO" | "VRFY" | "EXPN" | "HELP" => format!("{verb} ?"),
        "MAIL" | "RCPT" => words.fold(verb, |text, word| format!("{text} {}", argument(word))),
        "DATA" => {
            kind = Kind::Data;
            verb
        }
        "RSET" | "QUIT" | "NOOP" => verb,
        "STARTTLS" => {
            kind = Kind::StartTls;
            verb
        }
        "AUTH" => {
            kind = Kind::Auth;
            let mechanism = words.next().unwrap_or_default();
            let response = if words.next().is_some() { " ?" } else { "" };
            format!("{verb} {}{response}", mechanism_name(mechanism))
        }
        "BDAT" => {
            chunk = words.next().and_then(|length| length.parse().ok());
            let is_last = words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("LAST"));
            kind = match is_last {
                true => Kind::Body,
                false => Kind::Chunk,
            };
            "BDAT body".to_owned()
        }
        _ => "UNKNOWN ?".to_owned(),
    };
    text = text.chars().map(printable).collect();
    cut(&mut text, TEXT_BYTES_MAX);
    Command { text, kind, chunk }
}

/// Returns an argument of MAIL or RCPT: the address whole, of a parameter such as `SIZE=1024` its
/// name.
fn argument(word: &str) -> String {
    match word.split_once('=') {
        Some((name, _)) if !word.contains('<') => format!("{name}=?"),
        _ => word.to_owned(),
    }
}

fn mechanism_name(word: &str) -> &'static str {
    let known = MECHANISMS
        .iter()
        .find(|name| name.eq_ignore_ascii_case(word));
    known.copied().unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        #[track_caller]
        fn check(line: &str, expect: &str, kind: Kind) {
            let command = read(line.as_bytes());
            assert_eq!(
                (command.text.as_str(), command.kind),
                (expect, kind),
                "{line}"
            );
        }
        check("ehlo host.example\r\n", "EHLO ?", Kind::Command);
        check(
            "MAIL FROM:<a=b@c> SIZE=17\r\n",
            "MAIL FROM:<a=b@c> SIZE=?",
            Kind::Command,
        );
        check("rcpt TO:<d@e>\n", "RCPT TO:<d@e>", Kind::Command);
        check("AUTH PLAIN AGh1bnRlcjI=\r\n", "AUTH PLAIN ?", Kind::Auth);
        check("AUTH LOGIN\r\n", "AUTH LOGIN", Kind::Auth);
        check("AUTH aHVudGVyMg\r\n", "AUTH ?", Kind::Auth);
        check("hunter2\r\n", "UNKNOWN ?", Kind::Command);
        check("\r\n", "UNKNOWN ?", Kind::Command);
        check("BDAT 3\r\n", "BDAT body", Kind::Chunk);
        check("BDAT 3 LAST\r\n", "BDAT body", Kind::Body);
        check("NOOP hunter2\r\n", "NOOP", Kind::Command);
    }
}
