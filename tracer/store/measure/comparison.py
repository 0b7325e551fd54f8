"""Models, prompt versions, releases or environments side by side, over their model calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tracer.errors import Invalid
from tracer.extensions import db
from tracer.measure.buckets import frame_of
from tracer.measure.compare import Estimate, mean, ratio, share
from tracer.measure.fields import grouped
from tracer.measure.links import base_query, group_query
from tracer.measure.question import Question
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.store.database.session import within
from tracer.store.measure.columns import Columns
from tracer.store.measure.samples import moments, percentile, sorted_values
from tracer.store.query.compile import condition
from tracer.store.schema import scores, span_payloads, spans, traces

SECONDS: Final = 5
MAX_SIDES: Final = 6
"""Sides of a comparison."""
CUT_OFF: Final = ("length", "max_tokens", "MAX_TOKENS", "model_length", "content_filter")
"""Reasons for which an answer ends before it is whole."""
FIELDS: Final = ("model", "prompt", "prompt_version", "release", "env", "name", "provider")
"""What can be compared."""
_SORTED: Final = ("latency", "first_token", "speed")
_PERCENTILES: Final = {
    "latency_p50": ("latency", 0.5),
    "latency_p95": ("latency", 0.95),
    "first_token": ("first_token", 0.5),
    "speed": ("speed", 0.5),
}


@dataclass(slots=True)
class Side:
    """One model, version, release or environment with what its calls measure.

    Figures with 95 % confidence intervals; None: no call has the value. Times are in seconds,
    costs in US dollars.
    """

    value: str
    calls: int
    traces: int
    query: str
    """Selects the calls, in the list of spans; without the time."""
    latency_p50: Estimate | None = None
    latency_p95: Estimate | None = None
    first_token: Estimate | None = None
    """Median."""
    speed: Estimate | None = None
    """Output tokens per second, median."""
    cost_per_call: Estimate | None = None
    cost_per_trace: Estimate | None = None
    """Of the whole traces that have such calls."""
    errors: Estimate | None = None
    cut_off: Estimate | None = None
    """The share of calls that ended before the answer was whole."""
    cached: Estimate | None = None
    """The share of input tokens that was read from cache."""
    scores: dict[str, Estimate] = field(default_factory=dict)
    """Means of numeric scores of the calls' traces and spans, by name."""


def compare(
    project_id: str,
    by: str,
    values: Sequence[str],
    question: Question,
    clock: Clock | None = None,
) -> list[Side]:
    """Return the generations of a question by values of a field, in the order of the values.

    `question` gives the query and the range of time. Raises Invalid, QueryError, TooSlow.
    """
    if by not in FIELDS:
        raise Invalid.of_field("by", f"expected one of {', '.join(FIELDS)}, got {by!r}")
    if not 2 <= len(values) <= MAX_SIDES:
        raise Invalid.of_field("values", f"expected two to {MAX_SIDES} values, got {len(values)}")
    clock = clock or Clock(datetime.now(UTC))
    frame = frame_of(question.period, 0, clock, None)
    columns = Columns(project_id, "generations", spans)
    side = columns.text(grouped("generations", by, "by"))
    where = [
        spans.c.project_id == project_id,
        spans.c.start_time >= frame.since,
        spans.c.start_time < frame.until,
        condition(question.node, Grain.SPAN, spans, clock),
        ~spans.c.placeholder,
        spans.c.kind == "generation",
        side.in_(list(values)),
    ]
    calls = _calls(columns, side, where)
    with within(SECONDS):
        sums = {row.side: row for row in db.session.execute(_sums(project_id, calls))}
        scored: dict[str, dict[str, Estimate]] = {value: {} for value in values}
        for row in db.session.execute(_scores(project_id, calls)):
            estimate = mean(row.number, row.total, row.squares)
            if estimate is not None:
                scored[row.side][row.name] = estimate
    by_side = Question(grain="generations", query=question.query, group_by=(by,))
    base = base_query(by_side)
    return [
        _side(value, group_query(by_side, base, [value]), sums.get(value), scored[value])
        for value in values
    ]


def _calls(columns: Columns, side: Any, where: list[Any]) -> sa.CTE:
    payload = span_payloads.alias()
    same = [payload.c[name] == spans.c[name] for name in ("project_id", "trace_id", "span_id")]
    seconds = sa.cast(sa.extract("epoch", spans.c.end_time - spans.c.start_time), sa.Float)
    first = sa.cast(sa.extract("epoch", spans.c.first_token_time - spans.c.start_time), sa.Float)
    reasons = sa.func.coalesce(sa.cast(payload.c.finish_reasons, JSONB), sa.literal([], JSONB))
    cut = sa.or_(*(reasons.contains([reason]) for reason in CUT_OFF))
    read = sa.cast(sa.cast(payload.c.usage, JSONB).op("->>")("cache_read"), sa.Numeric)
    return (
        sa.select(
            side.label("side"),
            spans.c.trace_id,
            spans.c.span_id,
            seconds.label("latency"),
            first.label("first_token"),
            (spans.c.output_tokens / sa.func.nullif(seconds, 0)).label("speed"),
            sa.case((~spans.c.covered, sa.cast(spans.c.total_cost, sa.Float))).label("cost"),
            (spans.c.level == "error").label("failed"),
            cut.label("cut"),
            sa.cast(spans.c.input_tokens, sa.Float).label("input"),
            sa.cast(sa.func.coalesce(read, 0), sa.Float).label("cached"),
        )
        .select_from(columns.rows.outerjoin(payload, sa.and_(*same)))
        .where(*where)
        .cte("calls")
    )


def _sums(project_id: str, calls: sa.CTE) -> sa.Select[Any]:
    """Return counts, sums and percentiles by side."""
    sent, cached = calls.c.input, calls.c.cached
    sums = (
        sa.select(
            calls.c.side,
            sa.func.count().label("calls"),
            sa.func.count(sa.distinct(calls.c.trace_id)).label("traces"),
            sa.func.count().filter(calls.c.failed).label("failed"),
            sa.func.count().filter(calls.c.cut).label("cut"),
            *moments(calls.c.cost, "call"),
            sa.func.count(sent).label("sent"),
            sa.func.sum(cached).filter(sent.is_not(None)).label("part"),
            sa.func.sum(sent).label("whole"),
            sa.func.sum(cached * cached).filter(sent.is_not(None)).label("parts"),
            sa.func.sum(cached * sent).label("products"),
            sa.func.sum(sent * sent).label("wholes"),
            *(sorted_values(calls.c[name]) for name in _SORTED),
        )
        .group_by(calls.c.side)
        .subquery()
    )
    figures = [
        figure.label(f"{name}_{part}")
        for name, (column, percent) in _PERCENTILES.items()
        for part, figure in percentile(sums.c[column], percent).items()
    ]
    costs = _traces(project_id, calls).subquery()
    numbers = [column for column in sums.c if column.name not in _SORTED]
    of_traces = [column for column in costs.c if column.name != "side"]
    return sa.select(*numbers, *figures, *of_traces).select_from(
        sums.outerjoin(costs, costs.c.side == sums.c.side)
    )


def _traces(project_id: str, calls: sa.CTE) -> sa.Select[Any]:
    """Return the sums of what whole traces cost, by side."""
    pairs = sa.select(calls.c.side, calls.c.trace_id).distinct().subquery()
    cost = sa.cast(traces.c.total_cost, sa.Float)
    return (
        sa.select(pairs.c.side, *moments(cost, "trace"))
        .join(traces, traces.c.trace_id == pairs.c.trace_id)
        .where(traces.c.project_id == project_id)
        .group_by(pairs.c.side)
    )


def _scores(project_id: str, calls: sa.CTE) -> sa.Select[Any]:
    """Return the sums of numeric scores by side and name: of the calls, or of their traces."""
    pairs = sa.select(calls.c.side, calls.c.trace_id, calls.c.span_id).subquery()
    of_call = sa.or_(scores.c.span_id.is_(None), scores.c.span_id == pairs.c.span_id)
    rated = (
        sa.select(pairs.c.side, scores.c.name, scores.c.score_id, scores.c.value)
        .join(scores, sa.and_(scores.c.trace_id == pairs.c.trace_id, of_call))
        .where(scores.c.project_id == project_id, scores.c.value.is_not(None))
        .distinct()
        .subquery()
    )
    return sa.select(
        rated.c.side,
        rated.c.name,
        sa.func.count().label("number"),
        sa.func.sum(rated.c.value).label("total"),
        sa.func.sum(rated.c.value * rated.c.value).label("squares"),
    ).group_by(rated.c.side, rated.c.name)


def _side(value: str, query: str, row: Any, scored: dict[str, Estimate]) -> Side:
    if row is None:
        return Side(value, 0, 0, query)
    return Side(
        value,
        row.calls,
        row.traces,
        query,
        **{name: _estimate(row, name) for name in _PERCENTILES},
        cost_per_call=mean(row.call_number, row.call_total, row.call_squares),
        cost_per_trace=mean(row.trace_number or 0, row.trace_total, row.trace_squares),
        errors=share(row.failed, row.calls),
        cut_off=share(row.cut, row.calls),
        cached=ratio(row.sent, row.part, row.whole, row.parts, row.products, row.wholes),
        scores=scored,
    )


def _estimate(row: Any, name: str) -> Estimate | None:
    value, low, high, number = (
        getattr(row, f"{name}_{part}") for part in ("value", "low", "high", "number")
    )
    return Estimate(value, low, high, number) if number else None
