//! The last words of a program that runs for a service.

use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;
use twiceproof_model::escape::escape_cut;

/// The most bytes of output that are kept: the last ones.
const TAIL_BYTES_MAX: usize = 64 << 10;

/// The most characters of one line that an error shows.
const LINE_CHARS_MAX: usize = 400;

/// The last words of one program, read from a pipe as they come.
pub(crate) struct Tail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    reading: JoinHandle<()>,
}

impl Tail {
    /// Makes a pipe; returns the end that the program writes to. Reads until the last writer is
    /// gone.
    pub(crate) fn open() -> io::Result<(Self, OwnedFd)> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        let mut receiver = Receiver::from_owned_fd(read)?;
        let bytes = Arc::new(Mutex::new(VecDeque::new()));
        let kept = bytes.clone();
        let reading = tokio::spawn(async move {
            let mut chunk = vec![0; 8 << 10];
            while let Ok(count @ 1..) = receiver.read(&mut chunk).await {
                let mut kept = kept.lock().expect("no holder of this lock panics");
                kept.extend(&chunk[..count]);
                let surplus = kept.len().saturating_sub(TAIL_BYTES_MAX);
                kept.drain(..surplus);
            }
        });
        Ok((Self { bytes, reading }, write))
    }

    /// Waits until every writer is gone, so that nothing is missing.
    pub(crate) async fn ended(&mut self) {
        if !self.reading.is_finished() {
            // The reader neither panics nor is aborted before the drop of this.
            let _ = (&mut self.reading).await;
        }
    }

    /// Returns what was kept, as text.
    pub(crate) fn text(&self) -> String {
        let bytes = self.bytes.lock().expect("no holder of this lock panics");
        let (front, back) = bytes.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }

    /// Returns the last lines, fit to be shown in one.
    pub(crate) fn last_lines(&self, lines_max: usize) -> String {
        let text = self.text();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let from = lines.len().saturating_sub(lines_max);
        let shown: Vec<String> = lines[from..].iter().map(|line| one_line(line)).collect();
        shown.join(" | ")
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Returns a line of hostile text, bounded and with nothing in it that misleads a terminal.
pub(crate) fn one_line(text: &str) -> String {
    escape_cut(text.trim(), LINE_CHARS_MAX)
}
