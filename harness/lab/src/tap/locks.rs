//! Who holds which lock on a file, as far as calls told: the kernel decides who gets one, this
//! names whom the others wait for.

use twiceproof_model::InstanceId;
use twiceproof_shim::{FileCall, LockMode, Verb};

/// Most locks that are remembered; the oldest make room, and then nobody is named for them.
const LOCKS_MAX: usize = 4096;

/// A lock that an instance was given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    instance: InstanceId,
    verb: Verb,
    file: (u32, u64),
    exclusive: bool,
    start: u64,
    last: u64,
}

/// The locks that instances were given and have not given back by a call. One that was given back
/// by a close stays until somebody else is given it.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: Vec<Held>,
}

/// `flock` knows nothing of `fcntl`, and the other way round.
fn meets(left: Verb, right: Verb) -> bool {
    (left == Verb::Flock) == (right == Verb::Flock)
}

impl Locks {
    fn conflicts<'a>(&'a self, by: InstanceId, call: &'a FileCall) -> impl Iterator<Item = usize> {
        let exclusive = call.lock.mode == LockMode::Exclusive;
        let held = self.held.iter().enumerate().filter(move |(_, held)| {
            held.instance != by
                && held.file == (call.folder, call.inode)
                && meets(held.verb, call.verb)
                && (exclusive || held.exclusive)
                && held.start <= call.lock.last
                && call.lock.start <= held.last
        });
        held.map(|(place, _)| place)
    }

    /// Returns the other instances whose locks keep this one from being given.
    pub(crate) fn blockers(&self, by: InstanceId, call: &FileCall) -> Vec<InstanceId> {
        let conflicts = self.conflicts(by, call);
        let mut blockers: Vec<_> = conflicts.map(|place| self.held[place].instance).collect();
        blockers.sort_unstable();
        blockers.dedup();
        blockers
    }

    /// Notes that a call on a lock came out well.
    pub(crate) fn note(&mut self, by: InstanceId, call: &FileCall) {
        let gone: Vec<usize> = self.conflicts(by, call).collect();
        if call.lock.mode != LockMode::Unlock {
            for place in gone.into_iter().rev() {
                self.held.remove(place);
            }
        }
        self.take_out(by, call);
        if call.lock.mode != LockMode::Unlock {
            if self.held.len() >= LOCKS_MAX {
                self.held.remove(0);
            }
            self.held.push(Held {
                instance: by,
                verb: call.verb,
                file: (call.folder, call.inode),
                exclusive: call.lock.mode == LockMode::Exclusive,
                start: call.lock.start,
                last: call.lock.last,
            });
        }
    }

    /// Takes the call's range out of what the instance holds of the file.
    fn take_out(&mut self, by: InstanceId, call: &FileCall) {
        let (start, last) = (call.lock.start, call.lock.last);
        let mut rest = Vec::new();
        self.held.retain(|held| {
            let is_same = held.instance == by
                && held.verb == call.verb
                && held.file == (call.folder, call.inode);
            if !is_same || held.last < start || last < held.start {
                return true;
            }
            if held.start < start {
                rest.push(Held {
                    last: start - 1,
                    ..held.clone()
                });
            }
            if last < held.last {
                rest.push(Held {
                    start: last + 1,
                    ..held.clone()
                });
            }
            false
        });
        self.held.extend(rest);
    }

    /// Forgets what an instance held: it is gone.
    pub(crate) fn forget(&mut self, instance: InstanceId) {
        self.held.retain(|held| held.instance != instance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twiceproof_shim::Lock;

    fn ask(verb: Verb, mode: LockMode, start: u64, last: u64) -> FileCall {
        FileCall {
            call: 1,
            task: 2,
            again: None,
            verb,
            folder: 0,
            path: "f".to_owned(),
            other: String::new(),
            is_deleted: false,
            inode: 7,
            lock: Lock {
                mode,
                waits: true,
                start,
                last,
            },
        }
    }

    #[test]
    fn blockers_are_those_whose_ranges_meet() {
        let [one, two, three] = [1, 2, 3].map(|number| InstanceId::new(number).unwrap());
        let exclusive = |start, last| ask(Verb::Lock, LockMode::Exclusive, start, last);
        let shared = |start, last| ask(Verb::Lock, LockMode::Shared, start, last);
        let mut locks = Locks::default();
        locks.note(one, &exclusive(0, 9));
        locks.note(two, &shared(20, 29));
        locks.note(three, &shared(20, 29));
        assert_eq!(locks.blockers(two, &exclusive(5, 5)), [one]);
        assert_eq!(locks.blockers(one, &exclusive(5, 5)), []);
        assert_eq!(locks.blockers(one, &exclusive(9, 25)), [two, three]);
        assert_eq!(locks.blockers(one, &shared(20, 25)), []);
        let whole = ask(Verb::Flock, LockMode::Exclusive, 0, u64::MAX);
        assert_eq!(locks.blockers(two, &whole), []);
        locks.note(one, &ask(Verb::Lock, LockMode::Unlock, 3, 5));
        assert_eq!(locks.blockers(two, &exclusive(4, 4)), []);
        assert_eq!(locks.blockers(two, &exclusive(6, 6)), [one]);
        assert_eq!(locks.blockers(two, &exclusive(0, 2)), [one]);
        // What the kernel gives to another was given back unseen.
        locks.note(two, &exclusive(0, 2));
        assert_eq!(locks.blockers(one, &exclusive(0, 2)), [two]);
        locks.forget(two);
        assert_eq!(locks.blockers(one, &exclusive(0, 29)), [three]);
    }
}
