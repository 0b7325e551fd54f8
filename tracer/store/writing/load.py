"""What is stored of the traces and spans that a batch touches, locked and as pure values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tracer.merging import log_events
from tracer.merging.spans import Span
from tracer.merging.traces import COUNTS, Claims, Derived, Totals, Trace
from tracer.records import SpanRecord, decimals
from tracer.store.database.keys import SpanKey, TraceKey, columns_of
from tracer.times import to_micros

# Every writer locks traces in this order, so that two can't wait for each other.
_LOCK = """
    SELECT t.project_id, t.trace_id, name, user_id, session_id, environment, release, version,
        public, tags, metadata, claims, start_time, end_time, root_span_id, input_preview,
        output_preview, error_message, kinds, models, usage, cost,
        span_count, running_count, error_count, warning_count, root_error_count,
        flagged_count, unpriced_count, priced_count, metered_count
    FROM traces t
    JOIN unnest(%s::text[], %s::text[]) k (project_id, trace_id) USING (project_id, trace_id)
    ORDER BY t.project_id, t.trace_id
    FOR UPDATE OF t
"""

_SAID_PAYLOADS = """
    SELECT project_id, trace_id, input, output FROM traces
    JOIN unnest(%s::text[], %s::text[]) k (project_id, trace_id) USING (project_id, trace_id)
"""

_SPANS = """
    SELECT s.*, p.usage, p.cost, p.cost_source, p.dialect, p.sent_parent_id
    FROM unnest(%s::text[], %s::text[], %s::text[]) k (project_id, trace_id, span_id)
    JOIN spans s USING (project_id, trace_id, span_id)
    LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
"""

_PAYLOADS = """
    SELECT p.* FROM unnest(%s::text[], %s::text[], %s::text[]) k (project_id, trace_id, span_id)
    JOIN span_payloads p USING (project_id, trace_id, span_id)
"""

_PAYLOAD_FIELDS = (
    "input",
    "output",
    "metadata",
    "attributes",
    "events",
    "links",
    "resource",
    "scope",
    "priced_by",
    "requested_model",
    "provider",
    "model_parameters",
    "tools",
    "finish_reasons",
    "prompt_name",
    "prompt_version",
    "dialect",
    "notes",
    "claimed",
)


def lock_traces(
    connection: psycopg.Connection[Any], keys: Iterable[TraceKey]
) -> dict[TraceKey, Trace]:
    """Lock those of the traces that exist until the transaction ends, and return them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_LOCK, columns_of(keys, 2))
        return {(row["project_id"], row["trace_id"]): _trace(row) for row in cursor}


def load_said_payloads(connection: psycopg.Connection[Any], traces: dict[TraceKey, Trace]) -> None:
    """Complete the claims of these traces with their own input and output."""
    if not traces:
        return
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_SAID_PAYLOADS, columns_of(traces, 2)):
            claims = traces[row["project_id"], row["trace_id"]].claims
            claims.fields |= {
                name: row[name] for name in ("input", "output") if name in claims.ranks
            }


def load_spans(connection: psycopg.Connection[Any], keys: Iterable[SpanKey]) -> dict[SpanKey, Span]:
    """Return those of the spans that exist, without their payloads."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_SPANS, columns_of(keys, 3))
        return {_key(row): read_span(row) for row in cursor}


def load_payloads(connection: psycopg.Connection[Any], stored: dict[SpanKey, Span]) -> None:
    """Complete these spans, read by `load_spans`, with their payloads."""
    if not stored:
        return
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_PAYLOADS, columns_of(stored, 3)):
            span = stored[_key(row)]
            for name in _PAYLOAD_FIELDS:
                if row[name] is not None:
                    setattr(span.record, name, row[name])
            span.record.claimed = tuple(span.record.claimed)
            patch = row["patch"] or {"fields": {}, "hidden": {}}
            for name, (version, *value) in patch["fields"].items():
                # A large value is kept once, in the column that it was laid over.
                span.patch[name] = version, value[0] if value else row[name]
            span.filled = patch.get("filled", [])
            span.patch = dict(log_events.restored(span.patch, span.filled, row))
            span.hidden = patch["hidden"]


def _key(row: dict[str, Any]) -> SpanKey:
    return row["project_id"], row["trace_id"], row["span_id"]


def _micros(time: datetime | None) -> int | None:
    return None if time is None else to_micros(time)


def read_span(row: dict[str, Any]) -> Span:
    """Return the span of one row of `spans` beside its usage and cost."""
    return Span(
        record=SpanRecord(
            trace_id=row["trace_id"],
            span_id=row["span_id"],
            parent_span_id=row["parent_span_id"],
            start_time=to_micros(row["start_time"]),
            end_time=_micros(row["end_time"]),
            first_token_time=_micros(row["first_token_time"]),
            version=(row["version"] or 0) & ((1 << 62) - 1),
            kind=row["kind"],
            name=row["name"],
            level=row["level"],
            status_message=row["status_message"],
            model=row["model"],
            usage=row["usage"] or {},
            cost=decimals(row["cost"]),
            cost_source=row["cost_source"],
            call_id=row["call_id"],
            echo=row["echo"],
            dialect=row["dialect"],
            flags=row["flags"] or [],
        ),
        version=row["version"],
        patched=row["patched"],
        awaited=row["patched"] and row["placeholder"],
        covered=row["covered"],
        sent_parent_id=row["sent_parent_id"],
    )


def _trace(row: dict[str, Any]) -> Trace:
    ranks, times = row["claims"].get("ranks", {}), row["claims"].get("times", {})
    names = ("name", "user_id", "session_id", "environment", "release", "version", "public")
    totals = Totals(
        counts={name: row[name] for name in COUNTS},
        kinds=row["kinds"],
        models=row["models"],
        usage=row["usage"],
        cost=decimals(row["cost"]),
    )
    start, end = _span_bounds(row)
    cleared = row["claims"].get("cleared", ())
    return Trace(
        claims=Claims(
            fields={name: row[name] for name in names if name in ranks}
            | times
            | dict.fromkeys(cleared),
            tags=row["claims"].get("tags", row["tags"]),
            tag_edits=row["claims"].get("tag_edits", {}),
            metadata=row["metadata"],
            ranks=ranks,
            seen=row["claims"].get("seen"),
        ),
        totals=totals,
        derived=Derived(
            root_span_id=row["root_span_id"],
            rootless=row["claims"].get("rootless", False),
            root_name="" if "name" in ranks and "name" not in cleared else row["name"],
            input_preview=row["input_preview"],
            output_preview=row["output_preview"],
            error_message=row["error_message"],
            start=start,
            end=end,
        ),
    )


def _span_bounds(row: dict[str, Any]) -> tuple[int | None, int | None]:
    if "bounds" in row["claims"]:
        start, end = row["claims"]["bounds"]
        return start, end
    if row["span_count"] == 0:
        return None, None
    return to_micros(row["start_time"]), to_micros(row["end_time"])
