"""Alembic's environment: runs migrations on the caller's engine, under an advisory lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from flask import current_app

# Key of the advisory lock that a migration of this database holds; an arbitrary constant.
LOCK = 4318


def run() -> None:
    """Run the requested migrations in one transaction."""
    engine = context.config.attributes.get("engine")
    metadata = context.config.attributes.get("metadata")
    if engine is None:  # `flask db …`; `tracer db …` passes both
        db = current_app.extensions["migrate"].db
        engine, metadata = db.engine, db.metadata
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            # Locked before Alembic reads the revision, so that a second process has nothing to do.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            context.run_migrations()


run()
