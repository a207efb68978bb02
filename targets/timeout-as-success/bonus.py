"""Nightly job with a pool of psycopg2: grants bonuses, once a day.

It tries twice to get a lock. TIMEOUT=ignored goes on where it did not get it; TIMEOUT=fatal gives
up.
"""

import os
import sys
import time

from psycopg2.pool import SimpleConnectionPool

TRIES = 2


def query(cursor, sql, *values):
    """Returns the one row of a query."""
    cursor.execute(sql, values)
    return cursor.fetchone()


def lock(cursor):
    """Waits a while for the lock; returns whether this run has it."""
    for _ in range(TRIES):
        (taken,) = query(cursor, "SELECT pg_try_advisory_xact_lock(1122)")
        if taken:
            return True
        time.sleep(0.05)
    return False


def grant(cursor, day):
    """Grants what is due, unless the mark says that the day is done."""
    (done,) = query(cursor, "SELECT done_on = %s FROM job_state", day)
    if done:
        return
    for clerk in range(1, 18):
        (sold,) = query(cursor, "SELECT sold FROM clerks WHERE id = %s", clerk)
        (percent,) = query(cursor, "SELECT max(percent) FROM scale WHERE above < %s", sold)
        if percent > 0:
            cursor.execute(
                "UPDATE clerks SET bonus = bonus + %s WHERE id = %s",
                (sold * percent // 100, clerk),
            )
    cursor.execute("UPDATE job_state SET done_on = %s", (day,))


def main():
    pool = SimpleConnectionPool(1, 2, "")
    connection = pool.getconn()
    cursor = connection.cursor()
    if not lock(cursor):
        print("no lock after", TRIES, "tries", file=sys.stderr)
        if os.environ["TIMEOUT"] == "fatal":
            sys.exit(75)
    grant(cursor, sys.argv[1])
    connection.commit()
    pool.putconn(connection)
    pool.closeall()


main()
