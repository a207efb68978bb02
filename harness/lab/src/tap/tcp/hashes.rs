//! Hashes over the very bytes of requests and replies, by which pollers are known.

use super::Tap;
use std::hash::Hasher;

impl Tap {
    pub(super) fn hash_request(&mut self, end: u64) -> u64 {
        let mut hasher = std::mem::take(&mut self.request_hash);
        self.up
            .buffer
            .visit(self.up.buffer.begin(), end, |bytes| hasher.write(bytes));
        hasher.finish()
    }

    pub(super) fn hash_part(&mut self, end: u64) {
        let begin = self.hashed_to.max(self.down.buffer.begin());
        let hasher = &mut self.reply_hash;
        self.down
            .buffer
            .visit(begin, end, |bytes| hasher.write(bytes));
        self.hashed_to = end;
    }

    pub(super) fn hash_reply(&mut self, end: u64) -> u64 {
        self.hash_part(end);
        std::mem::take(&mut self.reply_hash).finish()
    }
}
