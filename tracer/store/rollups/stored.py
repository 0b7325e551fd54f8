"""Reads the values of stored traces for rollups: of deleted and of not yet counted ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from tracer.merging.figures import Figures
from tracer.store.database.keys import TraceKey
from tracer.store.rollups.changes import RawChanges
from tracer.store.rollups.sums import SpanFigures, failure
from tracer.times import optional_micros, to_micros

_SPANS: Final = """
    SELECT s.kind, s.name, s.start_time, s.end_time, s.first_token_time, s.level, s.model,
        p.provider, s.status_message, CASE WHEN NOT s.covered THEN p.usage END,
        CASE WHEN NOT s.covered THEN s.total_cost END
    FROM spans s LEFT JOIN span_payload_rows p USING (project_id, trace_id, span_id)
    WHERE s.project_id = %s AND s.trace_id = %s AND NOT s.placeholder AND s.span_id <> ALL(%s)
"""
_TRACE: Final = """
    SELECT name, environment, user_id, status, start_time, end_time, total_tokens IS NOT NULL,
        usage, total_cost, session_id
    FROM traces JOIN trace_payloads USING (project_id, trace_id)
    WHERE project_id = %s AND trace_id = %s
"""


def stored_spans(
    connection: psycopg.Connection[Any], key: TraceKey, without: Collection[str] = ()
) -> list[SpanFigures]:
    """Return the figures of the stored spans of a trace except those with the ids ``without``."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [_row(row) for row in cursor.execute(_SPANS, (*key, list(without)))]


def _row(row: tuple[Any, ...]) -> SpanFigures:
    kind, name, start, end, first, level, model, provider, message, usage, cost = row
    times = to_micros(start), optional_micros(end), optional_micros(first)
    failed = failure(level, message)
    return SpanFigures(kind, name, model, provider, *times, *failed, usage or {}, cost)


def add_stored_trace(
    connection: psycopg.Connection[Any], changes: RawChanges, key: TraceKey
) -> None:
    """Add a stored trace with its spans."""
    row = connection.execute(_TRACE, key).fetchone()
    if row is None:
        return
    name, environment, user_id, status, start, end, *sums = row
    times = to_micros(start), to_micros(end)
    figures = Figures(name, environment, user_id, status, *times, *sums)
    changes.add_trace(figures, 1)
    changes.add_spans(environment, stored_spans(connection, key), 1)
