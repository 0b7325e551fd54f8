"""Reads traces: the list by keyset, one trace by id, and the values for filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json, decimals
from tracer.store.annotations.summaries import (
    ScoreSummary,
    annotation_columns,
    annotation_conditions,
    summarise,
)
from tracer.store.database.paging import Key, Page, cut_page, decode_cursor
from tracer.store.schema import (
    payload_of_trace,
    projects,
    span_payloads,
    trace_payloads,
    traces,
)

FACET_LIMIT = 50
FACET_SAMPLE = 1_000


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


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceFilter:
    """Conditions of a list, all of which must hold; None: no condition. `until` is exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    environment: str | None = None
    tag: str | None = None
    status: str | None = None
    bookmarked: bool | None = None
    commented: bool | None = None
    scored: bool | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the SQL conditions of the fields that are set."""
        columns = ("name", "user_id", "session_id", "environment", "status")
        conditions = [
            traces.c[column] == value
            for column in columns
            if (value := getattr(self, column)) is not None
        ]
        if self.since is not None:
            conditions.append(traces.c.start_time >= self.since)
        if self.until is not None:
            conditions.append(traces.c.start_time < self.until)
        if self.tag is not None:
            conditions.append(traces.c.tags.contains([self.tag]))
        return conditions + annotation_conditions(
            traces, bookmarked=self.bookmarked, commented=self.commented, scored=self.scored
        )


@dataclass(frozen=True, slots=True)
class Facets:
    """Recent values for pick lists, at most `FACET_LIMIT` of each."""

    names: list[str]
    environments: list[str]
    tags: list[str]


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
    project_id: str, where: TraceFilter, cursor: str | None = None, limit: int = 50
) -> Page[TraceRow]:
    """Return a page of a project's traces, newest first; raises BadCursor."""
    key = decode_cursor(cursor) if cursor else None
    query = page_query(_row_query(), project_id, where.conditions(), key, limit, newest_first=True)
    rows = db.session.execute(query).mappings()
    fetched = [TraceRow(**_ordered(row)) for row in rows]
    page, newer, older = cut_page(fetched, limit, key, lambda row: (row.start_time, row.trace_id))
    return Page(page, older, newer)


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


def project_of(trace_id: str) -> str | None:
    """Return a project that has a trace of this id; None: no project has."""
    has_trace = sa.exists().where(
        traces.c.project_id == projects.c.project_id, traces.c.trace_id == trace_id
    )
    query = sa.select(projects.c.project_id).where(has_trace).order_by(projects.c.project_id)
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


def _ordered(row: sa.RowMapping) -> dict[str, Any]:
    values = dict(row)
    values["models"] = dict(sorted(values["models"].items(), key=lambda item: (-item[1], item[0])))
    values["scores"] = summarise(values["scores"])
    return values


def has_traces(project_id: str) -> bool:
    """Return whether the project has any trace."""
    query = sa.select(sa.exists().where(traces.c.project_id == project_id))
    return bool(db.session.execute(query).scalar())


# A loose index scan: one index probe per distinct name, however many traces there are.
_NAMES = sa.text("""
    WITH RECURSIVE seen AS (
        (SELECT name FROM traces WHERE project_id = :project_id ORDER BY name LIMIT 1)
        UNION ALL
        SELECT (SELECT name FROM traces WHERE project_id = :project_id AND name > seen.name
                ORDER BY name LIMIT 1)
        FROM seen WHERE seen.name IS NOT NULL
    )
    SELECT name FROM seen WHERE name <> '' LIMIT :most
""")


def facets(project_id: str) -> Facets:
    """Return the values for filters: names of all traces, environments and tags of the latest."""
    names = db.session.execute(_NAMES, {"project_id": project_id, "most": FACET_LIMIT}).scalars()
    latest = (
        sa.select(traces.c.environment, traces.c.tags)
        .where(traces.c.project_id == project_id)
        .order_by(traces.c.start_time.desc())
        .limit(FACET_SAMPLE)
    )
    environments, tags = set(), set()
    for environment, row_tags in db.session.execute(latest):
        environments.add(environment)
        tags.update(row_tags)
    return Facets(list(names), sorted(environments)[:FACET_LIMIT], sorted(tags)[:FACET_LIMIT])
