"""Reads traces by any of their fields, in numbered pages, for the APIs of other tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.annotations.summaries import is_bookmarked
from tracer.store.database.conditions import (
    Column,
    Condition,
    Field,
    month,
    numbers_of,
    related,
    value_of_key,
    where,
)
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import (
    payload_of_trace,
    span_payloads,
    spans,
    trace_payloads,
    traces,
)
from tracer.store.traces.score_fields import score_fields
from tracer.store.traces.span_search import INPUT_COST, OUTPUT_COST
from tracer.store.traces.traces import TraceDetail, detail, detail_query

_SECONDS = sa.cast(sa.extract("epoch", traces.c.end_time - traces.c.start_time), sa.Float)


def _of_trace(value: Column, table: sa.Table, *more: Column) -> Column:
    return related(value, table, traces, ("trace_id",), *more)


def _spans_at(level: str) -> Column:
    return _of_trace(sa.func.count(), spans, spans.c.level == level, ~spans.c.placeholder)


_LEVEL = sa.case(
    (traces.c.error_count > 0, "error"),
    (traces.c.warning_count > 0, "warning"),
    (_spans_at("default") > 0, "default"),
    else_="debug",
)

_ROOT_PAYLOADS = span_payloads.alias("root_payloads")


def _own_or_roots(key: str) -> Column:
    """Return the value of a key of the trace's own metadata, or else of its root's, as text."""
    root = related(
        value_of_key(_ROOT_PAYLOADS.c.metadata, key),
        _ROOT_PAYLOADS,
        trace_payloads,
        ("trace_id",),
        _ROOT_PAYLOADS.c.span_id == trace_payloads.c.root_span_id,
    )
    return sa.func.coalesce(value_of_key(trace_payloads.c.metadata, key), root, type_=sa.Text)


_OWN_OR_ROOTS = Field(of_key=_own_or_roots)
FIELDS: dict[str, Field] = {
    **{
        name: Field(traces.c[name])
        for name in (
            "trace_id",
            "start_time",
            "name",
            "user_id",
            "release",
            "version",
            "public",
            "session_id",
            "environment",
            "tags",
            "status",
            "end_time",
            "input_tokens",
            "output_tokens",
            "total_tokens",
            "total_cost",
            "error_count",
            "warning_count",
            "span_count",
        )
    },
    "bookmarked": Field(is_bookmarked(traces)),
    "metadata": _OWN_OR_ROOTS,
    "metadata_number": numbers_of(_OWN_OR_ROOTS),
    "latency": Field(_SECONDS),
    "level": Field(_LEVEL),
    "default_count": Field(_spans_at("default")),
    "debug_count": Field(_spans_at("debug")),
    "input_cost": Field(_of_trace(sa.func.sum(INPUT_COST), span_payloads)),
    "output_cost": Field(_of_trace(sa.func.sum(OUTPUT_COST), span_payloads)),
    "month": Field(month(traces.c.start_time)),
    **score_fields(traces, ("trace_id",)),
}
"""The fields that conditions on traces can name."""


def page_traces(
    project_id: str,
    conditions: Sequence[Condition],
    *,
    order: str = "start_time",
    descending: bool = True,
    limit: int,
    offset: int,
) -> tuple[list[TraceDetail], int]:
    """Return (traces with their data, total number of matches); raises Invalid."""
    direction = sa.desc if descending else sa.asc
    column = FIELDS[order].column
    assert column is not None, "an order is by a field that is a column"
    order_by = (direction(column), direction(traces.c.trace_id))
    keys = matching(sa.select(traces.c.trace_id), project_id, conditions).order_by(*order_by)
    page, total = numbered_page(keys, limit, offset)
    wanted = traces.c.trace_id.in_([row["trace_id"] for row in page])
    query = detail_query().where(traces.c.project_id == project_id, wanted).order_by(*order_by)
    return [detail(row) for row in db.session.execute(query).mappings()], total


def matching(
    query: sa.Select[Any], project_id: str, conditions: Sequence[Condition]
) -> sa.Select[Any]:
    """Return the query on the project's traces that fulfil the conditions; raises Invalid.

    PostgreSQL leaves the join out where no condition is on a column of `trace_payloads`.
    """
    return (
        query.select_from(traces.outerjoin(trace_payloads, payload_of_trace))
        .where(traces.c.project_id == project_id)
        .where(*where(list(conditions), FIELDS))
    )
