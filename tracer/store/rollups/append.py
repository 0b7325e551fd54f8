"""Appends the sums that a transaction changes, one row per project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import psycopg

from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.rollups.sums import HISTOGRAMS, NUMBERS, Deltas, Key, Sums, packed

_SHARE: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended('count traces', 4))"
# Not while older traces are counted: then it matters which of them are counted already.
_APPEND: Final = """
    INSERT INTO rollup_deltas (project_id, sums)
    SELECT %s, %s::json
    WHERE NOT EXISTS (
        SELECT FROM background_upgrades WHERE name = 'rollups' AND finished_at IS NULL
    )
"""
_NOTE_TEXTS: Final = """
    INSERT INTO text_due (project_id, trace_id)
    SELECT * FROM unnest(%s::text[], %s::text[])
    ON CONFLICT DO NOTHING
"""
_BOTH: Final = f"WITH noted AS ({_NOTE_TEXTS}) {_APPEND}"
_ANYWAY: Final = _APPEND.partition("WHERE")[0]
_COUNTED: Final = """
    SELECT k.project_id, k.trace_id
    FROM unnest(%s::text[], %s::text[]) AS k (project_id, trace_id)
    LEFT JOIN background_upgrades u ON u.name = 'rollups' AND u.finished_at IS NULL
    WHERE u.name IS NULL OR (k.project_id, k.trace_id) <= (u.position[1], u.position[2])
"""
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def append(
    connection: psycopg.Connection[Any], sums: Mapping[str, Deltas], texts: Iterable[TraceKey]
) -> bool:
    """Append sums by project and the traces whose words are due, in the caller's transaction.

    False: the traces from before the rollups are still being counted, so no sums were appended.
    Then `counted` returns the traces whose changes are to be appended by `append_anyway`.
    """
    rows = _rows(sums)
    due = columns_of(texts, 2)
    if not rows:
        connection.execute(_NOTE_TEXTS, due)
        return True
    # Not as arrays, whose escapes would take more time than all the rest.
    first = connection.execute(_BOTH, [*due, *rows[0]])
    others = [connection.execute(_APPEND, row) for row in rows[1:]]
    return all(cursor.rowcount > 0 for cursor in (first, *others))


def append_anyway(connection: psycopg.Connection[Any], sums: Mapping[str, Deltas]) -> None:
    """Append sums by project, also while older traces are being counted."""
    for row in _rows(sums):
        connection.execute(_ANYWAY, row)


def counted(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> set[TraceKey]:
    """Return the traces that are counted already, if only as they were before this transaction.

    Until the caller's transaction ends, no other trace is counted.
    """
    connection.execute(_SHARE)
    return set(connection.execute(_COUNTED, columns_of(keys, 2)).fetchall())


def _rows(sums: Mapping[str, Deltas]) -> list[tuple[str, str]]:
    texts = {project_id: encoded(deltas) for project_id, deltas in sums.items()}
    return [(project_id, text) for project_id, text in texts.items() if text is not None]


def encoded(deltas: Deltas) -> str | None:
    """Return the sums as the column `rollup_deltas.sums`; None: there are none."""
    rows = [_row(key, sums) for key, sums in deltas.rows()]
    return _encoder.encode(rows).decode() if rows else None


def _row(key: Key, sums: Sums) -> dict[str, Any]:
    minute, (grain, kind, name, environment, model, provider) = key
    row: dict[str, Any] = {"minute": minute, "grain": grain, "environment": environment}
    own = {"kind": kind, "name": name, "model": model, "provider": provider}
    row |= {column: value for column, value in own.items() if value is not None}
    for field in NUMBERS:
        number = getattr(sums, field)
        if number:
            row[field] = number
    for field in HISTOGRAMS:
        counts = getattr(sums, field)
        if counts:
            row[field] = packed(counts)
    usage = {name: number for name, number in sums.usage.items() if number}
    if usage:
        row["usage"] = usage
    return row
