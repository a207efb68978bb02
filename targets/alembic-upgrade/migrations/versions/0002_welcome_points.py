"""welcome points

A column, and a data migration that fills it member by member. Without the guard the data migration
commits each statement by itself, as long backfills do to keep locks short.
"""

import contextlib
import os

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"

WELCOME = 100


def upgrade():
    op.execute("ALTER TABLE members ADD COLUMN IF NOT EXISTS welcomed boolean DEFAULT false")
    if os.environ["GUARD"] == "advisory":
        one_transaction = contextlib.nullcontext()
    else:
        one_transaction = context.get_context().autocommit_block()
    with one_transaction:
        fill(op.get_bind())
    op.alter_column("members", "welcomed", nullable=False)


def fill(connection):
    update = sa.text(
        "UPDATE members SET balance = balance + :points, welcomed = true WHERE id = :id"
    )
    insert = sa.text(
        "INSERT INTO ledger (member_id, reason, points) VALUES (:id, 'welcome', :points)"
    )
    members = connection.execute(sa.text("SELECT id FROM members ORDER BY id")).scalars().all()
    for member in members:
        values = {"id": member, "points": WELCOME}
        connection.execute(update, values)
        connection.execute(insert, values)


def downgrade():
    op.drop_column("members", "welcomed")
