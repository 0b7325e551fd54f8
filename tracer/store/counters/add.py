"""Counters of received data that is not stored: log records, requests without a key."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tracer.extensions import db

LOGS: Final = ("log record", "not stored")
"""A log record that is no GenAI event of a span."""
NO_KEY: Final = ("refused", "no key")
"""A request of a client without a key, which sent a literal such as ``undefined`` instead."""

_ADD = sa.text("""
    INSERT INTO mapping_counts (project_id, measure, value, number)
    VALUES (:project_id, :measure, :value, :number)
""")
_LATELY = sa.text("""
    SELECT EXISTS (
        SELECT FROM mapping_counts WHERE project_id = :project_id AND measure = :measure
            AND value = :value AND counted_at > now() - make_interval(hours => 1)
    )
""")


def add(project_id: str, counted: tuple[str, str], number: int = 1) -> None:
    """Add ``number`` to a count, in the caller's transaction."""
    measure, value = counted
    values = {"project_id": project_id, "measure": measure, "value": value, "number": number}
    db.session.execute(_ADD, values)


def counted_lately(project_id: str, counted: tuple[str, str]) -> bool:
    """Return whether any was counted in the past hour."""
    measure, value = counted
    values = {"project_id": project_id, "measure": measure, "value": value}
    return bool(db.session.scalar(_LATELY, values))
