"""Nightly job: 1,000 points for every member, once a day, under a lease in Redis.

GUARD=check looks whether the lock is free, then takes it; GUARD=lease takes it in one command;
GUARD=fenced also has the server refuse what is written after the lease was lost.
"""

import os
import sys
import time
import uuid

import redis

LOCK = "lock:points"
POINTS = 1000
TTL_MS = int(os.environ["LOCK_TTL_MS"])
GUARD = os.environ["GUARD"]
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


def acquire(server, token):
    """Waits for the lock."""
    while True:
        if GUARD == "check":
            taken = server.get(LOCK) is None and server.set(LOCK, token, px=TTL_MS)
        else:
            taken = server.set(LOCK, token, nx=True, px=TTL_MS)
        if taken:
            return
        time.sleep(0.05)


def grant(server, token, day):
    """Adds the points in one transaction, unless the mark says that the day is done."""
    members = sorted(server.smembers("members"))
    with server.pipeline() as transaction:
        if GUARD == "fenced":
            transaction.watch(LOCK)
            if transaction.get(LOCK) != token.encode():
                raise redis.WatchError("the lease is lost")
            transaction.multi()
        if server.get("done") == day.encode():
            return 0
        for member in members:
            transaction.hincrby(b"member:" + member, "points", POINTS)
            transaction.rpush("ledger", b"%s %s" % (member, day.encode()))
        transaction.set("done", day)
        transaction.execute()
    return len(members)


def main():
    server = redis.Redis(host="cache")
    token = str(uuid.uuid4())
    while True:
        acquire(server, token)
        try:
            count = grant(server, token, sys.argv[1])
            break
        except redis.WatchError:
            continue  # another holder came between; nothing was written
    server.eval(RELEASE, 1, LOCK, token)
    print(f"granted points to {count} members")


main()
