"""Nightly job with SQLAlchemy: renews the subscriptions that end, once a day.

LOCK=early locks the job's row in a transaction of its own, which is over before the work begins;
LOCK=work locks it in the transaction that does the work.
"""

import os
import sys

from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

LOCK = text("SELECT done_on FROM job_state WHERE job = 'renew' FOR UPDATE")


def lock(connection, day):
    """Locks the job's row; returns whether the day is due."""
    return str(connection.execute(LOCK).scalar_one()) != day


def renew(connection, day):
    """Renews what ends, and marks the day."""
    for number in range(1, 14):
        plan, ends = connection.execute(
            text("SELECT plan, ends_on <= :day FROM subscriptions WHERE id = :id"),
            {"id": number, "day": day},
        ).one()
        cents = connection.execute(
            text("SELECT cents FROM plans WHERE plan = :plan"), {"plan": plan}
        ).scalar_one()
        if ends:
            connection.execute(
                text("INSERT INTO charges (subscription, cents) VALUES (:id, :cents)"),
                {"id": number, "cents": cents},
            )
            connection.execute(
                text("UPDATE subscriptions SET ends_on = ends_on + 30 WHERE id = :id"),
                {"id": number},
            )
    connection.execute(text("UPDATE job_state SET done_on = :day"), {"day": day})


def main():
    day = sys.argv[1]
    engine = create_engine("postgresql+psycopg2://", poolclass=QueuePool, pool_size=2)
    with engine.begin() as connection:
        due = lock(connection, day)
        if due and os.environ["LOCK"] == "work":
            renew(connection, day)
    if due and os.environ["LOCK"] == "early":
        with engine.begin() as connection:
            renew(connection, day)


main()
