"""Locks and reads the stored traces and spans of a batch, as values of `tracer.merging`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tracer.merging import claims as sent
from tracer.merging import log_events
from tracer.merging.claims import PAYLOADS, UNLOADED, Claims
from tracer.merging.spans import Span
from tracer.merging.traces import COUNTS, Derived, Totals, Trace
from tracer.records import RANK_IMPLIED, SpanRecord, decimals
from tracer.store.database.keys import SpanKey, TraceKey, columns_of
from tracer.times import optional_micros, to_micros

# Every writer locks traces in this order, so that two can't wait for each other. Both rows of a
# trace are locked: after a wait PostgreSQL reads the newest version of locked rows alone.
_LOCK = """
    SELECT t.project_id, t.trace_id, name, user_id, session_id, environment, release, version,
        public, tags, metadata, claims, start_time, end_time, root_span_id, input_preview,
        output_preview, error_message, kinds, models, usage, cost,
        span_count, running_count, error_count, warning_count, root_error_count,
        flagged_count, unpriced_count, priced_count, metered_count
    FROM traces t JOIN trace_payloads p USING (project_id, trace_id)
    JOIN unnest(%b::text[], %b::text[]) k (project_id, trace_id) USING (project_id, trace_id)
    ORDER BY t.project_id, t.trace_id
    FOR UPDATE OF t, p
"""

_SENT_PAYLOADS = """
    SELECT project_id, trace_id, input, output FROM trace_payloads
    JOIN unnest(%b::text[], %b::text[]) k (project_id, trace_id) USING (project_id, trace_id)
"""

SPAN_PAYLOAD_COLUMNS = "p.usage, p.cost, p.cost_source, p.provider, p.dialect, p.sent_parent_id"
"""The columns of `span_payloads` that `read_span` needs besides those of `spans`."""

_SPANS = f"""
    SELECT s.*, {SPAN_PAYLOAD_COLUMNS}
    FROM unnest(%b::text[], %b::text[], %b::text[]) k (project_id, trace_id, span_id)
    JOIN spans s USING (project_id, trace_id, span_id)
    LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
"""  # noqa: S608 - composed of constants; values are bound

_PAYLOADS = """
    SELECT p.* FROM unnest(%b::text[], %b::text[], %b::text[]) k (project_id, trace_id, span_id)
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


_SMALL_FIELDS = ("name", "user_id", "session_id", "environment", "release", "version", "public")
"""Columns of `traces` that hold sent values and are read with every trace."""


def lock_traces(
    connection: psycopg.Connection[Any], keys: Iterable[TraceKey]
) -> dict[TraceKey, Trace]:
    """Lock the existing ones of these traces until the transaction ends, and return them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_LOCK, columns_of(keys, 2))
        return {(row["project_id"], row["trace_id"]): _trace(row) for row in cursor}


def load_sent_payloads(connection: psycopg.Connection[Any], traces: dict[TraceKey, Trace]) -> None:
    """Add the stored input and output of these traces to their claims."""
    if not traces:
        return
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_SENT_PAYLOADS, columns_of(traces, 2)):
            claims = traces[row["project_id"], row["trace_id"]].claims
            claims.fields |= {name: row[name] for name in PAYLOADS if name in claims.ranks}
            for process in claims.processes.values():
                for name in PAYLOADS:
                    candidate = process.fields.get(name)
                    if candidate is not None and candidate.value is UNLOADED:
                        candidate.value = row[name]


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
                # A large value is stored only once, in the column of the field that it patches.
                span.patch[name] = version, value[0] if value else row[name]
            span.filled = patch.get("filled", [])
            span.patch = dict(log_events.restored(span.patch, span.filled, row))
            span.hidden = patch["hidden"]


def _key(row: dict[str, Any]) -> SpanKey:
    return row["project_id"], row["trace_id"], row["span_id"]


def read_span(row: dict[str, Any]) -> Span:
    """Return the span of a row of `spans` with `SPAN_PAYLOAD_COLUMNS`."""
    return Span(
        record=SpanRecord(
            trace_id=row["trace_id"],
            span_id=row["span_id"],
            parent_span_id=row["parent_span_id"],
            start_time=to_micros(row["start_time"]),
            end_time=optional_micros(row["end_time"]),
            first_token_time=optional_micros(row["first_token_time"]),
            version=(row["version"] or 0) & ((1 << 62) - 1),
            kind=row["kind"],
            name=row["name"],
            level=row["level"],
            status_message=row["status_message"],
            model=row["model"],
            provider=row["provider"],
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
        usage_excluded=row["covered"],
        sent_parent_id=row["sent_parent_id"],
    )


def _trace(row: dict[str, Any]) -> Trace:
    kept = row["claims"]
    claims = _claims(row, kept)
    start, end = _span_bounds(row)
    derived = Derived(
        root_span_id=row["root_span_id"],
        rootless=kept.get("rootless", False),
        compared=kept.get("compared", False),
        root_process=kept.get("root_process"),
        input_preview=row["input_preview"],
        output_preview=row["output_preview"],
        error_message=row["error_message"],
        start=start,
        end=end,
    )
    if "input_source" in kept:
        start_time, span_id, derived.borrows_input = kept["input_source"]
        derived.input_source = start_time, span_id
    totals = Totals(
        counts={name: row[name] for name in COUNTS},
        kinds=row["kinds"],
        models=row["models"],
        usage=row["usage"],
        cost=decimals(row["cost"]),
    )
    trace = Trace(claims=claims, totals=totals, derived=derived)
    derived.root_payloads = frozenset(name for name in PAYLOADS if _root_has(trace, name, row))
    derived.tracks_input = trace.value("input") is None and "input" not in derived.root_payloads
    if trace.value("name") is None:
        derived.root_name = row["name"]
    return trace


def _root_has(trace: Trace, name: str, row: dict[str, Any]) -> bool:
    """Return whether the root has an input or output that is not overridden by a sent value."""
    claims, derived = trace.claims, trace.derived
    if derived.rootless or (name in claims.ranks and not claims.cleared(name)):
        return False
    candidate = claims.candidate(name, derived.root_process)
    if candidate is not None:
        # An implied value that is stored in the claims, not in its column: the root's is shown.
        return candidate.rank == RANK_IMPLIED and candidate.value is not UNLOADED
    borrowed = name == "input" and derived.borrows_input
    return row[f"{name}_preview"] is not None and not borrowed


def _claims(row: dict[str, Any], kept: dict[str, Any]) -> Claims:
    ranks = kept.get("ranks", {})
    return Claims(
        fields={name: row[name] for name in _SMALL_FIELDS if name in ranks}
        | kept.get("times", {})
        | dict.fromkeys(kept.get("cleared", ())),
        tags=kept.get("tags", row["tags"]),
        tag_edits=kept.get("tag_edits", {}),
        metadata=row["metadata"],
        ranks=ranks,
        processes=sent.load(kept.get("processes", {}), {name: row[name] for name in _SMALL_FIELDS}),
        seen=kept.get("seen"),
    )


def _span_bounds(row: dict[str, Any]) -> tuple[int | None, int | None]:
    if "bounds" in row["claims"]:
        start, end = row["claims"]["bounds"]
        return start, end
    if row["span_count"] == 0:
        return None, None
    return to_micros(row["start_time"]), to_micros(row["end_time"])
