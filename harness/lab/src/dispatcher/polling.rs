//! Poll loops: an instance that asks the same and is told the same, and changes nothing, need not
//! be let go on until somebody else did.

use std::collections::VecDeque;

/// How often a sequence is repeated before it counts as a poll loop.
const REPEATS: usize = 3;
/// The longest sequence that is recognised: BEGIN, try the lock, look, ROLLBACK.
const PERIOD_MAX: usize = 4;

/// One operation, by the very bytes of its request and reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exchange {
    request: u64,
    reply: u64,
}

/// The last operations of one instance.
#[derive(Debug, Default)]
pub(crate) struct History {
    exchanges: VecDeque<Exchange>,
}

impl History {
    /// Adds an operation; `changed`: it changed rows, so whatever it is, it is no poll.
    pub(crate) fn push(&mut self, request: u64, reply: u64, changed: bool) {
        if changed {
            self.exchanges.clear();
            return;
        }
        self.exchanges.push_back(Exchange { request, reply });
        if self.exchanges.len() > REPEATS * PERIOD_MAX {
            self.exchanges.pop_front();
        }
    }

    /// Forgets all: somebody else changed what it may look at.
    pub(crate) fn clear(&mut self) {
        self.exchanges.clear();
    }

    /// Returns whether the last operations repeat one sequence.
    pub(crate) fn is_polling(&self) -> bool {
        (1..=PERIOD_MAX).any(|period| {
            let window = REPEATS * period;
            self.exchanges.len() >= window && {
                let begin = self.exchanges.len() - window;
                (begin + period..self.exchanges.len())
                    .all(|index| self.exchanges[index] == self.exchanges[index - period])
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polls(operations: &[(u64, u64, bool)]) -> bool {
        let mut history = History::default();
        for (request, reply, changed) in operations {
            history.push(*request, *reply, *changed);
        }
        history.is_polling()
    }

    #[test]
    fn only_equal_and_idle_repetition_is_polling() {
        assert!(polls(&[(1, 1, false), (1, 1, false), (1, 1, false)]));
        assert!(!polls(&[(1, 1, false), (1, 1, false)]));
        assert!(!polls(&[(1, 1, false), (1, 2, false), (1, 1, false)]));
        assert!(!polls(&[(1, 1, true), (1, 1, true), (1, 1, true)]));
        let loop_of_two = [(1, 1, false), (2, 2, false)].repeat(3);
        assert!(polls(&loop_of_two));
        assert!(!polls(&loop_of_two[1..]));
    }
}
