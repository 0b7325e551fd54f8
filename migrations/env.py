"""How migrations run: on the engine that the caller passes, one runner at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from flask import current_app

# Any fixed number will do: whoever migrates this database holds this advisory lock.
LOCK = 4318


def run() -> None:
    """Run what alembic was asked for, in one transaction."""
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
            # Taken before alembic reads the revision, so a second runner finds nothing to do.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            context.run_migrations()


run()
