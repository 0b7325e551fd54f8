"""Counts received data that is not stored: log records."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tracer.extensions import db

LOGS: Final = ("log record", "not stored")
"""(measure, value) of log records that are no GenAI event of a span."""

_ADD = sa.text("""
    INSERT INTO mapping_counts (project_id, measure, value, number)
    VALUES (:project_id, :measure, :value, :number)
""")


def add(project_id: str, counter: tuple[str, str], number: int = 1) -> None:
    """Add ``number`` to a counter (measure, value), in the caller's transaction."""
    measure, value = counter
    values = {"project_id": project_id, "measure": measure, "value": value, "number": number}
    db.session.execute(_ADD, values)
