"""Records of spans and traces, with defaults for fields that a test does not set."""

from __future__ import annotations

from typing import Any

from tracer.records import SpanRecord, TraceRecord

T0 = 1_700_000_000_000_000
"""A moment in 2023, in µs."""


def span(span_id: str, parent: str | None = None, *, trace: str = "t", **fields: Any) -> SpanRecord:
    """Return a finished span of one millisecond, unless `fields` differ."""
    fields.setdefault("start_time", T0)
    fields.setdefault("end_time", fields["start_time"] + 1_000)
    fields.setdefault("version", fields["end_time"] or fields["start_time"])
    fields.setdefault("name", span_id)
    return SpanRecord(trace_id=trace, span_id=span_id, parent_span_id=parent, **fields)


def trace_record(
    *, trace: str = "t", rank: int = 2, version: int = T0, **fields: Any
) -> TraceRecord:
    """Return a record that sets these fields of a trace."""
    return TraceRecord(trace_id=trace, rank=rank, version=version, fields=fields)
