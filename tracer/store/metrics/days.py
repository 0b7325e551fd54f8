"""Totals by day (UTC): the number of traces, and tokens and cost of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.conditions import Condition
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import spans, traces
from tracer.store.traces import span_search, trace_search


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelTotals:
    """The spans, tokens and cost of one model on one day (UTC); model None: without a model."""

    day: datetime
    model: str | None
    spans: int
    traces: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost: Decimal


def page_days(
    project_id: str,
    span_conditions: Sequence[Condition],
    trace_conditions: Sequence[Condition],
    limit: int,
    offset: int,
) -> tuple[list[datetime], int]:
    """Return (a page of the days (UTC) with any trace or span, latest first; their number)."""
    span_days = span_search.rows(sa.select(_day(spans)), project_id, span_conditions)
    days = span_days.union(
        trace_search.matching(sa.select(_day(traces)), project_id, trace_conditions)
    ).subquery()
    rows, total = numbered_page(sa.select(days.c.day).order_by(days.c.day.desc()), limit, offset)
    return [row.day for row in rows], total


def model_days(
    project_id: str, conditions: Sequence[Condition], days: Sequence[datetime]
) -> list[ModelTotals]:
    """Return the totals of each model on each of these days (UTC), latest day first."""
    day = _day(spans)
    zero = sa.literal(0)
    sums = [
        sa.func.count().label("spans"),
        sa.func.count(sa.distinct(spans.c.trace_id)).label("traces"),
        *[
            sa.func.coalesce(sa.func.sum(spans.c[name]), zero).label(name)
            for name in ("input_tokens", "output_tokens", "total_tokens")
        ],
        sa.func.coalesce(sa.func.sum(spans.c.total_cost), zero).label("cost"),
    ]
    query = span_search.rows(sa.select(day, spans.c.model, *sums), project_id, conditions)
    query = query.where(day.element.in_(days)).group_by(day.element, spans.c.model)
    query = query.order_by(sa.desc("day"), spans.c.model)
    return [ModelTotals(**row) for row in db.session.execute(query).mappings()]


def traces_by_day(
    project_id: str, conditions: Sequence[Condition], days: Sequence[datetime]
) -> dict[datetime, int]:
    """Return the number of traces that began on each of these days (UTC)."""
    day = _day(traces)
    query = trace_search.matching(sa.select(day, sa.func.count()), project_id, conditions)
    query = query.where(day.element.in_(days)).group_by(day.element)
    return {row[0]: row[1] for row in db.session.execute(query)}


def _day(table: sa.Table) -> sa.Label[Any]:
    return sa.func.date_trunc(
        sa.literal_column("'day'"), table.c.start_time, sa.literal_column("'UTC'")
    ).label("day")
