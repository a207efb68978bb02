"""Runs migrations. `GUARD=advisory`: one start at a time, all of it in one transaction."""

import os

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
engine = engine_from_config(
    config.get_section(config.config_ini_section), prefix="sqlalchemy.", poolclass=pool.NullPool
)
guarded = os.environ["GUARD"] == "advisory"
lock = "SELECT pg_advisory_xact_lock(1122)"

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        guarded and connection.exec_driver_sql(lock)  # lock
        context.run_migrations()
