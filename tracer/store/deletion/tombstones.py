"""Which traces were deleted lately: what comes late for them is not stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import psycopg

from tracer.store.database.keys import TraceKey, columns_of

_DELETED = """
    SELECT t.project_id, t.trace_hash FROM tombstones t
    JOIN unnest(%s::text[], %s::text[]) k (project_id, trace_hash) USING (project_id, trace_hash)
"""

_BURY = """
    INSERT INTO tombstones (project_id, trace_hash, trace_id)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    ON CONFLICT (project_id, trace_hash) DO UPDATE
        SET trace_id = excluded.trace_id, deleted_at = excluded.deleted_at
"""


def deleted_of(
    connection: psycopg.Connection[Any], keys: Iterable[tuple[str, str | None]]
) -> set[TraceKey]:
    """Return those of the traces that were deleted within the last day."""
    places = {(project, digest(trace)): (project, trace) for project, trace in keys if trace}
    if not places:
        return set()
    found = connection.execute(_DELETED, columns_of(places, 2)).fetchall()
    return {places[project_id, trace_hash] for project_id, trace_hash in found}


def bury(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> None:
    """Remember that these traces were deleted, and that their rows have yet to go."""
    rows = [(project_id, digest(trace_id), trace_id) for project_id, trace_id in sorted(keys)]
    connection.execute(_BURY, columns_of(rows, 3))


def digest(trace_id: str) -> str:
    """Return what stands for a deleted trace: its id is forgotten with it."""
    return hashlib.sha256(trace_id.encode()).hexdigest()
