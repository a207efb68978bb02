"""Worker with SQLAlchemy, one of several: does the tasks that are open, until there are none.

CLAIM=early skips the tasks that others have locked, but its own lock ends before the work begins;
CLAIM=work claims, works and marks in one transaction.
"""

import os

from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

CLAIM = text(
    "SELECT id, account, cents FROM tasks WHERE NOT done ORDER BY id LIMIT 1"
    " FOR UPDATE SKIP LOCKED"
)
CHECKS = [
    text("SELECT active FROM accounts WHERE id = :account"),
    text("SELECT count(*) FROM holds WHERE account = :account"),
    text("SELECT balance + :cents < ceiling FROM accounts WHERE id = :account"),
    text("SELECT cents FROM fees WHERE above < :cents ORDER BY above DESC LIMIT 1"),
]


def work(connection, task):
    """Does one task, and marks it as done."""
    for check in CHECKS:
        connection.execute(check, task).first()
    connection.execute(
        text("UPDATE accounts SET balance = balance + :cents WHERE id = :account"), task
    )
    connection.execute(text("UPDATE tasks SET done = true WHERE id = :id"), task)


def main():
    engine = create_engine("postgresql+psycopg2://", poolclass=QueuePool, future=True)
    while True:
        with engine.connect() as connection:
            claimed = connection.execute(CLAIM).mappings().first()
            if claimed is None:
                return
            task = dict(claimed)
            if os.environ["CLAIM"] == "early":
                connection.commit()
            work(connection, task)
            connection.commit()


main()
