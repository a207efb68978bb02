"""Nightly job: 1,000 points for every eligible member, once a day.

GUARD=advisory keeps other runs out; GUARD=none only looks at the mark of the last run.
"""

import os
import sys

import psycopg

POINTS = 1000
LOCK = "SELECT pg_advisory_xact_lock(1122)"


def grant(connection, day):
    """Adds the points, unless the mark says that the day is done."""
    (done,) = connection.execute(
        "SELECT done_on = %s FROM job_state WHERE job = 'points'", (day,)
    ).fetchone()
    if done:
        return 0
    members = connection.execute("SELECT id FROM members WHERE eligible ORDER BY id").fetchall()
    for (member,) in members:
        (balance,) = connection.execute(
            "SELECT balance FROM members WHERE id = %s", (member,)
        ).fetchone()
        connection.execute(
            "UPDATE members SET balance = %s WHERE id = %s", (balance + POINTS, member)
        )
        connection.execute(
            "INSERT INTO ledger (member_id, day, points) VALUES (%s, %s, %s)",
            (member, day, POINTS),
        )
    connection.execute("UPDATE job_state SET done_on = %s WHERE job = 'points'", (day,))
    return len(members)


def main():
    with psycopg.connect("") as connection:
        os.environ["GUARD"] == "advisory" and connection.execute(LOCK)  # lock
        print(f"granted points to {grant(connection, sys.argv[1])} members")


main()
