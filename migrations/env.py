"""Alembic's environment: runs migrations on the caller's engine, under an advisory lock."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import context
from flask import current_app

# Key of the advisory lock that a migration of this database holds; an arbitrary constant.
LOCK = 4318
POLL_SECONDS = 0.2


def run() -> None:
    """Run the requested migrations, each in a transaction of its own, one process at a time."""
    engine = context.config.attributes.get("engine")
    metadata = context.config.attributes.get("metadata")
    if engine is None:  # `flask db …`; `tracer db …` passes both
        db = current_app.extensions["migrate"].db
        engine, metadata = db.engine, db.metadata
    with engine.connect() as connection:
        # Locked before Alembic reads the revision, so that a second process has nothing to do; for
        # the session, since a migration of large tables commits in steps.
        while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK))):
            # Not waiting within a statement: CREATE INDEX CONCURRENTLY would wait for its end.
            connection.rollback()
            time.sleep(POLL_SECONDS)
        connection.commit()
        try:
            context.configure(
                connection=connection,
                target_metadata=metadata,
                compare_type=True,
                compare_server_default=True,
                transaction_per_migration=True,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK)))
            connection.commit()


run()
