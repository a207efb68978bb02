"""What redis-py promises of its locks, case by case as its own tests ask for it."""
import os
import sys
import time
import unittest

import redis
from redis.exceptions import LockError, LockNotOwnedError
from redis.lock import Lock


class Locks(unittest.TestCase):
    def setUp(self):
        self.server = redis.Redis(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]))
        self.server.delete("foo")

    def tearDown(self):
        self.server.close()

    def lock(self, *arguments, **options):
        options.setdefault("sleep", 0.02)
        return Lock(self.server, *arguments, **options)

    def test_acquire_and_release(self):
        lock = self.lock("foo")
        self.assertTrue(lock.acquire(blocking=False))
        self.assertEqual(self.server.get("foo"), lock.local.token)
        self.assertEqual(self.server.ttl("foo"), -1)
        lock.release()
        self.assertIsNone(self.server.get("foo"))

    def test_token_of_ones_own(self):
        lock = self.lock("foo")
        self.assertTrue(lock.acquire(blocking=False, token="token"))
        self.assertEqual(self.server.get("foo"), b"token")
        lock.release()

    def test_locked(self):
        lock = self.lock("foo")
        self.assertFalse(lock.locked())
        lock.acquire(blocking=False)
        self.assertTrue(lock.locked())
        lock.release()
        self.assertFalse(lock.locked())

    def test_owned(self):
        one, other = self.lock("foo"), self.lock("foo")
        one.acquire(blocking=False)
        self.assertTrue(one.owned())
        self.assertFalse(other.owned())
        one.release()
        self.assertFalse(one.owned())

    def test_two_owners_never(self):
        one, other = self.lock("foo"), self.lock("foo")
        self.assertTrue(one.acquire(blocking=False))
        self.assertFalse(other.acquire(blocking=False))
        one.release()
        self.assertTrue(other.acquire(blocking=False))
        other.release()

    def test_timeout(self):
        lock = self.lock("foo", timeout=10)
        self.assertTrue(lock.acquire(blocking=False))
        self.assertIn(self.server.ttl("foo"), range(8, 11))
        lock.release()

    def test_float_timeout(self):
        lock = self.lock("foo", timeout=9.5)
        self.assertTrue(lock.acquire(blocking=False))
        self.assertIn(self.server.pttl("foo"), range(8001, 9501))
        lock.release()

    def test_blocking_timeout(self):
        one, other = self.lock("foo"), self.lock("foo", blocking_timeout=0.2)
        self.assertTrue(one.acquire(blocking=False))
        start = time.monotonic()
        self.assertFalse(other.acquire())
        self.assertGreater(time.monotonic() - start, 0.1)
        one.release()

    def test_blocking_takes_over_what_expires(self):
        one, other = self.lock("foo", timeout=0.2), self.lock("foo", blocking_timeout=5)
        self.assertTrue(one.acquire(blocking=False))
        self.assertTrue(other.acquire())
        other.release()

    def test_context_manager(self):
        with self.lock("foo") as lock:
            self.assertEqual(self.server.get("foo"), lock.local.token)
        self.assertIsNone(self.server.get("foo"))

    def test_context_manager_raises_when_locked(self):
        self.server.set("foo", "bar")
        with self.assertRaises(LockError):
            with self.lock("foo", blocking_timeout=0.1):
                pass

    def test_sleep_longer_than_the_blocking_timeout(self):
        self.server.set("foo", "bar")
        start = time.monotonic()
        self.assertFalse(self.lock("foo", sleep=5, blocking_timeout=0.1).acquire())
        self.assertLess(time.monotonic() - start, 4)

    def test_release_of_an_unlocked_lock(self):
        with self.assertRaises(LockError):
            self.lock("foo").release()

    def test_release_of_what_is_no_longer_owned(self):
        lock = self.lock("foo")
        lock.acquire(blocking=False)
        self.server.set("foo", "a")
        with self.assertRaises(LockNotOwnedError):
            lock.release()
        self.assertIsNone(lock.local.token)
        self.assertEqual(self.server.get("foo"), b"a")

    def test_extend(self):
        lock = self.lock("foo", timeout=10)
        lock.acquire(blocking=False)
        self.assertIn(self.server.pttl("foo"), range(8001, 10001))
        self.assertTrue(lock.extend(10))
        self.assertIn(self.server.pttl("foo"), range(16001, 20001))
        lock.release()

    def test_extend_replaces_the_ttl(self):
        lock = self.lock("foo", timeout=10)
        lock.acquire(blocking=False)
        self.assertTrue(lock.extend(10, replace_ttl=True))
        self.assertIn(self.server.pttl("foo"), range(8001, 10001))
        lock.release()

    def test_extend_needs_an_owned_lock_with_timeout(self):
        lock = self.lock("foo", timeout=10)
        with self.assertRaises(LockError):
            lock.extend(10)
        lock.acquire(blocking=False)
        self.server.set("foo", "a")
        with self.assertRaises(LockNotOwnedError):
            lock.extend(10)
        endless = self.lock("bar")
        endless.acquire(blocking=False)
        with self.assertRaises(LockError):
            endless.extend(10)
        endless.release()

    def test_reacquire(self):
        lock = self.lock("foo", timeout=10)
        lock.acquire(blocking=False)
        self.assertTrue(self.server.pexpire("foo", 5000))
        self.assertLessEqual(self.server.pttl("foo"), 5000)
        self.assertTrue(lock.reacquire())
        self.assertIn(self.server.pttl("foo"), range(8001, 10001))
        lock.release()

    def test_reacquire_needs_an_owned_lock_with_timeout(self):
        lock = self.lock("foo", timeout=10)
        with self.assertRaises(LockError):
            lock.reacquire()
        lock.acquire(blocking=False)
        self.server.set("foo", "a")
        with self.assertRaises(LockNotOwnedError):
            lock.reacquire()

    def test_tokens_of_threads_are_apart(self):
        lock = self.lock("foo", thread_local=True)
        lock.acquire(blocking=False)
        import threading
        seen = []
        thread = threading.Thread(target=lambda: seen.append(getattr(lock.local, "token", None)))
        thread.start()
        thread.join()
        self.assertEqual(seen, [None])
        lock.release()


unittest.main(verbosity=2, argv=sys.argv[:1])
