//! The lab's own connection to a server: commands out, values in, by RESP2.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for an answer. A script that runs for ever keeps the server busy.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Most bytes of one answer. A value may be large, but the lab asks for large ones in parts.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Most values within one another.
const DEPTH_MAX: usize = 32;

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A status or a text.
    Text(Vec<u8>),
    /// An integer.
    Integer(i64),
    /// Nothing.
    Null,
    /// A list.
    List(Vec<Value>),
    /// An error.
    Error(String),
}

impl Value {
    /// Returns the text, an integer's too, or an empty one.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Error(text) => text.clone(),
            Self::Null | Self::List(_) => String::new(),
        }
    }

    /// Returns the bytes of a text.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) => bytes,
            _ => &[],
        }
    }

    /// Returns the integer.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns what the list holds, or nothing.
    pub(crate) fn list(&self) -> &[Value] {
        match self {
            Self::List(values) => values,
            _ => &[],
        }
    }
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The connection broke.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server refused.
    #[error("{command}: {said}")]
    Refused {
        /// First word of the command.
        command: String,
        /// What the server said.
        said: String,
    },
}

/// A command: its words.
pub(crate) type Command = Vec<Vec<u8>>;

/// Returns a command of these words.
pub(crate) fn command(words: &[&str]) -> Command {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    /// Speaks over this stream.
    pub(crate) fn new(stream: TcpStream) -> Self {
        // A small message that waits for the peer's acknowledgement would cost 40 ms; without this
        // option requests still work.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Does a command; an error of the server is one here.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Result<Value, Failed> {
        let answers = self.ask_all(&[command(words)]).await?;
        Ok(answers.into_iter().next().unwrap_or(Value::Null))
    }

    /// Does these commands in one pipeline; the first error of the server is one here.
    pub(crate) async fn ask_all(&mut self, commands: &[Command]) -> Result<Vec<Value>, Failed> {
        let answers = self.try_all(commands).await?;
        for (command, answer) in commands.iter().zip(&answers) {
            if let Value::Error(said) = answer {
                let word = command.first().map(Vec::as_slice).unwrap_or_default();
                return Err(Failed::Refused {
                    command: String::from_utf8_lossy(word).into_owned(),
                    said: crate::service::output::one_line(said),
                });
            }
        }
        Ok(answers)
    }

    /// Does these commands in one pipeline; errors of the server are among the answers.
    pub(crate) async fn try_all(&mut self, commands: &[Command]) -> Result<Vec<Value>, Failed> {
        let done = tokio::time::timeout(ANSWER_MAX, self.exchange(commands)).await;
        let answers = done.map_err(|_| {
            let words = format!("no answer within {ANSWER_MAX:?}: is it busy with a script?");
            io::Error::new(io::ErrorKind::TimedOut, words)
        })?;
        Ok(answers?)
    }

    async fn exchange(&mut self, commands: &[Command]) -> io::Result<Vec<Value>> {
        let (mut from, mut to) = self.stream.split();
        let mut bytes = Vec::new();
        for command in commands {
            encode(command, &mut bytes);
        }
        let read = &mut self.read;
        // Both at once: a server whose answers nobody reads stops reading.
        let write = async { to.write_all(&bytes).await };
        let answers = async {
            let mut answers = Vec::new();
            let mut begin = 0;
            while answers.len() < commands.len() {
                let mut rest = &read[begin..];
                if let Some(value) = decode(&mut rest, 0)? {
                    begin = read.len() - rest.len();
                    answers.push(value);
                    continue;
                }
                if read.len() - begin > ANSWER_BYTES_MAX {
                    return Err(io::Error::other("an answer of more than 256 MiB"));
                }
                read.drain(..begin);
                begin = 0;
                if from.read_buf(read).await? == 0 {
                    let words = "the server closed the connection";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, words));
                }
            }
            read.drain(..begin);
            Ok(answers)
        };
        let (written, answers) = tokio::join!(write, answers);
        written?;
        answers
    }
}

/// Writes a command as an array of texts.
fn encode(command: &Command, bytes: &mut Vec<u8>) {
    bytes.extend(format!("*{}\r\n", command.len()).into_bytes());
    for word in command {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
}

/// Takes a value off the front of the bytes; `None` if it is not all there.
fn decode(bytes: &mut &[u8], depth: usize) -> io::Result<Option<Value>> {
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "no answer of Redis");
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or_else(unreadable)?;
    let rest = &bytes[end + 1..];
    let (kind, text) = line.split_first().ok_or_else(unreadable)?;
    let text = std::str::from_utf8(text).map_err(|_| unreadable());
    let number = || text.as_ref().ok().and_then(|text| text.parse::<i64>().ok());
    let value = match kind {
        b'+' => Value::Text(line[1..].to_vec()),
        b'-' => Value::Error(String::from_utf8_lossy(&line[1..]).into_owned()),
        b':' => Value::Integer(number().ok_or_else(unreadable)?),
        b'$' | b'*' if number() == Some(-1) => Value::Null,
        b'$' => {
            let length = number().and_then(|length| usize::try_from(length).ok());
            let length = length.filter(|length| *length <= ANSWER_BYTES_MAX);
            let length = length.ok_or_else(unreadable)?;
            if rest.len() < length + 2 {
                return Ok(None);
            }
            *bytes = &rest[length + 2..];
            return Ok(Some(Value::Text(rest[..length].to_vec())));
        }
        b'*' if depth < DEPTH_MAX => {
            let count = number().and_then(|count| u32::try_from(count).ok());
            let mut rest = rest;
            let mut values = Vec::new();
            for _ in 0..count.ok_or_else(unreadable)? {
                match decode(&mut rest, depth + 1)? {
                    Some(value) => values.push(value),
                    None => return Ok(None),
                }
            }
            *bytes = rest;
            return Ok(Some(Value::List(values)));
        }
        _ => return Err(unreadable()),
    };
    *bytes = rest;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_whole_or_not_at_all() {
        let bytes = b"*3\r\n:7\r\n$-1\r\n*2\r\n+OK\r\n$3\r\na\r\n\r\n-ERR no\r\n";
        let mut rest = &bytes[..];
        let inner = Value::List(vec![
            Value::Text(b"OK".to_vec()),
            Value::Text(b"a\r\n".to_vec()),
        ]);
        let expect = Value::List(vec![Value::Integer(7), Value::Null, inner]);
        assert_eq!(decode(&mut rest, 0).unwrap(), Some(expect));
        assert_eq!(
            decode(&mut rest, 0).unwrap(),
            Some(Value::Error("ERR no".to_owned()))
        );
        let whole = bytes.len() - b"-ERR no\r\n".len();
        for length in 0..whole {
            let mut rest = &bytes[..length];
            assert_eq!(decode(&mut rest, 0).unwrap(), None, "{length}");
        }
        assert!(decode(&mut &b"?\r\n"[..], 0).is_err());
        assert!(decode(&mut &b"$-7\r\n"[..], 0).is_err());
        assert!(decode(&mut b"*1\r\n".repeat(50).as_slice(), 0).is_err());
    }
}
