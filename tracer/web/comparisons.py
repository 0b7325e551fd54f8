"""Comparisons of selections and of two traces, for pages and for the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tracer.analysis.compare.reasons import find_reasons
from tracer.analysis.compare.rows import Row, compare
from tracer.errors import Invalid
from tracer.query.derived import sides
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.tree import Node
from tracer.store.query.selection import Selection
from tracer.store.selections.differences import read_differences
from tracer.store.selections.pairs import read_trace
from tracer.store.traces.span_detail import get_span
from tracer.store.traces.traces import TraceDetail
from tracer.web.answers.comparisons import (
    SpanComparison,
    TraceComparison,
    counts_of,
    span_comparison,
)
from tracer.web.answers.differences import DifferenceAnswer, difference_answer
from tracer.web.answers.traces import trace_summary

REST: Final = "rest"
BEFORE: Final = "before"
_NO_OTHERS: Final = {
    REST: "the query selects every trace of its time: add a term like status:error",
    BEFORE: "the query has no beginning: add a time like start:>-24h",
}


def others_of(node: Node, against: str, clock: Clock) -> Node:
    """Return the query of the other traces, with which a selection is compared.

    ``against``: ``rest`` or ``before``. Raises Invalid where there can be none.
    """
    others = sides.rest(node) if against == REST else sides.previous_period(node, clock)
    if others is None:
        raise Invalid.of_field("against", _NO_OTHERS[against])
    return others


def compare_selection(project_id: str, node: Node, against: str) -> DifferenceAnswer:
    """Return what differs between the traces of a query and others; raises Invalid, TooSlow."""
    clock = Clock(datetime.now(UTC))
    others = others_of(node, against, clock)
    selected, compared = (Selection(each, clock) for each in (node, others))
    differences = read_differences(
        project_id,
        lambda table: selected.condition(Grain.TRACE, table),
        lambda table: compared.condition(Grain.TRACE, table),
    )
    return difference_answer(differences, node, others)


def compare_traces(
    then: TraceDetail, now: TraceDetail, span_id: str | None = None
) -> TraceComparison:
    """Return two traces side by side, and what differs in the payloads of one span of them."""
    earlier, later = read_trace(then), read_trace(now)
    digests = earlier.digests, later.digests
    rows = list(compare(earlier.forest, later.forest, digests))
    return TraceComparison(
        then=trace_summary(then),
        now=trace_summary(now),
        duration=((now.end_time - now.start_time) - (then.end_time - then.start_time))
        // timedelta(microseconds=1),
        counts=counts_of(rows),
        reasons=find_reasons(rows),
        rows=rows,
        cut=earlier.cut or later.cut,
        payloads=all(digests),
        span=compare_span(then, now, rows, span_id) if span_id else None,
    )


def compare_span(
    then: TraceDetail, now: TraceDetail, rows: Sequence[Row], span_id: str
) -> SpanComparison | None:
    """Compare the span of the later trace, or else of the earlier, with its counterpart.

    None: neither trace has such a span.
    """
    rows_of_later = (row for row in rows if row.now and row.now.span_id == span_id)
    rows_of_earlier = (row for row in rows if row.then and row.then.span_id == span_id)
    row = next(rows_of_later, None) or next(rows_of_earlier, None)
    if row is None:
        return None
    sides = (then, row.then), (now, row.now)
    spans = [
        get_span(trace.project_id, trace.trace_id, side.span_id) if side else None
        for trace, side in sides
    ]
    return span_comparison(*spans)
