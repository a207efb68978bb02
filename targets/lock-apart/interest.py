"""Nightly job: adds the day's interest to savings accounts, once a day.

The lock that keeps other runs out belongs to a session of its own, as a helper for locks has it
(LOCK=session), or to the transaction that does the work (LOCK=transaction).
"""

import os
import sys

import psycopg2

LOCK_KEY = 20_261


def value(cursor, sql, *values):
    """Returns the one value of a query."""
    cursor.execute(sql, values)
    return cursor.fetchone()[0]


def add_interest(cursor, day):
    """Adds to each account what its product pays, and closes the day."""
    if value(cursor, "SELECT day >= %s FROM closed_days WHERE job = 'interest'", day):
        return
    for account in range(1, 21):
        product = value(cursor, "SELECT product FROM accounts WHERE id = %s", account)
        millis = value(cursor, "SELECT millis FROM products WHERE name = %s", product)
        if millis:
            cursor.execute(
                "UPDATE accounts SET cents = cents + cents * %s / 1000 WHERE id = %s",
                (millis, account),
            )
    cursor.execute("UPDATE closed_days SET day = %s WHERE job = 'interest'", (day,))


def main():
    day = sys.argv[1]
    work = psycopg2.connect("")
    cursor = work.cursor()
    if os.environ["LOCK"] == "session":
        keeper = psycopg2.connect("")
        keeper.autocommit = True
        is_ours = value(keeper.cursor(), "SELECT pg_try_advisory_lock(%s)", LOCK_KEY)
    else:
        is_ours = value(cursor, "SELECT pg_try_advisory_xact_lock(%s)", LOCK_KEY)
    if is_ours:
        add_interest(cursor, day)
    work.commit()


main()
