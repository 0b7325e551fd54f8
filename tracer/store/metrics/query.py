"""Aggregates over traces, spans and scores: measures by dimensions and by time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from tracer.errors import Invalid
from tracer.extensions import db
from tracer.store.database.conditions import Column, Condition, Field, related
from tracer.store.database.session import within
from tracer.store.metrics.from_rollups import sums_from_rollups
from tracer.store.schema import scores, span_payloads, spans, traces
from tracer.store.scores import search
from tracer.store.traces import span_search, trace_search
from tracer.store.traces.tool_calls import CALL_COUNT, CALLED, OFFER_COUNT, OFFERED

GRANULARITIES: Final = ("minute", "hour", "day", "week", "month")
TIME: Final = "time_dimension"
BINS: Final = 10
"""Default number of bins of a histogram."""


@dataclass(frozen=True, kw_only=True)
class AggregateQuery:
    """Measures to aggregate over rows, by dimensions; ``metrics`` are (measure, aggregation)."""

    view: str
    since: datetime
    until: datetime
    metrics: Sequence[tuple[str, str]]
    dimensions: Sequence[str] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By dimension, labels of its values in the result; values with equal labels are one group."""
    conditions: Sequence[Condition] = ()
    granularity: str | None = None
    order: Sequence[tuple[str, bool]] = ()
    """(name of a column of the result, descending)"""
    limit: int = 100
    bins: int = BINS
    """Number of bins of each histogram."""


class MultiValue(NamedTuple):
    """A dimension with several values per row: the row is in the group of each of its values."""

    table: sa.TableValuedAlias
    name: Column


class View(NamedTuple):
    """A set of rows to aggregate: their query, time, fields and measures."""

    rows: Callable[[sa.Select[Any], str, Sequence[Condition]], sa.Select[Any]]
    time: Column
    fields: Mapping[str, Field]
    measures: Mapping[str, Column]
    multi_values: Mapping[str, MultiValue] = {}
    """Dimensions with several values per row."""
    grouped_by: Mapping[str, str] = {}
    """Measures of such values, with the dimension by which they are always grouped."""


def _milliseconds(start: Column, end: Column) -> Column:
    return sa.cast(sa.extract("epoch", end - start) * 1000, sa.Float)


def _elements(names: Column, alias: str) -> MultiValue:
    table = sa.func.unnest(names).table_valued("name", name=alias).render_derived()
    return MultiValue(table, sa.cast(table.c.name, sa.Text))


def _amounts_by_type(amounts: Column, total: Column, alias: str) -> MultiValue:
    """Return the types of usage or cost with their amounts, and the sum as type `total`."""
    sums = sa.func.jsonb_build_object(sa.literal_column("'total'"), total)
    empty: Column = sa.literal_column("'{}'::jsonb")
    types = sa.func.coalesce(sa.cast(amounts, JSONB), empty)
    every = types.op("||")(sa.func.jsonb_strip_nulls(sums))
    named = sa.func.jsonb_each_text(every).table_valued("name", "value", name=alias)
    table = named.render_derived()
    return MultiValue(table, sa.cast(table.c.name, sa.Text))


_COSTS: Final = _amounts_by_type(span_payloads.c.cost, spans.c.total_cost, "costs")
_USAGE: Final = _amounts_by_type(span_payloads.c.usage, spans.c.total_tokens, "used")
_LATENCY: Final = _milliseconds(spans.c.start_time, spans.c.end_time)
_SECONDS: Final = sa.func.nullif(_LATENCY / 1000, 0)
_TABLES: Final = (traces, spans, span_payloads, scores, _COSTS.table, _USAGE.table)
VIEWS: Final = {
    "traces": View(
        trace_search.matching,
        traces.c.start_time,
        trace_search.FIELDS,
        {
            "latency": _milliseconds(traces.c.start_time, traces.c.end_time),
            "span_count": traces.c.span_count,
            "total_tokens": traces.c.total_tokens,
            "total_cost": traces.c.total_cost,
            "score_count": related(sa.func.count(), scores, traces, ("trace_id",)),
            "user_id": traces.c.user_id,
            "session_id": traces.c.session_id,
        },
    ),
    "spans": View(
        span_search.rows,
        spans.c.start_time,
        span_search.FIELDS,
        {
            "latency": _LATENCY,
            "time_to_first_token": _milliseconds(spans.c.start_time, spans.c.first_token_time),
            "streaming_latency": _milliseconds(spans.c.first_token_time, spans.c.end_time),
            **{
                name: spans.c[name]
                for name in ("input_tokens", "output_tokens", "total_tokens", "total_cost")
            },
            "input_cost": span_search.INPUT_COST,
            "output_cost": span_search.OUTPUT_COST,
            "score_count": related(sa.func.count(), scores, spans, ("trace_id", "span_id")),
            "output_tokens_per_second": spans.c.output_tokens / _SECONDS,
            "tokens_per_second": spans.c.total_tokens / _SECONDS,
            "user_id": traces.c.user_id,
            "session_id": traces.c.session_id,
            "trace_id": spans.c.trace_id,
            # The average over the spans that have a value.
            "offer_count": sa.func.nullif(OFFER_COUNT, 0),
            "call_count": sa.func.nullif(CALL_COUNT, 0),
            "cost_by_type": sa.cast(_COSTS.table.c.value, sa.Numeric),
            "usage_by_type": sa.cast(_USAGE.table.c.value, sa.BigInteger),
        },
        {
            "offered_tools": _elements(OFFERED, "offered"),
            "called_tools": _elements(CALLED, "called"),
            "cost_type": _COSTS,
            "usage_type": _USAGE,
        },
        {"cost_by_type": "cost_type", "usage_by_type": "usage_type"},
    ),
    "scores": View(search.rows, scores.c.time, search.FIELDS, {"value": scores.c.value}),
}


def _percentile(fraction: float) -> Callable[[Column], Column]:
    return lambda column: sa.func.percentile_cont(fraction).within_group(column)


_AGGREGATIONS: Final[dict[str, Callable[[Column], Column]]] = {
    "sum": sa.func.sum,
    "avg": sa.func.avg,
    "min": sa.func.min,
    "max": sa.func.max,
    "count": sa.func.count,
    "unique": lambda column: sa.func.count(sa.distinct(column)),
    **{f"p{percent}": _percentile(percent / 100) for percent in (50, 75, 90, 95, 99)},
}


def aggregate(project_id: str, query: AggregateQuery) -> list[dict[str, Any]]:
    """Return one row per combination of dimensions; raises Invalid and TooSlow."""
    statement = _from_rollups(project_id, query)
    if statement is None:
        statement = _from_rows(project_id, query)
    with within():
        rows = db.session.execute(statement.limit(query.limit)).mappings().all()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _from_rows(project_id: str, query: AggregateQuery) -> sa.Select[Any]:
    view = VIEWS[query.view]
    implied = [view.grouped_by[name] for name, _ in query.metrics if name in view.grouped_by]
    dimensions = dict.fromkeys([*query.dimensions, *implied])
    groups = {name: _labelled(query, name, _dimension(view, name)) for name in dimensions}
    groups |= _interval(query, view.time)
    sums = {
        f"{aggregation}_{name}": _metric(view, name, aggregation, query.bins)
        for name, aggregation in query.metrics
    }
    labelled = {name: column.label(name) for name, column in {**groups, **sums}.items()}
    statement = view.rows(sa.select(*labelled.values()), project_id, query.conditions)
    statement = statement.where(view.time >= query.since, view.time < query.until)
    for name in dimensions.keys() & view.multi_values.keys():
        statement = statement.join(view.multi_values[name].table, sa.true())
    return statement.group_by(*_ordinals(groups)).order_by(*_order(query, labelled))


def _from_rollups(project_id: str, query: AggregateQuery) -> sa.Select[Any] | None:
    """Return a statement with the same result from rollups; None: they lack the exact sums."""
    view = VIEWS[query.view]
    sums = sums_from_rollups(
        project_id,
        query.view,
        view.rows,
        view.time,
        names=query.dimensions,
        metrics=query.metrics,
        conditions=query.conditions,
        granularity=query.granularity,
        between=(query.since, query.until),
    )
    if sums is None:
        return None
    groups = {name: _labelled(query, name, sums.dimensions[name]) for name in query.dimensions}
    groups |= _interval(query, sums.time)
    metrics = {
        f"{aggregation}_{name}": sums.metric(name, aggregation)
        for name, aggregation in query.metrics
    }
    labelled = {name: column.label(name) for name, column in {**groups, **metrics}.items()}
    statement = sa.select(*labelled.values()).order_by(*_order(query, labelled))
    if groups:
        statement = statement.group_by(*_ordinals(groups)).having(sums.present)
    return statement


def _interval(query: AggregateQuery, time: Column) -> dict[str, Column]:
    if query.granularity is None:
        return {}
    step: Column = sa.literal_column(f"'{query.granularity}'")
    return {TIME: sa.func.date_trunc(step, time, sa.literal_column("'UTC'"))}


def _ordinals(groups: Iterable[str]) -> list[Column]:
    # By ordinal: PostgreSQL does not always see that two expressions are equal.
    return [sa.literal_column(str(ordinal)) for ordinal, _ in enumerate(groups, 1)]


def _dimension(view: View, name: str) -> Column:
    field = view.fields.get(name, Field())
    column = view.multi_values[name].name if name in view.multi_values else field.column
    if column is None or field.of_key is not None:
        raise Invalid(f"dimensions: no such dimension: {name}")
    return column


def _labelled(query: AggregateQuery, name: str, column: Column) -> Column:
    labels = query.labels.get(name)
    return sa.case(dict(labels), value=column, else_=column) if labels else column


def _metric(view: View, name: str, aggregation: str, bins: int) -> Column:
    if name == "count":
        return sa.func.count()
    if name not in view.measures:
        raise Invalid(f"metrics: no such measure: {name}")
    if aggregation == "histogram":
        return _histogram(view.measures[name], bins)
    if aggregation not in _AGGREGATIONS:
        raise Invalid(f"metrics: no such aggregation: {aggregation}")
    return _AGGREGATIONS[aggregation](view.measures[name])


def _histogram(measure: Column, bins: int) -> Column:
    """Return [[from, to, count], …]: bins of equal width from the least value to the greatest.

    The database sorts the values of a group into bins; equal values give a single bin.
    """
    measure = sa.cast(measure, sa.Float)
    least, greatest = sa.func.min(measure), sa.func.max(measure)
    gathered = sa.func.unnest(sa.func.array_agg(measure))
    values = gathered.table_valued("value", name="values").render_derived()
    value = sa.cast(values.c.value, sa.Float)
    width = (greatest - least) / bins
    # The last bin includes its upper bound.
    bin_index = sa.func.least(sa.func.floor((value - least) / sa.func.nullif(width, 0)), bins - 1)
    number = sa.func.coalesce(bin_index, 0).label("number")
    counted = (
        sa.select(number, sa.func.count().label("count"))
        .select_from(values)
        .where(value.is_not(None))
        .group_by(sa.text("number"))
        .correlate(*_TABLES)
        .subquery("counted")
    )
    start = least + counted.c.number * width
    row = sa.func.jsonb_build_array(start, start + width, counted.c.count)
    listed = sa.func.jsonb_agg(aggregate_order_by(row, counted.c.number))
    return sa.select(listed).select_from(counted).correlate(*_TABLES).scalar_subquery()


def _order(query: AggregateQuery, labelled: Mapping[str, Column]) -> list[Column]:
    order: list[Column] = []
    for name, descending in query.order:
        if name not in labelled:
            raise Invalid(f"orderBy: not in the answer: {name}")
        column = labelled[name]
        order.append(column.desc().nulls_last() if descending else column.asc().nulls_last())
    if not order and TIME in labelled:
        order.append(labelled[TIME].asc())
    return order


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
