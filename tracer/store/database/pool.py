"""The connection pool of this process."""

from __future__ import annotations

import sqlalchemy as sa

from tracer.extensions import db


def pool_state() -> dict[str, int]:
    """Return how many connections are in use and how many are idle."""
    pool = db.engine.pool
    assert isinstance(pool, sa.QueuePool)
    return {"in_use": pool.checkedout(), "idle": pool.checkedin()}
