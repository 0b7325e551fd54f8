"""The values of traces and spans that are compared with those of their names."""

from __future__ import annotations

from tracer.store.measure.context.standing import Measured
from tracer.store.traces.span_tree import SpanRow
from tracer.store.traces.traces import TraceRow


def measured_trace(trace: TraceRow) -> Measured:
    """Return the values of a trace; a running one has no duration yet."""
    running = trace.status == "running"
    return Measured(
        trace.trace_id,
        None,
        trace.name,
        latency=None if running else (trace.end_time - trace.start_time).total_seconds(),
        cost=trace.total_cost,
        tokens=trace.total_tokens,
    )


def measured_span(span: SpanRow) -> Measured:
    """Return the values of a span."""
    start, end, first = span.start_time, span.end_time, span.first_token_time
    return Measured(
        span.span_id,
        span.kind,
        span.name,
        latency=(end - start).total_seconds() if end else None,
        first_token=(first - start).total_seconds() if first else None,
        cost=span.total_cost,
        tokens=span.total_tokens,
    )
