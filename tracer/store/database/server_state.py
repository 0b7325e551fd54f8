"""Figures of the database that operators watch: its size, and work that is due."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tracer.extensions import db

# Counts stop at this limit: counting more would take long, and would not change the alarm.
_MAX_COUNT: Final = 10_000
_DUE: Final = {
    "analyses": "SELECT 1 FROM analyses WHERE analysed IS DISTINCT FROM revision",
    "purge of deleted traces": "SELECT 1 FROM tombstones WHERE trace_id IS NOT NULL",
    "purge of deleted projects": "SELECT 1 FROM projects WHERE deleted_at IS NOT NULL",
    "counters": "SELECT 1 FROM mapping_counts",
}


def database_size() -> int:
    """Return the size of the database on disk in bytes."""
    query = sa.text("SELECT pg_database_size(current_database())")
    return int(db.session.execute(query).scalar_one())


def due_work() -> dict[str, int]:
    """Return the number of rows that wait for the background worker, by task, at most 10,000."""
    return {
        task: db.session.execute(
            sa.text(f"SELECT count(*) FROM ({query} LIMIT {_MAX_COUNT}) due")  # noqa: S608 - constants
        ).scalar_one()
        for task, query in _DUE.items()
    }
