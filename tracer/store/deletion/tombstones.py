"""Records recently deleted traces, so that late spans of them are rejected."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import psycopg

from tracer.store.database.keys import TraceKey, columns_of

_DELETED = """
    SELECT t.project_id, t.trace_hash FROM tombstones t
    JOIN unnest(%b::text[], %b::text[]) k (project_id, trace_hash) USING (project_id, trace_hash)
"""

_ADD = """
    INSERT INTO tombstones (project_id, trace_hash, trace_id)
    SELECT * FROM unnest(%b::text[], %b::text[], %b::text[])
    ON CONFLICT (project_id, trace_hash) DO UPDATE
        SET trace_id = excluded.trace_id, deleted_at = excluded.deleted_at
"""


def deleted_traces(
    connection: psycopg.Connection[Any], keys: Iterable[tuple[str, str | None]]
) -> set[TraceKey]:
    """Return those of the traces that were deleted within the last day."""
    keys_by_hash = {(project, digest(trace)): (project, trace) for project, trace in keys if trace}
    if not keys_by_hash:
        return set()
    rows = connection.execute(_DELETED, columns_of(keys_by_hash, 2)).fetchall()
    return {keys_by_hash[project_id, trace_hash] for project_id, trace_hash in rows}


def add_tombstones(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> None:
    """Record that these traces are deleted and that their rows must be purged."""
    rows = [(project_id, digest(trace_id), trace_id) for project_id, trace_id in sorted(keys)]
    connection.execute(_ADD, columns_of(rows, 3))


def digest(trace_id: str) -> str:
    """Return the hash of a trace id, which outlives the id in the tombstone."""
    return hashlib.sha256(trace_id.encode()).hexdigest()
