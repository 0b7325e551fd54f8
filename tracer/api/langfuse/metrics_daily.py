"""Metrics of each day: its traces, observations, tokens and costs by model."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import PageMeta, Texts, TimesQuery, page_meta, read_params
from tracer.store.database.conditions import Condition
from tracer.store.metrics import days as metrics
from tracer.store.metrics.days import ModelTotals
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_days", __name__, url_prefix=PREFIX)
set_up(bp)


class DailyQuery(TimesQuery, kw_only=True):
    """Conditions of the daily totals."""

    trace_name: str | None = None
    user_id: str | None = None
    tags: Annotated[Texts, Meta(description="all of them")] = field(default_factory=list)
    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)


class ModelDay(Answer, kw_only=True):
    """The use of one model on one day."""

    model: str | None
    input_usage: int
    output_usage: int
    total_usage: int
    count_traces: int
    count_observations: int
    total_cost: float


class Day(Answer, kw_only=True):
    """The totals of one day (UTC)."""

    date: str
    count_traces: int
    count_observations: int
    total_cost: float
    usage: list[ModelDay]


class Days(Answer, kw_only=True):
    """A page of days, the latest day first."""

    data: list[Day]
    meta: PageMeta


@bp.get("/metrics/daily")
@describe(Operation(summary="List days", query=DailyQuery, answers={200: Days}, problems=PROBLEMS))
def list_days() -> Response:
    """Return one page of days with their totals."""
    query = read_params(DailyQuery)
    trace_conditions = _daily_conditions(query)
    span_conditions = [_span_condition(condition) for condition in trace_conditions]
    days, total = metrics.page_days(
        current_project_id(), span_conditions, trace_conditions, query.limit, query.offset
    )
    rows = metrics.model_days(current_project_id(), span_conditions, days)
    trace_counts = metrics.traces_by_day(current_project_id(), trace_conditions, days)
    data = [
        _day(day, [row for row in rows if row.day == day], trace_counts.get(day, 0)) for day in days
    ]
    return reply(Days(data=data, meta=page_meta(query, total)))


def _daily_conditions(query: DailyQuery) -> list[Condition]:
    """Return the conditions on traces of a query for daily totals."""
    plain = {"name": query.trace_name, "user_id": query.user_id}
    conditions = [Condition(name, "=", value) for name, value in plain.items() if value is not None]
    if query.tags:
        conditions.append(Condition("tags", "all of", query.tags))
    if query.environment:
        conditions.append(Condition("environment", "any of", query.environment))
    if query.from_timestamp is not None:
        conditions.append(Condition("start_time", ">=", query.from_timestamp))
    if query.to_timestamp is not None:
        conditions.append(Condition("start_time", "<", query.to_timestamp))
    return conditions


def _span_condition(condition: Condition) -> Condition:
    return condition._replace(field="trace_name") if condition.field == "name" else condition


def _day(day: datetime, rows: list[ModelTotals], trace_count: int) -> Day:
    return Day(
        date=day.date().isoformat(),
        count_traces=trace_count,
        count_observations=sum(row.spans for row in rows),
        total_cost=float(sum(row.cost for row in rows)),
        usage=[
            ModelDay(
                model=row.model,
                input_usage=row.input_tokens,
                output_usage=row.output_tokens,
                total_usage=row.total_tokens,
                count_traces=row.traces,
                count_observations=row.spans,
                total_cost=float(row.cost),
            )
            for row in rows
            if row.model is not None
        ],
    )
