"""What the subtrees of a trace's spans add up to: as stored, or of a small trace as it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tracer.analysis.inputs import AnalysisInputs
from tracer.store.analyses.forests import read_small
from tracer.store.analyses.stored import read_derived
from tracer.store.schema import subtrees
from tracer.store.traces.span_tree import SpanRow
from tracer.times import from_micros, to_micros


# Not frozen: see SpanRow.
@dataclass(slots=True)
class Subtree:
    """A span with everything below it, placeholders left out."""

    span_count: int
    error_count: int
    level: str
    """The worst."""
    end_time: datetime
    """The latest; of what runs, the latest moment that is known of the trace."""
    total_tokens: int | None
    total_cost: Decimal | None
    self_us: int
    """Time of the span itself in which none of its children ran (µs)."""
    critical_us: int
    """Time on the critical path (µs); 0: it is not on it."""


_COLUMNS = tuple(Subtree.__dataclass_fields__)


def read_subtrees(
    project_id: str, trace_id: str, rows: Sequence[SpanRow]
) -> dict[str, Subtree] | None:
    """Return the subtrees of these spans by id; None: the trace is still being counted.

    Reads one entry per span, however large the trace.
    """
    if not rows:
        return {}
    stored = _read_stored(project_id, trace_id, rows)
    return _add_up(project_id, trace_id, rows) if stored is None else stored or None


def _read_stored(
    project_id: str, trace_id: str, rows: Sequence[SpanRow]
) -> dict[str, Subtree] | None:
    """Return what is stored, empty: nothing that holds any more. None: the trace is small."""
    stored = read_derived(project_id, trace_id, subtrees, _COLUMNS, [row.span_id for row in rows])
    if stored is None or not stored.holds:
        return None if stored is None else {}
    known = {span_id: Subtree(*columns) for span_id, *columns in stored.rows}
    return {row.span_id: known.get(row.span_id) or _alone(row) for row in rows}


def _alone(row: SpanRow) -> Subtree:
    """Return the subtree of a span that has no row: see analysis_schema.subtrees."""
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


def _add_up(project_id: str, trace_id: str, rows: Sequence[SpanRow]) -> dict[str, Subtree] | None:
    forest = read_small(project_id, trace_id)
    if forest is None:
        return None
    wanted = {row.span_id for row in rows}
    inputs = AnalysisInputs(forest)
    sums, alone, path = inputs.subtree_sums, inputs.self_times, inputs.critical_path.subtree
    return {
        span_id: Subtree(
            span_count=sums[at].spans,
            error_count=sums[at].errors,
            level=sums[at].level,
            end_time=from_micros(sums[at].end),
            total_tokens=sums[at].tokens,
            total_cost=sums[at].cost,
            self_us=alone[at],
            critical_us=path[at],
        )
        for at, span_id in enumerate(forest.ids)
        if span_id in wanted
    }
