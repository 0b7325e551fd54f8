"""Metrics: measures by dimensions in both versions of the query, and daily totals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.filters import read_conditions
from tracer.api.langfuse.params import (
    PageMeta,
    PageQuery,
    Query,
    Texts,
    page_meta,
    read_params,
)
from tracer.api.langfuse.scores import scores
from tracer.api.langfuse.traces import observations, traces
from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.metrics import query as metrics
from tracer.store.metrics.query import GRANULARITIES, TIME, AggregateQuery, DayOfModel
from tracer.times import json_time_in_millis
from tracer.web.keys import project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.times import read_sent
from tracer.wire.langfuse.words import BUCKET_NAMES, DATA_TYPES, LEVELS, SOURCES, TYPE_OF
from tracer.wire.native.requests import Time, utc_field

_BY_TYPE: Final = {"costType": "cost_type", "usageType": "usage_type"}
"""Dimensions that are part of the answer of a measure, requested or not."""
VIEWS: Final = {
    "traces": ("traces", {**traces.COLUMNS, "timestampMonth": "month"}),
    "observations": (
        "spans",
        {
            **observations.COLUMNS,
            "traceRelease": "release",
            "traceVersion": "trace_version",
            "startTimeMonth": "month",
            **_BY_TYPE,
        },
    ),
}
SCORE_DIMENSIONS: Final = {
    **scores.COLUMNS,
    "booleanValue": "flag",
    "timestampMonth": "month",
    "timestampDay": "day",
    "traceName": "trace_name",
    "traceRelease": "trace_release",
    "traceVersion": "trace_version",
    "observationName": "span_name",
    "observationModelName": "span_model",
    "observationPromptName": "prompt_name",
    "observationPromptVersion": "prompt_version",
    "experimentId": "answered_run_id",
    "experimentName": "answered_run_name",
}
_SCORES: Final = {
    "scores-numeric": ["numeric"],
    "scores-categorical": ["categorical"],
    "scores-boolean": ["boolean"],
}
MEASURES: Final = {
    "count": "count",
    "observationsCount": "span_count",
    "latency": "latency",
    "streamingLatency": "streaming_latency",
    "timeToFirstToken": "time_to_first_token",
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "totalTokens": "total_tokens",
    "inputCost": "input_cost",
    "outputCost": "output_cost",
    "totalCost": "total_cost",
    "scoresCount": "score_count",
    "countScores": "score_count",
    "outputTokensPerSecond": "output_tokens_per_second",
    "tokensPerSecond": "tokens_per_second",
    "toolDefinitions": "offer_count",
    "toolCalls": "call_count",
    "costByType": "cost_by_type",
    "usageByType": "usage_by_type",
    "traceId": "trace_id",
    "uniqueUserIds": "user_id",
    "uniqueSessionIds": "session_id",
    "value": "value",
}
_COUNTED: Final = ("traceId", "uniqueUserIds", "uniqueSessionIds")
"""Measures of ids: for any aggregation, the number of distinct ids is returned."""
# Several kinds of Tracer are one type of Langfuse, so rows are grouped by Langfuse's types.
_LABELS: Final = {
    "kind": TYPE_OF,
    "cost_type": BUCKET_NAMES,
    "usage_type": BUCKET_NAMES,
    **{
        name: {ours: theirs for theirs, ours in words.items()}
        for name, words in (("level", LEVELS), ("source", SOURCES), ("data_type", DATA_TYPES))
    },
}
_AGGREGATIONS: Final = (
    *("sum", "avg", "count", "max", "min", "uniq", "histogram"),
    *("p50", "p75", "p90", "p95", "p99"),
)
# Dimensions with nearly unique values, which version 2 rejects; version 1 allows them.
_NEARLY_UNIQUE: Final = (
    "id",
    "traceId",
    "userId",
    "sessionId",
    "parentObservationId",
    "observationId",
)
# Thresholds (seconds) of the coarsest granularity that still gives about fifty points.
_AUTO: Final = (
    (timedelta(hours=2), "minute"),
    (timedelta(days=3), "hour"),
    (timedelta(days=90), "day"),
    (timedelta(days=400), "week"),
)

bp = Blueprint("langfuse_metrics", __name__, url_prefix=PREFIX)
set_up(bp)


class MetricsQuery(Query, kw_only=True):
    """A metrics query as JSON text."""

    query: Annotated[str, Meta(description="JSON: view, metrics, dimensions, filters …")]


class _Dimension(msgspec.Struct):
    field: str


class _Metric(msgspec.Struct):
    measure: str
    aggregation: str


class _TimeDimension(msgspec.Struct):
    granularity: Literal["auto", "minute", "hour", "day", "week", "month"]


class _Order(msgspec.Struct):
    field: str
    direction: Literal["asc", "desc"] = "asc"


class _Config(msgspec.Struct):
    row_limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    bins: Annotated[int, Meta(ge=1, le=100, description="of a histogram")] = metrics.BINS


class _SentQuery(msgspec.Struct, kw_only=True, rename="camel"):
    """A decoded metrics query."""

    view: str
    metrics: Annotated[list[_Metric], Meta(min_length=1, max_length=20)]
    from_timestamp: Time
    to_timestamp: Time
    dimensions: Annotated[list[_Dimension], Meta(max_length=10)] = []
    filters: list[Any] | None = None
    time_dimension: _TimeDimension | None = None
    order_by: list[_Order] | None = None
    config: _Config = field(default_factory=_Config)


class Metrics(Answer, kw_only=True):
    """One row per combination of dimensions."""

    data: list[dict[str, Any]]


class DailyQuery(PageQuery, kw_only=True):
    """Conditions of the daily totals."""

    trace_name: str | None = None
    user_id: str | None = None
    tags: Annotated[Texts, Meta(description="all of them")] = field(default_factory=list)
    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)
    from_timestamp: Time | None = None
    to_timestamp: Annotated[Time | None, Meta(description="exclusive")] = None


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


_ASK: Final = Operation(
    summary="Query metrics", query=MetricsQuery, answers={200: Metrics}, problems=(*PROBLEMS, 422)
)


@bp.get("/metrics")
@describe(_ASK)
def read_metrics() -> Response:
    """Return the measures of traces, observations or scores by dimensions."""
    return _ask(first=True)


@bp.get("/v2/metrics")
@describe(_ASK)
def read_metrics_v2() -> Response:
    """Return the same in version 2, which has no view of traces and no nearly unique dimensions."""
    return _ask(first=False)


@bp.get("/metrics/daily")
@describe(Operation(summary="List days", query=DailyQuery, answers={200: Days}, problems=PROBLEMS))
def list_days() -> Response:
    """Return one page of days with their totals."""
    query = read_params(DailyQuery)
    wanted = _daily_conditions(query)
    of_spans = [_of_span(condition) for condition in wanted]
    days, total = metrics.page_days(project_id(), of_spans, wanted, query.limit, query.offset)
    rows = metrics.days_of_models(project_id(), of_spans, days)
    begun = metrics.traces_by_day(project_id(), wanted, days)
    data = [_day(day, [row for row in rows if row.day == day], begun.get(day, 0)) for day in days]
    return reply(Days(data=data, meta=page_meta(query, total)))


def _ask(*, first: bool) -> Response:
    text = read_params(MetricsQuery).query
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid.of_field("query", f"expected JSON: {error}") from None
    sent = read_sent(value, _SentQuery)
    query, names = _aggregate_query(sent, first=first)
    rows = metrics.aggregate(project_id(), query)
    return reply(Metrics(data=[_row(row, names) for row in rows]))


def _aggregate_query(sent: _SentQuery, *, first: bool) -> tuple[AggregateQuery, dict[str, str]]:
    """Return the query in Tracer's terms, and the column of each field of the answer."""
    view, columns, more = _view(sent.view, first=first)
    dimensions = {
        dimension.field: _dimension(sent, dimension.field, columns) for dimension in sent.dimensions
    }
    if crowded := not first and dimensions.keys() & _NEARLY_UNIQUE:
        raise Invalid.of_field("dimensions", f"{crowded} would make a group per row")
    metrics = {f"{metric.aggregation}_{metric.measure}": _metric(metric) for metric in sent.metrics}
    names = {TIME: TIME, **_BY_TYPE, **dimensions}
    names |= {theirs: f"{how}_{measure}" for theirs, (measure, how) in metrics.items()}
    for order in sent.order_by or []:
        if order.field not in names:
            raise Invalid.of_field("orderBy", f"{order.field!r} is not in the answer")
    query = AggregateQuery(
        view=view,
        since=utc_field(sent.from_timestamp, "fromTimestamp"),
        until=utc_field(sent.to_timestamp, "toTimestamp"),
        metrics=list(metrics.values()),
        dimensions=list(dimensions.values()),
        labels=_LABELS,
        conditions=more + _conditions(sent, columns),
        granularity=_granularity(sent),
        order=[(names[order.field], order.direction == "desc") for order in sent.order_by or []],
        limit=sent.config.row_limit,
        bins=sent.config.bins,
    )
    return query, names


def _conditions(sent: _SentQuery, columns: dict[str, str]) -> list[Condition]:
    as_stored = scores.as_stored if sent.view in _SCORES else observations.as_stored
    return [as_stored(condition) for condition in read_conditions(sent.filters or [], columns)]


def _dimension(sent: _SentQuery, name: str, columns: dict[str, str]) -> str:
    if name not in columns:
        raise Invalid.of_field("dimensions", f"{name!r} is no dimension of {sent.view}")
    return columns[name]


def _metric(metric: _Metric) -> tuple[str, str]:
    if metric.measure not in MEASURES or metric.aggregation not in _AGGREGATIONS:
        shown = f"{metric.aggregation} of {metric.measure}"
        raise Invalid.of_field("metrics", f"{shown!r} can't be measured here")
    uniq = metric.measure in _COUNTED or metric.aggregation == "uniq"
    return MEASURES[metric.measure], "unique" if uniq else metric.aggregation


def _view(name: str, *, first: bool) -> tuple[str, dict[str, str], list[Condition]]:
    if name in _SCORES:
        return "scores", SCORE_DIMENSIONS, [Condition("data_type", "any of", _SCORES[name])]
    if name not in VIEWS or (name == "traces" and not first):
        known = [*VIEWS, *_SCORES] if first else ["observations", *_SCORES]
        raise Invalid.of_field("view", f"expected one of {', '.join(known)}, got {name!r}")
    view, columns = VIEWS[name]
    return view, columns, []


def _granularity(sent: _SentQuery) -> str | None:
    if sent.time_dimension is None:
        return None
    if sent.time_dimension.granularity in GRANULARITIES:
        return sent.time_dimension.granularity
    since = utc_field(sent.from_timestamp, "fromTimestamp")
    span = utc_field(sent.to_timestamp, "toTimestamp") - since
    return next((name for longest, name in _AUTO if span <= longest), "month")


def _row(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    values = {theirs: row[ours] for theirs, ours in names.items() if ours in row}
    if TIME in values:
        values[TIME] = json_time_in_millis(values[TIME])
    return values


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


def _of_span(condition: Condition) -> Condition:
    return condition._replace(field="trace_name") if condition.field == "name" else condition


def _day(day: datetime, rows: list[DayOfModel], begun: int) -> Day:
    return Day(
        date=day.date().isoformat(),
        count_traces=begun,
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
