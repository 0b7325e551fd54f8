"""Appends the changes of a transaction for the worker to add to the rollups: a row per project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg

from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.rollups.changes import RawChanges

_LOCK_SHARED: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended('count traces', 4))"
# Appends nothing while older traces are being counted: then only the changes of traces that are
# already counted may be appended.
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
_NOTE_TEXTS_AND_APPEND: Final = f"WITH noted AS ({_NOTE_TEXTS}) {_APPEND}"
_APPEND_UNCONDITIONALLY: Final = _APPEND.partition("WHERE")[0]
_COUNTED: Final = """
    SELECT k.project_id, k.trace_id
    FROM unnest(%b::text[], %b::text[]) AS k (project_id, trace_id)
    LEFT JOIN background_upgrades u ON u.name = 'rollups' AND u.finished_at IS NULL
    WHERE u.name IS NULL OR (k.project_id, k.trace_id) <= (u.position[1], u.position[2])
"""


def append(
    connection: psycopg.Connection[Any],
    changes: Mapping[str, RawChanges],
    texts: Iterable[TraceKey],
) -> bool:
    """Append changes by project and the traces whose words are due, in the caller's transaction.

    False: the traces from before the rollups are still being counted, so none were appended.
    Then the caller appends the changes of the `lock_counted` ones with `append_unconditionally`.
    """
    rows = _rows(changes)
    due = columns_of(texts, 2)
    if not rows:
        connection.execute(_NOTE_TEXTS, due)
        return True
    first = connection.execute(_NOTE_TEXTS_AND_APPEND, [*due, *rows[0]])
    others = [connection.execute(_APPEND, row) for row in rows[1:]]
    return all(cursor.rowcount > 0 for cursor in (first, *others))


def append_unconditionally(
    connection: psycopg.Connection[Any], changes: Mapping[str, RawChanges]
) -> None:
    """Append changes by project, even while older traces are being counted."""
    for row in _rows(changes):
        connection.execute(_APPEND_UNCONDITIONALLY, row)


def lock_counted(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> set[TraceKey]:
    """Return which traces are counted in the rollups, in their state before this transaction.

    Blocks the counting of further older traces until the caller's transaction ends.
    """
    connection.execute(_LOCK_SHARED)
    return set(connection.execute(_COUNTED, columns_of(keys, 2)).fetchall())


def _rows(changes: Mapping[str, RawChanges]) -> list[tuple[str, bytes]]:
    encoded = {project_id: each.encoded() for project_id, each in changes.items()}
    return [(project_id, records) for project_id, records in encoded.items() if records]
