"""What stored traces and spans add to rollups: of deleted traces, and of those from before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from tracer.merging.figures import Figures
from tracer.store.database.keys import TraceKey
from tracer.store.rollups.sums import Deltas, Measured, add_spans, add_trace
from tracer.times import to_micros

_SPANS: Final = """
    SELECT s.kind, s.name, s.start_time, s.end_time, s.first_token_time, s.level, s.model,
        p.provider, s.status_message, CASE WHEN NOT s.covered THEN p.usage END,
        CASE WHEN NOT s.covered THEN s.total_cost END
    FROM spans s LEFT JOIN span_payload_rows p USING (project_id, trace_id, span_id)
    WHERE s.project_id = %s AND s.trace_id = %s AND NOT s.placeholder AND s.span_id <> ALL(%s)
"""
_TRACE: Final = """
    SELECT name, environment, user_id, status, start_time, end_time, total_tokens IS NOT NULL,
        usage, total_cost
    FROM traces JOIN trace_payloads USING (project_id, trace_id)
    WHERE project_id = %s AND trace_id = %s
"""


class _Stored(NamedTuple):
    """The columns of a span that are summed, as `add_span` reads them."""

    kind: str
    name: str
    start_time: int
    end_time: int | None
    first_token_time: int | None
    level: str
    model: str | None
    provider: str | None
    status_message: str | None


def add_stored(
    connection: psycopg.Connection[Any],
    deltas: Deltas,
    key: TraceKey,
    sign: int,
    environment: str,
    without: Collection[str] = (),
) -> None:
    """Add the stored spans of a trace, or take them away, but for those with these ids."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_SPANS, (*key, list(without)))
        add_spans(deltas, environment, map(_measured, rows), sign)


def _measured(row: tuple[Any, ...]) -> Measured:
    kind, name, start, end, first, level, model, provider, message, usage, cost = row
    times = to_micros(start), _micros(end), _micros(first)
    return _Stored(kind, name, *times, level, model, provider, message), usage or {}, cost


def add_stored_trace(connection: psycopg.Connection[Any], deltas: Deltas, key: TraceKey) -> None:
    """Add a stored trace with its spans."""
    row = connection.execute(_TRACE, key).fetchone()
    if row is None:
        return
    name, environment, user_id, status, start, end, metered, usage, cost = row
    times = to_micros(start), to_micros(end)
    figures = Figures(name, environment, user_id, status, *times, metered, usage, cost)
    add_trace(deltas, figures, 1)
    add_stored(connection, deltas, key, 1, environment)


def _micros(time: datetime | None) -> int | None:
    return None if time is None else to_micros(time)
