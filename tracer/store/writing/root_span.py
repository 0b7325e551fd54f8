"""What follows from single spans of a trace: its root's name, its bounds, its first error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tracer.merging.arrivals import Change
from tracer.merging.spans import Span
from tracer.merging.traces import INDEXED_BYTES, OF_ROOT, Trace, clip
from tracer.messages import conversation
from tracer.records import Json
from tracer.store.database.keys import TraceKey, columns_of
from tracer.times import to_micros

_FIRSTS = """
    SELECT k.project_id, k.trace_id, error.message,
        coalesce(root.span_id, topmost.span_id) AS span_id,
        coalesce(root.name, topmost.name) AS name, root.span_id IS NULL AS rootless
    FROM unnest(%s::text[], %s::text[]) k (project_id, trace_id)
    LEFT JOIN LATERAL (
        SELECT span_id, name FROM spans s
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id
            AND s.parent_span_id IS NULL AND NOT s.placeholder
        ORDER BY start_time, span_id LIMIT 1
    ) root ON true
    LEFT JOIN LATERAL (
        SELECT s.span_id, s.name FROM (
            SELECT span_id FROM spans m
            WHERE m.project_id = k.project_id AND m.trace_id = k.trace_id
                AND m.parent_span_id IS NULL AND m.placeholder
            ORDER BY start_time, span_id LIMIT 1
        ) missing
        JOIN spans s ON s.project_id = k.project_id AND s.trace_id = k.trace_id
            AND s.parent_span_id = missing.span_id
        WHERE root.span_id IS NULL
        ORDER BY s.start_time, s.span_id LIMIT 1
    ) topmost ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(nullif(status_message, ''), name) AS message FROM spans s
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND s.level = 'error'
        ORDER BY start_time, span_id LIMIT 1
    ) error ON true
"""

_BOUNDS = """
    SELECT s.project_id, s.trace_id, min(start_time) AS first,
        max(greatest(start_time, coalesce(end_time, start_time))) AS last
    FROM spans s
    JOIN unnest(%s::text[], %s::text[]) k (project_id, trace_id) USING (project_id, trace_id)
    WHERE NOT s.placeholder
    GROUP BY s.project_id, s.trace_id
"""

_ROOT_PAYLOAD = """
    SELECT input, output FROM span_payloads
    WHERE project_id = %s AND trace_id = %s AND span_id = %s
"""


def from_spans(trace: Trace, spans: Iterable[Span]) -> None:
    """Derive from all the spans of a trace."""
    found = sorted(spans, key=_place)
    failed = next((span.record for span in found if span.record.level == "error"), None)
    if failed is not None:
        trace.derived.error_message = _line(failed.status_message or failed.name)
    top = [span for span in found if span.record.parent_span_id is None]
    root = next((span.record for span in top if not span.placeholder), None)
    trace.derived.rootless = root is None
    if root is None and top:
        missing = top[0].record.span_id
        below = (span.record for span in found if span.record.parent_span_id == missing)
        root = next(below, None)
    if root is not None:
        _set_root(trace, root.span_id, root.name)
        _set_previews(trace, root.input, root.output)


def from_database(connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]) -> None:
    """Derive anew for those of these traces where a root, an error or the bounds changed."""
    moved = [key for key, change in changes.items() if change.new_bounds]
    if moved:
        _look_up_bounds(connection, changes, moved)
    stirred = [key for key, change in changes.items() if _stirred(change)]
    if not stirred:
        return
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_FIRSTS, columns_of(stirred, 2)).fetchall()
    for row in rows:
        key = row["project_id"], row["trace_id"]
        change = changes[key]
        change.trace.derived.error_message = _line(row["message"])
        previous = change.trace.derived.root_span_id
        _set_root(change.trace, row["span_id"], row["name"] or "")
        change.trace.derived.rootless = row["rootless"]
        if row["span_id"] != previous or row["span_id"] in change.after or _unsaid(change):
            _set_previews(change.trace, *_root_payload(connection, key, change))


def _place(span: Span) -> tuple[int, str]:
    return span.record.start_time, span.record.span_id


def _stirred(change: Change) -> bool:
    spans = [*change.after.values(), *(change.before.get(name) for name in change.after)]
    return (
        change.trace.derived.rootless
        or _unsaid(change)
        or any(
            span is not None
            and (span.record.parent_span_id is None or span.record.level == "error")
            for span in spans
        )
    )


def _unsaid(change: Change) -> bool:
    """Whether the trace's own name, input or output was cleared, so that the root's shows again."""
    return any(map(change.trace.claims.cleared, change.speaks.intersection(OF_ROOT)))


def _set_root(trace: Trace, span_id: str | None, name: str) -> None:
    trace.derived.root_span_id = span_id
    trace.derived.root_name = clip(name, INDEXED_BYTES) or ""


def _set_previews(trace: Trace, said: Json, answered: Json) -> None:
    claims, derived = trace.claims, trace.derived
    if not claims.speaks_for("input"):
        derived.input_preview = None if said is None else conversation.preview(said)
    if not claims.speaks_for("output"):
        derived.output_preview = None if answered is None else conversation.preview(answered)


def _root_payload(
    connection: psycopg.Connection[Any], key: TraceKey, change: Change
) -> tuple[Json, Json]:
    root_id = change.trace.derived.root_span_id
    if root_id in change.after:
        record = change.after[root_id].record
        return record.input, record.output
    row = connection.execute(_ROOT_PAYLOAD, (*key, root_id)).fetchone()
    return (row[0], row[1]) if row else (None, None)


def _look_up_bounds(
    connection: psycopg.Connection[Any], changes: dict[TraceKey, Change], keys: list[TraceKey]
) -> None:
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_BOUNDS, columns_of(keys, 2)):
            derived = changes[row["project_id"], row["trace_id"]].trace.derived
            derived.start, derived.end = to_micros(row["first"]), to_micros(row["last"])


def _line(message: str | None) -> str | None:
    return " ".join(message[:400].split())[:200] if message else None
