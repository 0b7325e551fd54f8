"""Reads the sums over subtrees: stored for a large trace, computed for a small one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tracer.analysis.inputs import AnalysisInputs
from tracer.store.analyses.forests import read_small
from tracer.store.analyses.stored import read_stored
from tracer.store.schema import subtrees
from tracer.store.traces.span_tree import SpanRow
from tracer.times import from_micros, to_micros


# Not frozen: see SpanRow.
@dataclass(slots=True)
class Subtree:
    """Sums over a span and all of its descendants, without placeholders."""

    span_count: int
    error_count: int
    level: str
    """The most severe level."""
    end_time: datetime
    """The latest end; for running spans, the latest time known of the trace."""
    total_tokens: int | None
    total_cost: Decimal | None
    self_us: int
    """Time of the span itself in which none of its children ran (µs)."""
    critical_us: int
    """Time on the critical path (µs); 0: not on it."""


_COLUMNS = tuple(Subtree.__dataclass_fields__)


def read_subtrees(
    project_id: str, trace_id: str, rows: Sequence[SpanRow]
) -> dict[str, Subtree] | None:
    """Return the subtrees of these spans by id; None: a large trace that is not analysed yet.

    Reads one entry per span, however large the trace.
    """
    if not rows:
        return {}
    stored = _read_stored(project_id, trace_id, rows)
    return _compute(project_id, trace_id, rows) if stored is None else stored or None


def _read_stored(
    project_id: str, trace_id: str, rows: Sequence[SpanRow]
) -> dict[str, Subtree] | None:
    """Return the stored subtrees; empty: outdated; None: a small trace, nothing is stored."""
    stored = read_stored(project_id, trace_id, subtrees, _COLUMNS, [row.span_id for row in rows])
    if stored is None or not stored.current:
        return None if stored is None else {}
    subtree_by_id = {span_id: Subtree(*columns) for span_id, *columns in stored.rows}
    return {row.span_id: subtree_by_id.get(row.span_id) or _leaf(row) for row in rows}


def _leaf(row: SpanRow) -> Subtree:
    """Return the subtree of a span without a row: see store/schema/analyses.py."""
    end = max(row.end_time or row.start_time, row.start_time)
    return Subtree(
        span_count=1,
        error_count=int(row.level == "error"),
        level=row.level,
        end_time=end,
        total_tokens=row.total_tokens,
        total_cost=row.total_cost,
        self_us=to_micros(end) - to_micros(row.start_time),
        critical_us=0,
    )


def _compute(project_id: str, trace_id: str, rows: Sequence[SpanRow]) -> dict[str, Subtree] | None:
    forest = read_small(project_id, trace_id)
    if forest is None:
        return None
    wanted = {row.span_id for row in rows}
    inputs = AnalysisInputs(forest)
    sums, self_times, critical_path = (
        inputs.subtree_sums,
        inputs.self_times,
        inputs.critical_path.subtree,
    )
    return {
        span_id: Subtree(
            span_count=sums[position].spans,
            error_count=sums[position].errors,
            level=sums[position].level,
            end_time=from_micros(sums[position].end),
            total_tokens=sums[position].tokens,
            total_cost=sums[position].cost,
            self_us=self_times[position],
            critical_us=critical_path[position],
        )
        for position, span_id in enumerate(forest.ids)
        if span_id in wanted
    }
