"""Appends what a transaction changes in the sums, one row per project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg

from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.rollups.changes import Changes

_SHARE: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended('count traces', 4))"
# Not while older traces are counted: then it matters which of them are counted already.
_APPEND: Final = """
    INSERT INTO rollup_changes (project_id, records)
    SELECT %s, %b::bytea
    WHERE NOT EXISTS (
        SELECT FROM background_upgrades WHERE name = 'rollups' AND finished_at IS NULL
    )
"""
_NOTE_TEXTS: Final = """
    INSERT INTO text_due (project_id, trace_id)
    SELECT * FROM unnest(%b::text[], %b::text[])
    ON CONFLICT DO NOTHING
"""
_BOTH: Final = f"WITH noted AS ({_NOTE_TEXTS}) {_APPEND}"
_ANYWAY: Final = _APPEND.partition("WHERE")[0]
_COUNTED: Final = """
    SELECT k.project_id, k.trace_id
    FROM unnest(%b::text[], %b::text[]) AS k (project_id, trace_id)
    LEFT JOIN background_upgrades u ON u.name = 'rollups' AND u.finished_at IS NULL
    WHERE u.name IS NULL OR (k.project_id, k.trace_id) <= (u.position[1], u.position[2])
"""


def append(
    connection: psycopg.Connection[Any], changes: Mapping[str, Changes], texts: Iterable[TraceKey]
) -> bool:
    """Append changes by project and the traces whose words are due, in the caller's transaction.

    False: the traces from before the rollups are still being counted, so none were appended.
    Then `counted` returns the traces whose changes are to be appended by `append_anyway`.
    """
    rows = _rows(changes)
    due = columns_of(texts, 2)
    if not rows:
        connection.execute(_NOTE_TEXTS, due)
        return True
    first = connection.execute(_BOTH, [*due, *rows[0]])
    others = [connection.execute(_APPEND, row) for row in rows[1:]]
    return all(cursor.rowcount > 0 for cursor in (first, *others))


def append_anyway(connection: psycopg.Connection[Any], changes: Mapping[str, Changes]) -> None:
    """Append changes by project, also while older traces are being counted."""
    for row in _rows(changes):
        connection.execute(_ANYWAY, row)


def counted(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> set[TraceKey]:
    """Return the traces that are counted already, if only as they were before this transaction.

    Until the caller's transaction ends, no other trace is counted.
    """
    connection.execute(_SHARE)
    return set(connection.execute(_COUNTED, columns_of(keys, 2)).fetchall())


def _rows(changes: Mapping[str, Changes]) -> list[tuple[str, bytes]]:
    encoded = {project_id: each.encoded() for project_id, each in changes.items()}
    return [(project_id, records) for project_id, records in encoded.items() if records]
