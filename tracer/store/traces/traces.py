"""Reads traces: the list by keyset, one trace by id, and the values for filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.records import Json, decimals
from tracer.store.annotations.summaries import ScoreSummary, annotation_columns, summarise
from tracer.store.database.paging import Key, Page
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, Position, SortKey, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection, kept_statement
from tracer.store.query.terms import json_text
from tracer.store.schema import (
    payload_of_trace,
    projects,
    span_payloads,
    trace_payloads,
    traces,
)
from tracer.store.traces.first_rows import INDEXED, exact_rows, first_rows

LIST_SECONDS = 10
"""Statement timeout (seconds) of one page of a list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceRow:
    """A trace as lists show it. Token sums and cost are None where no span reports or has any."""

    project_id: str
    trace_id: str
    name: str
    status: str
    start_time: datetime
    end_time: datetime
    """The latest known end; it grows while the trace runs."""
    span_count: int
    running_count: int
    error_count: int
    warning_count: int
    flagged_count: int
    unpriced_count: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    usage: dict[str, int]
    total_cost: Decimal | None
    user_id: str | None
    session_id: str | None
    environment: str
    release: str | None
    version: str | None
    public: bool
    tags: list[str]
    models: dict[str, int]
    """Spans by model, the most used first."""
    kinds: dict[str, int]
    input_preview: str | None
    output_preview: str | None
    error_message: str | None
    root_span_id: str | None
    bookmarked: bool
    comment_count: int
    scores: list[ScoreSummary]
    updated_at: datetime
    """Time of the last change, different for every state of the trace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceDetail(TraceRow):
    """A trace with its data; input and output are the root span's where the trace has none."""

    cost: dict[str, Decimal]
    """US dollars by usage type; cost that was sent without a type is under ``total``."""
    metadata: dict[str, Json]
    root_metadata: dict[str, Json]
    """Of the root span, or of the topmost one where the root is missing."""
    input: Json
    output: Json


_ROW_COLUMNS = [
    *(traces.c[name] for name in TraceRow.__dataclass_fields__ if name in traces.c),
    *(
        trace_payloads.c[name]
        for name in TraceRow.__dataclass_fields__
        if name in trace_payloads.c and name not in traces.c
    ),
    *annotation_columns(traces),
]


def list_traces(
    project_id: str,
    selection: Selection = ALL,
    cursor: str | None = None,
    limit: int = 50,
    sort: str | None = None,
) -> Page[TraceRow]:
    """Return a page of a project's traces, newest first unless `sort` differs.

    `sort` is a text like ``-cost,name``. A page of a query that reads spans or texts may end before
    it is full. Raises BadCursor, Invalid (sort), TooSlow.
    """
    order = Order.of(parse_sort(sort, Grain.TRACE), Grain.TRACE, traces, traces.c.trace_id)
    position = order.decode(cursor) if cursor else None
    with within(LIST_SECONDS):
        if selection.reads_more:
            return _page_in_steps(project_id, selection, order, position, limit)
        if position is None and order.keys[0].field in INDEXED:
            query = _first_page(project_id, selection, order.keys, limit)
        else:
            query = _page(project_id, selection, order, position, limit)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("trace_id",), trace_row)


@kept_statement
def _first_page(
    project_id: str, selection: Selection, keys: tuple[SortKey, ...], limit: int
) -> sa.Select[Any]:
    order = Order.of(keys, Grain.TRACE, traces, traces.c.trace_id)
    return _page(project_id, selection, order, None, limit)


def _page(
    project_id: str, selection: Selection, order: Order, position: Position | None, limit: int
) -> sa.Select[Any]:
    """Return the query for a page after a position, and one more row."""
    shown = exact_rows(project_id, selection, order, position, limit + 1).subquery("page")
    keys = [shown.c[column.name] for column in labelled(order)]
    query = _row_query().add_columns(*keys).where(traces.c.project_id == project_id)
    query = query.join(shown, shown.c.trace_id == traces.c.trace_id)
    return query.order_by(*order.clauses(position is None or position.forward))


def _page_in_steps(
    project_id: str, selection: Selection, order: Order, position: Position | None, limit: int
) -> Page[TraceRow]:
    """Return a page of a selection that reads spans or texts; it may end before it is full."""
    first = first_rows(project_id, selection, order, position, limit + 1)
    ids = [row["trace_id"] for row in first.rows]
    query = _row_query().where(traces.c.project_id == project_id, traces.c.trace_id.in_(ids))
    whole = {row["trace_id"]: row for row in db.session.execute(query).mappings()} if ids else {}
    page = cut(first.rows, limit, order, position, ("trace_id",), lambda key: key["trace_id"])
    # A trace may have been deleted between the two statements.
    items = [trace_row(dict(whole[trace_id])) for trace_id in page.items if trace_id in whole]
    if first.last is None:
        return replace(page, items=items)
    end = order.position(first.last.values, first.last.ids, first.last.forward)
    if first.last.forward:
        return Page(items, older=end, newer=page.newer, read=first.read)
    return Page(items, older=page.older, newer=end, read=first.read)


def trace_row(values: dict[str, Any]) -> TraceRow:
    """Return the row of the columns that lists read."""
    return TraceRow(**_ordered(values))


def selected_rows(project_id: str, selection: Selection, sort: str | None) -> sa.Select[Any]:
    """Return the query for all rows of a selection with their metadata, in the order of a list."""
    order = Order.of(parse_sort(sort, Grain.TRACE), Grain.TRACE, traces, traces.c.trace_id)
    chosen = (traces.c.project_id == project_id, selection.condition(Grain.TRACE, traces))
    query = _row_query().add_columns(trace_payloads.c.metadata)
    return query.where(*chosen).order_by(*order.clauses())


def page_query(
    query: sa.Select[Any],
    project_id: str,
    conditions: Iterable[sa.ColumnElement[bool]],
    key: Key | None,
    limit: int,
    *,
    newest_first: bool,
) -> sa.Select[Any]:
    """Return `query` on traces, restricted to one page plus one row, in the key's direction.

    The page is chosen in the narrow table alone, so that no other table is read for rows that the
    page does not show.
    """
    descending = newest_first == (key is None or key.forward)
    direction = sa.desc if descending else sa.asc
    order = (direction(traces.c.start_time), direction(traces.c.trace_id))
    page = sa.select(traces.c.trace_id).where(traces.c.project_id == project_id, *conditions)
    if key is not None:
        position = sa.tuple_(traces.c.start_time, traces.c.trace_id)
        last = sa.tuple_(sa.literal(key.time), sa.literal(key.row_id))
        page = page.where(position < last if descending else position > last)
    shown = page.order_by(*order).limit(limit + 1).subquery("page")
    return (
        query.join(shown, shown.c.trace_id == traces.c.trace_id)
        .where(traces.c.project_id == project_id)
        .order_by(*order)
    )


def get_trace(project_id: str, trace_id: str) -> TraceDetail | None:
    """Return one trace with its data; None: no such trace."""
    values = {"project_id": project_id, "trace_id": trace_id}
    row = db.session.execute(_one_trace(whole=True), values).mappings().one_or_none()
    return detail(row) if row is not None else None


def project_of(trace_id: str, project_ids: list[str]) -> str | None:
    """Return the one of these projects that has a trace of this id; None: none of them has."""
    has_trace = sa.exists().where(
        traces.c.project_id == projects.c.project_id, traces.c.trace_id == trace_id
    )
    query = sa.select(projects.c.project_id).where(
        has_trace, projects.c.project_id.in_(project_ids)
    )
    query = query.order_by(projects.c.project_id)
    project_id: str | None = db.session.execute(query.limit(1)).scalar()
    return project_id


def get_row(project_id: str, trace_id: str) -> TraceRow | None:
    """Return one trace without its payload, whose size is unbounded; None: no such trace."""
    values = {"project_id": project_id, "trace_id": trace_id}
    row = db.session.execute(_one_trace(whole=False), values).mappings().one_or_none()
    return TraceRow(**_ordered(row)) if row is not None else None


@lru_cache
def _one_trace(*, whole: bool) -> sa.Select[Any]:
    query = detail_query() if whole else _row_query()
    return query.where(
        traces.c.project_id == sa.bindparam("project_id"),
        traces.c.trace_id == sa.bindparam("trace_id"),
    )


_NEIGHBOURS: Final = sa.text("""
    SELECT (
        SELECT trace_id FROM traces
        WHERE project_id = :project AND (start_time, trace_id) > (:time, :trace)
        ORDER BY start_time, trace_id LIMIT 1
    ), (
        SELECT trace_id FROM traces
        WHERE project_id = :project AND (start_time, trace_id) < (:time, :trace)
        ORDER BY start_time DESC, trace_id DESC LIMIT 1
    )
""")


def neighbours(trace: TraceRow) -> tuple[str | None, str | None]:
    """Return the ids of the next newer and the next older trace (None: there is none)."""
    key = {"project": trace.project_id, "time": trace.start_time, "trace": trace.trace_id}
    before, after = db.session.execute(_NEIGHBOURS, key).one()
    return before, after


def neighbours_in(
    project_id: str, trace_id: str, selection: Selection, sort: str | None
) -> tuple[str | None, str | None]:
    """Return the ids of the traces before and after one in a sorted selection (None: none).

    The trace need not match any more. Raises Invalid (sort), TooSlow.
    """
    order = Order.of(parse_sort(sort, Grain.TRACE), Grain.TRACE, traces, traces.c.trace_id)
    own = sa.select(*order.columns).where(
        traces.c.project_id == project_id, traces.c.trace_id == trace_id
    )
    values = db.session.execute(own).one_or_none()
    if values is None:
        return None, None

    def next_in(forward: bool) -> str | None:
        position = Position(forward, list(values), [trace_id])
        rows = first_rows(project_id, selection, order, position, 1).rows
        return rows[0]["trace_id"] if rows else None

    with within(LIST_SECONDS):
        return next_in(False), next_in(True)


def detail_query() -> sa.Select[Any]:
    """Return the statement whose rows `detail` reads: traces with their root span's payload."""
    root = sa.and_(
        span_payloads.c.project_id == traces.c.project_id,
        span_payloads.c.trace_id == traces.c.trace_id,
        span_payloads.c.span_id == trace_payloads.c.root_span_id,
    )
    return (
        _row_query()
        .add_columns(
            trace_payloads.c.cost,
            trace_payloads.c.metadata,
            trace_payloads.c.input,
            trace_payloads.c.output,
            span_payloads.c.input.label("root_input"),
            span_payloads.c.output.label("root_output"),
            span_payloads.c.metadata.label("root_metadata"),
        )
        .outerjoin(span_payloads, root)
    )


def _row_query() -> sa.Select[Any]:
    """Return the statement whose rows become `TraceRow`."""
    return sa.select(*_ROW_COLUMNS).select_from(traces.join(trace_payloads, payload_of_trace))


def detail(row: sa.RowMapping) -> TraceDetail:
    """Return the trace for one row of `detail_query`."""
    values = _ordered(row)
    root_input, root_output = values.pop("root_input"), values.pop("root_output")
    values["root_metadata"] = values["root_metadata"] or {}
    values["cost"] = decimals(values["cost"])
    if values["input"] is None:
        values["input"] = root_input
    if values["output"] is None:
        values["output"] = root_output
    return TraceDetail(**values)


def _ordered(row: Mapping[Any, Any]) -> dict[str, Any]:
    values = dict(row)
    values["models"] = dict(sorted(values["models"].items(), key=lambda item: (-item[1], item[0])))
    values["scores"] = summarise(values["scores"])
    return values


def has_traces(project_id: str) -> bool:
    """Return whether the project has any trace."""
    query = sa.select(sa.exists().where(traces.c.project_id == project_id))
    return bool(db.session.execute(query).scalar())


def metadata_values(
    project_id: str, trace_ids: Sequence[str], keys: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the values of keys of the metadata as text, by trace and key.

    Dots in a key lead into objects, unless the metadata has the whole key.
    """
    values = [
        json_text(trace_payloads.c.metadata, key).label(f"value_{number}")
        for number, key in enumerate(keys)
    ]
    query = sa.select(trace_payloads.c.trace_id, *values).where(
        trace_payloads.c.project_id == project_id, trace_payloads.c.trace_id.in_(trace_ids)
    )
    return {
        trace_id: {key: value for key, value in zip(keys, texts, strict=True) if value is not None}
        for trace_id, *texts in db.session.execute(query)
    }
