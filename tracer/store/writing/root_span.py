"""Trace fields that come from single spans: the root's name and payload, bounds, first error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tracer.merging.arrivals import Change
from tracer.merging.spans import Span
from tracer.merging.traces import INDEXED_BYTES, OF_ROOT, Trace, clip
from tracer.messages.previews import preview
from tracer.records import Json, process_of
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.writing import borrowed_input
from tracer.times import to_micros

# Each order is that of an index: ix_spans_roots, ix_spans_tree (hence the parent, though it is the
# same everywhere), ix_spans_errors. PostgreSQL would otherwise sort all roots of a large trace.
_FIRSTS = """
    SELECT k.project_id, k.trace_id, error.message,
        coalesce(root.span_id, topmost.span_id) AS span_id,
        coalesce(root.name, topmost.name) AS name, root.span_id IS NULL AS rootless
    FROM unnest(%b::text[], %b::text[]) k (project_id, trace_id)
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
            ORDER BY m.parent_span_id, start_time, span_id LIMIT 1
        ) missing
        JOIN spans s ON s.project_id = k.project_id AND s.trace_id = k.trace_id
            AND s.parent_span_id = missing.span_id
        WHERE root.span_id IS NULL
        ORDER BY s.parent_span_id, s.start_time, s.span_id LIMIT 1
    ) topmost ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(nullif(status_message, ''), name) AS message FROM spans s
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND s.level = 'error'
        ORDER BY start_time, span_id LIMIT 1
    ) error ON true
"""

_BOUNDS = """
    SELECT k.project_id, k.trace_id, bounds.first, bounds.last
    FROM unnest(%b::text[], %b::text[]) k (project_id, trace_id)
    CROSS JOIN LATERAL (
        SELECT min(start_time) AS first,
            max(greatest(start_time, coalesce(end_time, start_time))) AS last
        FROM (
            SELECT start_time, end_time FROM spans s
            WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND NOT s.placeholder
            ORDER BY s.parent_span_id, start_time, span_id OFFSET 0
        ) ordered
    ) bounds
    WHERE bounds.first IS NOT NULL
"""

_ROOT_PAYLOAD = """
    SELECT input, output, resource FROM span_payloads
    WHERE project_id = %s AND trace_id = %s AND span_id = %s
"""


def from_spans(trace: Trace, spans: Iterable[Span]) -> None:
    """Derive the fields from all the spans of a new trace."""
    ordered = sorted(spans, key=_position)
    failed = next((span.record for span in ordered if span.record.level == "error"), None)
    if failed is not None:
        trace.derived.error_message = _line(failed.status_message or failed.name)
    top = [span for span in ordered if span.record.parent_span_id is None]
    root = next((span.record for span in top if not span.placeholder), None)
    trace.derived.rootless = root is None
    if root is None and top:
        missing = top[0].record.span_id
        below = (span.record for span in ordered if span.record.parent_span_id == missing)
        root = next(below, None)
    if root is not None:
        _set_root(trace, root.span_id, root.name)
        _set_payloads(trace, root.input, root.output, root.resource)
    borrowed_input.from_spans(trace, ordered)


def from_database(connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]) -> None:
    """Derive the fields again for the traces whose root, error or bounds may have changed."""
    moved = [key for key, change in changes.items() if change.new_bounds]
    if moved:
        _look_up_bounds(connection, changes, moved)
    affected = [key for key, change in changes.items() if _may_change(change)]
    if affected:
        _look_up_firsts(connection, changes, affected)
    for key, change in changes.items():
        borrowed_input.from_database(connection, key, change)


def _look_up_firsts(
    connection: psycopg.Connection[Any], changes: dict[TraceKey, Change], keys: list[TraceKey]
) -> None:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_FIRSTS, columns_of(keys, 2)).fetchall()
    for row in rows:
        key = row["project_id"], row["trace_id"]
        change = changes[key]
        change.trace.derived.error_message = _line(row["message"])
        previous = change.trace.derived.root_span_id
        was_rootless = change.trace.derived.rootless
        _set_root(change.trace, row["span_id"], row["name"] or "")
        change.trace.derived.rootless = row["rootless"]
        moved = row["span_id"] != previous or row["rootless"] != was_rootless
        if moved or row["span_id"] in change.after or _reveals_root(change):
            _set_payloads(change.trace, *_root_payload(connection, key, change))


def _position(span: Span) -> tuple[int, str]:
    return span.record.start_time, span.record.span_id


def _may_change(change: Change) -> bool:
    spans = [*change.after.values(), *(change.before.get(name) for name in change.after)]
    return (
        change.trace.derived.rootless
        or _reveals_root(change)
        or any(
            span is not None
            and (span.record.parent_span_id is None or span.record.level == "error")
            for span in spans
        )
    )


def _reveals_root(change: Change) -> bool:
    """Return whether the root's name, input, output or process may now apply to the trace."""
    claims = change.trace.claims
    unknown = bool(claims.processes) and change.trace.derived.root_process is None
    return (
        unknown
        or change.has_implied_fields
        or any(map(claims.cleared, change.arrived_fields.intersection(OF_ROOT)))
    )


def _set_root(trace: Trace, span_id: str | None, name: str) -> None:
    trace.derived.root_span_id = span_id
    trace.derived.root_name = clip(name, INDEXED_BYTES) or ""


def _set_payloads(
    trace: Trace, input: Json, output: Json, resource: dict[str, Json] | None
) -> None:
    """Set input, output and process from the root, or from the span that replaces a missing root.

    ``resource`` None: the trace has neither span.
    """
    derived = trace.derived
    payloads = {"input": input, "output": output}
    # Set first: `trace.value` below depends on the root's process.
    has_process = resource is not None and trace.claims.processes
    derived.root_process = process_of(resource or {}) if has_process else None
    derived.root_payloads = frozenset(
        () if derived.rootless else [name for name, value in payloads.items() if value is not None]
    )
    if trace.value("input") is None:
        derived.input_preview = None if input is None else preview(input)
        derived.borrows_input = False
    if trace.value("output") is None:
        derived.output_preview = None if output is None else preview(output, output=True)


def _root_payload(
    connection: psycopg.Connection[Any], key: TraceKey, change: Change
) -> tuple[Json, Json, dict[str, Json] | None]:
    root_id = change.trace.derived.root_span_id
    if root_id in change.after:
        record = change.after[root_id].record
        return record.input, record.output, record.resource
    row = connection.execute(_ROOT_PAYLOAD, (*key, root_id)).fetchone()
    return (row[0], row[1], row[2] or {}) if row else (None, None, None)


def _look_up_bounds(
    connection: psycopg.Connection[Any], changes: dict[TraceKey, Change], keys: list[TraceKey]
) -> None:
    with connection.cursor(row_factory=dict_row) as cursor:
        # Where one trace is most of the table, PostgreSQL would read all spans of the project for
        # any trace, and sort those of the trace. Only ix_spans_tree has the order without a sort.
        cursor.execute("SET LOCAL enable_sort = off")
        rows = cursor.execute(_BOUNDS, columns_of(keys, 2)).fetchall()
        cursor.execute("SET LOCAL enable_sort TO DEFAULT")
        for row in rows:
            derived = changes[row["project_id"], row["trace_id"]].trace.derived
            derived.start, derived.end = to_micros(row["first"]), to_micros(row["last"])


def _line(message: str | None) -> str | None:
    return " ".join(message[:400].split())[:200] if message else None
