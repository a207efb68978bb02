//! What an instance writes to its standard output and error: read without end, kept within bounds.

use rustix::pipe::{PipeFlags, pipe_with};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;
use twiceproof_model::record::Output;

/// Most bytes kept of the beginning.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most bytes kept of the end.
pub(crate) const TAIL_BYTES_MAX: usize = 64 << 10;
/// Longest wait for the last bytes after the last process is gone.
const LAST_BYTES_MAX: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let room = HEAD_BYTES_MAX - self.head.len();
        let (first, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..surplus);
    }
}

/// Reads one instance's output.
pub(crate) struct OutputReader {
    kept: Rc<RefCell<Kept>>,
    task: JoinHandle<()>,
}

impl OutputReader {
    /// Returns a reader, and the descriptor that the instance writes to.
    pub(crate) fn open() -> io::Result<(Self, OwnedFd)> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&read, true)?;
        let mut receiver = Receiver::from_owned_fd(read)?;
        let kept = Rc::new(RefCell::new(Kept::default()));
        let keep = Rc::clone(&kept);
        let task = tokio::task::spawn_local(async move {
            let mut scratch = vec![0; 64 << 10];
            while let Ok(count) = receiver.read(&mut scratch).await {
                if count == 0 {
                    break;
                }
                keep.borrow_mut().push(&scratch[..count]);
            }
        });
        Ok((Self { kept, task }, write))
    }

    /// Waits for the last bytes, as no process is left to write more, and returns what was kept.
    pub(crate) async fn finish(mut self) -> Output {
        // What did not come by then is still in the hands of the kernel; the count says what was
        // read.
        let _ = tokio::time::timeout(LAST_BYTES_MAX, &mut self.task).await;
        self.task.abort();
        let kept = self.kept.borrow();
        let tail: Vec<u8> = kept.tail.iter().copied().collect();
        Output {
            head: String::from_utf8_lossy(&kept.head).into_owned(),
            tail: String::from_utf8_lossy(&tail).into_owned(),
            bytes: kept.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_are_kept_and_the_middle_counted() {
        let mut kept = Kept::default();
        for index in 0..1000_u32 {
            kept.push(format!("{index:01000}").as_bytes());
        }
        assert_eq!(kept.bytes, 1_000_000);
        assert_eq!(
            (kept.head.len(), kept.tail.len()),
            (HEAD_BYTES_MAX, TAIL_BYTES_MAX)
        );
        assert!(kept.tail.iter().rev().take(3).eq(b"999"));
    }
}
