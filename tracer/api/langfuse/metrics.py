"""Metrics: measures by dimensions in both versions of the query, and the sums of each day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import (
    PageMeta,
    PageQuery,
    Query,
    Texts,
    page_meta,
    read_conditions,
    read_params,
)
from tracer.api.langfuse.scores.scores import COLUMNS as SCORE_COLUMNS
from tracer.api.langfuse.traces.observations import COLUMNS as OBSERVATION_COLUMNS
from tracer.api.langfuse.traces.observations import in_our_words
from tracer.api.langfuse.traces.traces import COLUMNS as TRACE_COLUMNS
from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.metrics import query as metrics
from tracer.store.metrics.query import GRANULARITIES, TIME, AggregateQuery, DayOfModel
from tracer.times import json_time_in_millis
from tracer.web.keys import project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.words import BUCKET_NAMES, DATA_TYPES, LEVELS, SOURCES, TYPE_OF
from tracer.wire.native.requests import Time, as_utc
from tracer.wire.reading import read_item

_BY_TYPE: Final = {"costType": "cost_type", "usageType": "usage_type"}
"""Dimensions that come with a measure, whether they are asked for or not."""
VIEWS: Final = {
    "traces": ("traces", {**TRACE_COLUMNS, "timestampMonth": "month"}),
    "observations": (
        "spans",
        {
            **OBSERVATION_COLUMNS,
            "traceRelease": "release",
            "traceVersion": "trace_version",
            "startTimeMonth": "month",
            **_BY_TYPE,
        },
    ),
}
SCORE_DIMENSIONS: Final = {
    **SCORE_COLUMNS,
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
"""Measures that are no numbers: however they are asked for, it is how many there are."""
# Several of our kinds are one type of theirs, so that groups are made of their words.
_WORDS: Final = {
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
# So many groups that nobody could read them; the first version allows them all the same.
_CROWDED: Final = ("id", "traceId", "userId", "sessionId", "parentObservationId", "observationId")
# The coarsest step that still gives about fifty points.
_AUTO: Final = (
    (timedelta(hours=2), "minute"),
    (timedelta(days=3), "hour"),
    (timedelta(days=90), "day"),
    (timedelta(days=400), "week"),
)

bp = Blueprint("langfuse_metrics", __name__, url_prefix=PREFIX)
set_up(bp)


class MetricsQuery(Query, kw_only=True):
    """A query as JSON."""

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


class _Asked(msgspec.Struct, kw_only=True, rename="camel"):
    """A query for metrics."""

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
    """A row per combination of dimensions."""

    data: list[dict[str, Any]]


class DailyQuery(PageQuery, kw_only=True):
    """Which days to add up, and what on them."""

    trace_name: str | None = None
    user_id: str | None = None
    tags: Annotated[Texts, Meta(description="all of them")] = field(default_factory=list)
    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)
    from_timestamp: Time | None = None
    to_timestamp: Annotated[Time | None, Meta(description="exclusive")] = None


class ModelDay(Answer, kw_only=True):
    """What one model was used for on one day."""

    model: str | None
    input_usage: int
    output_usage: int
    total_usage: int
    count_traces: int
    count_observations: int
    total_cost: float


class Day(Answer, kw_only=True):
    """One day (UTC)."""

    date: str
    count_traces: int
    count_observations: int
    total_cost: float
    usage: list[ModelDay]


class Days(Answer, kw_only=True):
    """A page of days, the latest first."""

    data: list[Day]
    meta: PageMeta


_ASK: Final = Operation(
    summary="Ask for metrics", query=MetricsQuery, answers={200: Metrics}, problems=(*PROBLEMS, 422)
)


@bp.get("/metrics")
@describe(_ASK)
def read_metrics() -> Response:
    """Return the measures of traces, observations or scores by dimensions."""
    return _ask(first=True)


@bp.get("/v2/metrics")
@describe(_ASK)
def read_metrics_v2() -> Response:
    """Return likewise; of traces as such it knows nothing, nor of groups nobody could read."""
    return _ask(first=False)


@bp.get("/metrics/daily")
@describe(Operation(summary="List days", query=DailyQuery, answers={200: Days}, problems=PROBLEMS))
def list_days() -> Response:
    """Return one page of days with what happened on them."""
    query = read_params(DailyQuery)
    wanted = _daily_conditions(query)
    of_spans = [_of_span(one) for one in wanted]
    days, total = metrics.page_days(project_id(), of_spans, wanted, query.limit, query.offset)
    rows = metrics.days_of_models(project_id(), of_spans, days)
    begun = metrics.traces_by_day(project_id(), wanted, days)
    data = [_day(day, [row for row in rows if row.day == day], begun.get(day, 0)) for day in days]
    return reply(Days(data=data, meta=page_meta(query, total)))


def _ask(*, first: bool) -> Response:
    sent = read_params(MetricsQuery).query
    try:
        value = msgspec.json.decode(sent)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid.of_field("query", f"expected JSON: {error}") from None
    asked = read_item(value, _Asked)
    question, names = _question(asked, first=first)
    rows = metrics.aggregate(project_id(), question)
    return reply(Metrics(data=[_row(row, names) for row in rows]))


def _question(asked: _Asked, *, first: bool) -> tuple[AggregateQuery, dict[str, str]]:
    """Return the question in our words, and what each name of its answer is in ours."""
    view, columns, more = _view(asked.view, first=first)
    dimensions = {one.field: _dimension(asked, one.field, columns) for one in asked.dimensions}
    if crowded := not first and dimensions.keys() & _CROWDED:
        raise Invalid.of_field("dimensions", f"{crowded} would make groups that nobody could read")
    metrics = {f"{one.aggregation}_{one.measure}": _metric(one) for one in asked.metrics}
    names = {TIME: TIME, **_BY_TYPE, **dimensions}
    names |= {theirs: f"{how}_{measure}" for theirs, (measure, how) in metrics.items()}
    for order in asked.order_by or []:
        if order.field not in names:
            raise Invalid.of_field("orderBy", f"{order.field!r} is not in the answer")
    question = AggregateQuery(
        view=view,
        since=as_utc(asked.from_timestamp, "fromTimestamp"),
        until=as_utc(asked.to_timestamp, "toTimestamp"),
        metrics=list(metrics.values()),
        dimensions=list(dimensions.values()),
        labels=_WORDS,
        conditions=more
        + [in_our_words(one) for one in read_conditions(asked.filters or [], columns)],
        granularity=_granularity(asked),
        order=[(names[one.field], one.direction == "desc") for one in asked.order_by or []],
        limit=asked.config.row_limit,
        bins=asked.config.bins,
    )
    return question, names


def _dimension(asked: _Asked, name: str, columns: dict[str, str]) -> str:
    if name not in columns:
        raise Invalid.of_field("dimensions", f"{name!r} is no dimension of {asked.view}")
    return columns[name]


def _metric(asked: _Metric) -> tuple[str, str]:
    if asked.measure not in MEASURES or asked.aggregation not in _AGGREGATIONS:
        told = f"{asked.aggregation} of {asked.measure}"
        raise Invalid.of_field("metrics", f"{told!r} can't be measured here")
    uniq = asked.measure in _COUNTED or asked.aggregation == "uniq"
    return MEASURES[asked.measure], "unique" if uniq else asked.aggregation


def _view(name: str, *, first: bool) -> tuple[str, dict[str, str], list[Condition]]:
    if name in _SCORES:
        return "scores", SCORE_DIMENSIONS, [Condition("data_type", "any of", _SCORES[name])]
    if name not in VIEWS or (name == "traces" and not first):
        known = [*VIEWS, *_SCORES] if first else ["observations", *_SCORES]
        raise Invalid.of_field("view", f"expected one of {', '.join(known)}, got {name!r}")
    view, columns = VIEWS[name]
    return view, columns, []


def _granularity(asked: _Asked) -> str | None:
    if asked.time_dimension is None:
        return None
    if asked.time_dimension.granularity in GRANULARITIES:
        return asked.time_dimension.granularity
    since = as_utc(asked.from_timestamp, "fromTimestamp")
    span = as_utc(asked.to_timestamp, "toTimestamp") - since
    return next((name for longest, name in _AUTO if span <= longest), "month")


def _row(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    found = {theirs: row[ours] for theirs, ours in names.items() if ours in row}
    if TIME in found:
        found[TIME] = json_time_in_millis(found[TIME])
    return found


def _daily_conditions(query: DailyQuery) -> list[Condition]:
    """Return the conditions on traces."""
    plain = {"name": query.trace_name, "user_id": query.user_id}
    found = [Condition(name, "=", value) for name, value in plain.items() if value is not None]
    if query.tags:
        found.append(Condition("tags", "all of", query.tags))
    if query.environment:
        found.append(Condition("environment", "any of", query.environment))
    if query.from_timestamp is not None:
        found.append(Condition("start_time", ">=", query.from_timestamp))
    if query.to_timestamp is not None:
        found.append(Condition("start_time", "<", query.to_timestamp))
    return found


def _of_span(one: Condition) -> Condition:
    return one._replace(field="trace_name") if one.field == "name" else one


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
