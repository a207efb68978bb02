"""Nightly job on two databases: settles the payments that are due, once a day.

The flag that keeps other runs out, and says that the day is done, lies in the database of the jobs
(FLAG=jobs), or beside the data (FLAG=data): there one transaction holds flag and work.
"""

import os
import sys

import psycopg2

FLAG = os.environ["FLAG"]


def query(cursor, sql, *values):
    """Returns the one row of a query."""
    cursor.execute(sql, values)
    return cursor.fetchone()


def settle(cursor):
    """Adds each payment that is due to its merchant's balance."""
    for payment in range(1, 19):
        merchant, cents = query(
            cursor, "SELECT merchant, cents FROM payments WHERE id = %s", payment
        )
        (open_,) = query(cursor, "SELECT open FROM merchants WHERE id = %s", merchant)
        if open_:
            cursor.execute(
                "UPDATE merchants SET balance = balance + %s WHERE id = %s", (cents, merchant)
            )


def main():
    day = sys.argv[1]
    data = psycopg2.connect(host="data-db")
    jobs = psycopg2.connect(host="jobs-db") if FLAG == "jobs" else data
    flags, work = jobs.cursor(), data.cursor()
    (done,) = query(flags, "SELECT done_on = %s FROM job_state FOR UPDATE", day)
    if not done:
        settle(work)
        if FLAG == "jobs":
            data.commit()
        flags.execute("UPDATE job_state SET done_on = %s", (day,))
    jobs.commit()


main()
