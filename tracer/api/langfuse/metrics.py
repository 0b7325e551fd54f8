"""Metrics: measures by dimensions, in both versions of the query."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import UNSET, Meta, UnsetType, field

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.filters import read_conditions
from tracer.api.langfuse.params import Query, read_params
from tracer.api.langfuse.scores import scores
from tracer.api.langfuse.traces import observations, traces
from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.metrics import query as metrics
from tracer.store.metrics.query import GRANULARITIES, TIME, AggregateQuery
from tracer.times import json_time_in_millis
from tracer.web.keys import current_project_id
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
        name: {stored: label for label, stored in labels.items()}
        for name, labels in (("level", LEVELS), ("source", SOURCES), ("data_type", DATA_TYPES))
    },
}
_AGGREGATIONS: Final = (
    *("sum", "avg", "count", "max", "min", "uniq", "histogram"),
    *("p50", "p75", "p90", "p95", "p99"),
)
# Dimensions with nearly unique values, of which version 2 returns only the largest groups.
_NEARLY_UNIQUE: Final = (
    "id",
    "traceId",
    "userId",
    "sessionId",
    "parentObservationId",
    "observationId",
)
# The longest time range for each granularity: at most 120 intervals; above, months.
_AUTO_GRANULARITIES: Final = (
    (timedelta(hours=2), "minute"),
    (timedelta(days=3), "hour"),
    (timedelta(days=90), "day"),
    (timedelta(days=400), "week"),
)

bp = Blueprint("langfuse_metrics", __name__, url_prefix=PREFIX)
set_up(bp)


_DEFAULT_ROWS: Final = 100


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
    row_limit: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
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


_OPERATION: Final = Operation(
    summary="Query metrics", query=MetricsQuery, answers={200: Metrics}, problems=(*PROBLEMS, 422)
)


@bp.get("/metrics")
@describe(_OPERATION)
def read_metrics() -> Response:
    """Return the measures of traces, observations or scores by dimensions."""
    return _query_metrics(v1=True)


@bp.get("/v2/metrics")
@describe(_OPERATION)
def read_metrics_v2() -> Response:
    """Return the same in version 2, which has no view of traces."""
    return _query_metrics(v1=False)


def _query_metrics(*, v1: bool) -> Response:
    text = read_params(MetricsQuery).query
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid.of_field("query", f"expected JSON: {error}") from None
    try:
        sent = read_sent(value, _SentQuery)
        query, names = _aggregate_query(sent, v1=v1)
    except Invalid as error:
        raise _in_query(error) from None
    rows = metrics.aggregate(current_project_id(), query)
    return reply(Metrics(data=[_row(row, names) for row in rows]))


def _in_query(error: Invalid) -> Invalid:
    """Return the error with its fields named from the request's parameter: ``query.view`` …"""
    for refused in error.item_errors:
        refused.field = f"query.{refused.field}".rstrip(".")
    return Invalid(
        str(error.item_errors[0]) if error.item_errors else str(error), error.item_errors
    )


def _aggregate_query(sent: _SentQuery, *, v1: bool) -> tuple[AggregateQuery, dict[str, str]]:
    """Return the query in Tracer's terms, and the column of each field of the answer."""
    view, columns, view_conditions = _view(sent.view, v1=v1)
    dimensions = {
        dimension.field: _dimension(sent, dimension.field, columns) for dimension in sent.dimensions
    }
    if not v1:
        _check_bounded(sent)
    metrics = {f"{metric.aggregation}_{metric.measure}": _metric(metric) for metric in sent.metrics}
    names = {TIME: TIME, **_BY_TYPE, **dimensions}
    names |= {
        field: f"{aggregation}_{measure}" for field, (measure, aggregation) in metrics.items()
    }
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
        conditions=view_conditions + _conditions(sent, columns),
        granularity=_granularity(sent),
        order=[(names[order.field], order.direction == "desc") for order in sent.order_by or []],
        limit=_DEFAULT_ROWS if sent.config.row_limit is UNSET else sent.config.row_limit,
        bins=sent.config.bins,
    )
    return query, names


def _check_bounded(sent: _SentQuery) -> None:
    """Raise Invalid for a group per row of the database: only the largest can be queried."""
    nearly_unique = [item.field for item in sent.dimensions if item.field in _NEARLY_UNIQUE]
    if not nearly_unique:
        return
    names = ", ".join(nearly_unique)
    if sent.time_dimension is not None:
        raise Invalid(f"{names}: nearly unique values can't be combined with timeDimension")
    descending = [order.field for order in sent.order_by or [] if order.direction == "desc"]
    measured = {f"{metric.aggregation}_{metric.measure}" for metric in sent.metrics}
    if sent.config.row_limit is UNSET or not descending or not measured.issuperset(descending):
        raise Invalid(
            f"{names}: nearly unique values require both 'config.row_limit' and 'orderBy' with"
            " direction 'desc' on a measure"
        )


def _conditions(sent: _SentQuery, columns: dict[str, str]) -> list[Condition]:
    as_stored = scores.as_stored if sent.view in _SCORES else observations.as_stored
    return [as_stored(condition) for condition in read_conditions(sent.filters or [], columns)]


def _dimension(sent: _SentQuery, name: str, columns: dict[str, str]) -> str:
    if name not in columns:
        raise Invalid(f"Invalid dimension {name!r}: it is none of the view {sent.view}")
    return columns[name]


def _metric(metric: _Metric) -> tuple[str, str]:
    if metric.measure not in MEASURES:
        raise Invalid(f"Invalid metric {metric.measure!r}: expected one of {', '.join(MEASURES)}")
    if metric.aggregation not in _AGGREGATIONS:
        expected = f"expected one of {', '.join(_AGGREGATIONS)}, got {metric.aggregation!r:.80}"
        raise Invalid.of_field("metrics", expected)
    uniq = metric.measure in _COUNTED or metric.aggregation == "uniq"
    return MEASURES[metric.measure], "unique" if uniq else metric.aggregation


def _view(name: str, *, v1: bool) -> tuple[str, dict[str, str], list[Condition]]:
    if name in _SCORES:
        return "scores", SCORE_DIMENSIONS, [Condition("data_type", "any of", _SCORES[name])]
    if name not in VIEWS or (name == "traces" and not v1):
        known = [*VIEWS, *_SCORES] if v1 else ["observations", *_SCORES]
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
    return next((name for longest, name in _AUTO_GRANULARITIES if span <= longest), "month")


def _row(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    values = {field: row[column] for field, column in names.items() if column in row}
    if TIME in values:
        values[TIME] = json_time_in_millis(values[TIME])
    return values
