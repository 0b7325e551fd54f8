"""The input preview of a trace whose root has no input: the input of the first generation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from tracer.merging.arrivals import Change
from tracer.merging.spans import Span
from tracer.merging.traces import Trace
from tracer.messages.previews import preview
from tracer.records import Json, SpanRecord
from tracer.store.database.keys import TraceKey
from tracer.times import to_micros

_FIRST_GENERATION = """
    SELECT s.start_time, s.span_id FROM spans s
    JOIN span_payloads p USING (project_id, trace_id, span_id)
    WHERE s.project_id = %s AND s.trace_id = %s AND s.kind = 'generation' AND p.input IS NOT NULL
    ORDER BY s.start_time, s.span_id LIMIT 1
"""

_INPUT = """
    SELECT input FROM span_payloads WHERE project_id = %s AND trace_id = %s AND span_id = %s
"""


def from_spans(trace: Trace, spans: Iterable[Span]) -> None:
    """Set the preview from all the spans of a new trace."""
    if _needs_input(trace):
        records = {span.record.span_id: span.record for span in spans}
        _extend(trace, records)
        source = trace.derived.input_source
        if source is not None and trace.derived.input_preview is None:
            _borrow_preview(trace, records[source[1]].input)


def from_database(connection: psycopg.Connection[Any], key: TraceKey, change: Change) -> None:
    """Set the preview of a stored trace, after its changed spans were written."""
    trace, derived = change.trace, change.trace.derived
    if not _needs_input(trace):
        derived.input_source, derived.borrows_input = None, False
        return
    records = {span_id: span.record for span_id, span in change.after.items()}
    previous = derived.input_source
    if _must_look_up(trace, records):
        row = connection.execute(_FIRST_GENERATION, key).fetchone()
        derived.input_source = None if row is None else (to_micros(row[0]), row[1])
    else:
        _extend(trace, records)
    source = derived.input_source
    if source is None:
        if derived.borrows_input:
            derived.input_preview, derived.borrows_input = None, False
        return
    # The preview may be that of the span that stands in for a missing root; then it stays.
    may_borrow = derived.borrows_input or derived.input_preview is None
    outdated = source[1] in records or source != previous or not derived.borrows_input
    if may_borrow and outdated:
        record = records.get(source[1])
        _borrow_preview(
            trace, _read(connection, key, source[1]) if record is None else record.input
        )


def _needs_input(trace: Trace) -> bool:
    return trace.value("input") is None and "input" not in trace.derived.root_payloads


def _must_look_up(trace: Trace, records: dict[str, SpanRecord]) -> bool:
    """Return whether the first generation must be looked up among all spans of the trace."""
    source = trace.derived.input_source
    if source is None:
        return not trace.derived.tracks_input
    record = records.get(source[1])
    return record is not None and not (_has_input(record) and record.start_time == source[0])


def _extend(trace: Trace, records: dict[str, SpanRecord]) -> None:
    positions = [
        (record.start_time, record.span_id) for record in records.values() if _has_input(record)
    ]
    if trace.derived.input_source is not None:
        positions.append(trace.derived.input_source)
    trace.derived.input_source = min(positions, default=None)


def _has_input(record: SpanRecord) -> bool:
    return record.kind == "generation" and record.input is not None


def _borrow_preview(trace: Trace, value: Json) -> None:
    trace.derived.input_preview = preview(value)
    trace.derived.borrows_input = True


def _read(connection: psycopg.Connection[Any], key: TraceKey, span_id: str) -> Json:
    row = connection.execute(_INPUT, (*key, span_id)).fetchone()
    return None if row is None else row[0]
