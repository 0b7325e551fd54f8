"""A large selection over time from rollups: exact counts and sums, percentiles within 2 %."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array

from tracer.extensions import db
from tracer.measure.buckets import HOUR, MINUTE, Frame
from tracer.measure.histogram import LogHistogram
from tracer.measure.question import Question
from tracer.query.fields import Grain
from tracer.query.filters import period_of
from tracer.query.moments import Clock
from tracer.query.tree import And, Node, Term, conjuncts
from tracer.store.database.estimates import sample
from tracer.store.database.session import within
from tracer.store.measure.cells import Scan
from tracer.store.measure.plan import MINUTES_KEPT, UNITS, Plan, Segment, cut, plan_of_rows
from tracer.store.measure.rollup import (
    elements_of,
    rollups_ready,
    source_rows,
    unpacked_key,
    unpacked_number,
)
from tracer.store.measure.top import key_of
from tracer.store.query.selection import Selection
from tracer.store.rollups.sums import COUNT_BITS, SPAN, TRACE
from tracer.store.schema import spans, traces
from tracer.store.traces.histogram import SECONDS, Bar, Histogram
from tracer.times import EPOCH

_COUNTS: Final = {Grain.TRACE: TRACE, Grain.SPAN: SPAN}
SAMPLED: Final = 10_000
"""Spans of a sample whose latencies are read."""
_TABLES: Final = {Grain.TRACE: traces, Grain.SPAN: spans}
_NAMES: Final = ("start", "rows", "errors", "cost", "tokens", "latencies")


def rolled_up(
    project_id: str,
    selection: Selection,
    period: tuple[datetime, datetime],
    width: timedelta,
    grain: Grain,
) -> Histogram | None:
    """Return the rows of a selection in bars of ``width`` from the begin of ``period``.

    Percentiles are those of the total alone. The rows of the first, incomplete hour (or minute) are
    scanned. None: rollups don't have the exact numbers, because the query has other conditions than
    they, or bars of another length.
    """
    clock = selection.clock or Clock(datetime.now(UTC))
    begin, until = period
    since = max(period_of(selection.node, clock, grain)[0] or begin, begin)
    unit = HOUR if not width % HOUR else MINUTE
    if until >= clock.now:
        until = _ceiling(until, unit)
    if grain not in _COUNTS or width % unit or _ceiling(begin, unit) != begin:
        return None
    first = min(_ceiling(since, unit), until)
    segments = [Segment("h" if unit == HOUR else "m", first, until)]
    is_kept = unit == HOUR or first >= clock.now - MINUTES_KEPT
    plan = plan_of_rows(_COUNTS[grain], _without_start(selection.node), segments)
    if plan is None or not is_kept or _ceiling(until, unit) != until or not rollups_ready():
        return None
    scan = Scan(project_id, Question(), Frame(first, until), clock)
    beside = _scanned(project_id, selection, grain, (since, first))
    with within(SECONDS):
        by_bar = _by_bar(_source(scan, plan, beside), begin, width)
        bars = [_bar(*row) for row in db.session.execute(by_bar)]
        if grain is Grain.SPAN:
            count = sum(bar.count for bar in bars)
            latencies = _sampled_latencies(project_id, selection, (since, until), count)
        else:
            latencies = _latencies(_source(scan, _by_day(plan), beside))
    total = _total(begin, bars, latencies)
    total = replace(total, sampled_percentiles=grain is Grain.SPAN)
    return Histogram(bars, width, total, 1.0, rolled_up=True)


def _ceiling(time: datetime, unit: timedelta) -> datetime:
    return time + (EPOCH - time) % unit


def _without_start(node: Node) -> Node:
    """Return the query without its terms of the time, which are in the period."""
    kept = (item for item in conjuncts(node) if not _is_start(item))
    return And(tuple(kept))


def _is_start(node: Node) -> bool:
    return isinstance(node, Term) and node.field.name == "start" and len(node.matches) == 1


def _by_day(plan: Plan) -> Plan:
    """Return the plan with whole days and the hours beside them: fewer rows than of all hours."""
    [segment] = plan.segments
    return replace(plan, segments=tuple(cut(segment.since, segment.until, list(UNITS))))


def _source(scan: Scan, plan: Plan, beside: sa.Select[Any]) -> sa.Subquery:
    rows = source_rows(scan, plan)
    folded = sa.select(*(rows.c[name] for name in _NAMES))
    return sa.union_all(folded, beside).subquery("sums")


def _scanned(
    project_id: str, selection: Selection, grain: Grain, period: tuple[datetime, datetime]
) -> sa.Select[Any]:
    """Return the rows of a short time in the columns of rollups."""
    table, (since, until) = _TABLES[grain], period
    seconds = sa.extract("epoch", table.c.end_time - table.c.start_time)
    one_value = sa.cast(key_of(seconds), sa.BigInteger) * (1 << COUNT_BITS) + 1
    none = sa.cast(sa.literal_column("'{}'"), ARRAY(sa.BigInteger))
    failed = (table.c.level if grain is Grain.SPAN else table.c.status) == "error"
    # Usage that repeats that of other spans is in no sum.
    own = ~table.c.covered if grain is Grain.SPAN else sa.true()
    query = sa.select(
        table.c.start_time,
        sa.literal(1),
        sa.cast(failed, sa.Integer),
        sa.case((own, table.c.total_cost)),
        sa.case((own, table.c.total_tokens)),
        sa.case((table.c.end_time.is_not(None), array([one_value])), else_=none),
    ).where(
        table.c.project_id == project_id,
        table.c.start_time >= since,
        table.c.start_time < until,
        selection.condition(grain, table),
    )
    return query.where(~table.c.placeholder) if grain is Grain.SPAN else query


def _by_bar(source: sa.Subquery, begin: datetime, width: timedelta) -> sa.Select[Any]:
    start = sa.func.date_bin(width, source.c.start, begin)
    sums = [sa.func.sum(source.c[name]) for name in ("rows", "errors", "cost", "tokens")]
    query = sa.select(start, *sums).group_by(sa.literal_column("1"))
    return query.having(sa.func.sum(source.c.rows) > 0).order_by(sa.literal_column("1"))


def _latencies(source: sa.Subquery) -> LogHistogram:
    each = elements_of(source.c.latencies)
    number = sa.func.sum(sa.cast(unpacked_number(each.c.value), sa.Double))
    query = sa.select(unpacked_key(each.c.value), number).select_from(source.join(each, sa.true()))
    # PostgreSQL expects few elements, and would sort hundreds of thousands.
    db.session.execute(sa.text("SET LOCAL enable_sort = off"))
    rows = db.session.execute(query.group_by(sa.literal_column("1"))).all()
    db.session.execute(sa.text("SET LOCAL enable_sort = on"))
    return LogHistogram((key, int(count)) for key, count in rows)


def _sampled_latencies(
    project_id: str, selection: Selection, period: tuple[datetime, datetime], count: int
) -> LogHistogram:
    """Return the latencies of a sample of spans: histograms of many series would take longer."""
    table = sample(spans, min(1.0, SAMPLED / max(count, 1)))
    seconds = sa.extract("epoch", table.c.end_time - table.c.start_time)
    query = sa.select(key_of(seconds), sa.func.count()).where(
        table.c.project_id == project_id,
        ~table.c.placeholder,
        table.c.end_time.is_not(None),
        table.c.start_time >= period[0],
        table.c.start_time < period[1],
        selection.condition(Grain.SPAN, table),
    )
    rows = db.session.execute(query.group_by(sa.literal_column("1")))
    return LogHistogram((key, number) for key, number in rows)


def _bar(start: datetime, count: int, errors: int, cost: Any, tokens: int | None) -> Bar:
    return Bar(start, int(count), int(errors), cost or None, int(tokens or 0), p50=None, p95=None)


def _total(begin: datetime, bars: Sequence[Bar], latencies: LogHistogram) -> Bar:
    p50, p95 = (
        # An end before the start is no latency, as in the chart of a scan.
        None if seconds is None else timedelta(seconds=max(seconds, 0.0))
        for seconds in map(latencies.percentile, (50, 95))
    )
    costs = [bar.cost for bar in bars if bar.cost is not None]
    return Bar(
        begin,
        count=sum(bar.count for bar in bars),
        errors=sum(bar.errors for bar in bars),
        cost=sum(costs, Decimal(0)) if costs else None,
        tokens=sum(bar.tokens for bar in bars),
        p50=p50,
        p95=p95,
    )
