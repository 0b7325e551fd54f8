"""The query strings of the lists: one Struct per list validates its parameters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tracer.query.fields import Grain
from tracer.query.filters import compares, equals, has, joined
from tracer.query.parse import parse
from tracer.query.tree import Node, both
from tracer.store.query.selection import Selection
from tracer.wire.native.requests import Id, Text, Time, as_utc

Limit = Annotated[int, Meta(ge=1, le=1000, description="rows of one page")]
Budget = Annotated[
    int, Meta(ge=200, le=1_000_000, description="for markdown: approximate number of tokens")
]
Cursor = Annotated[str, Meta(description="next_cursor or prev_cursor of a page")]


class _Query(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Common checks of the lists: times get a time zone, and must be in range."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime):
                setattr(self, name, as_utc(value, name))


Query = Annotated[str | None, Meta(description="a query in the query language: docs/query.md")]
Sort = Annotated[
    str | None, Meta(description="fields to sort by, `-` descending, ties by id: -cost,name")
]


class TraceQuery(_Query, kw_only=True):
    """Filters of the list of traces, all of which must hold."""

    q: Query = None
    sort: Sort = None
    since: Annotated[Time | None, Meta(description="started at this time or later")] = None
    until: Annotated[Time | None, Meta(description="started before this time")] = None
    name: Text | None = None
    user_id: Id | None = None
    session_id: Id | None = None
    environment: Text | None = None
    tag: Text | None = None
    status: Literal["running", "completed", "error"] | None = None
    bookmarked: bool | None = None
    commented: bool | None = None
    scored: bool | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class SessionQuery(_Query, kw_only=True):
    """Filters of the list of sessions, all of which must hold."""

    q: Query = None
    sort: Sort = None
    since: Annotated[Time | None, Meta(description="still active at this time")] = None
    until: Annotated[Time | None, Meta(description="begun before this time")] = None
    user_id: Id | None = None
    environment: Text | None = None
    tag: Text | None = None
    bookmarked: bool | None = None
    commented: bool | None = None
    scored: bool | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class SelectionQuery(_Query, kw_only=True):
    """The query, order and page of a list."""

    q: Query = None
    sort: Sort = None
    limit: Limit = 50
    cursor: Cursor | None = None


class DifferenceQuery(_Query, kw_only=True):
    """A selection of traces, and the traces that it is compared with."""

    q: Query = None
    against: Annotated[
        Literal["rest", "before"],
        Meta(description="the other traces of the same time, or those of the previous period"),
    ] = "rest"


class ComparisonQuery(_Query, kw_only=True):
    """The two traces to compare, and the span whose payloads are compared word by word."""

    then: Annotated[Id, Meta(description="id of the earlier trace")]
    now: Annotated[Id, Meta(description="id of the later trace")]
    span: Annotated[Id | None, Meta(description="compare the payloads of this span")] = None


class MatchQuery(_Query, kw_only=True):
    """The fields of a model call, real or hypothetical, whose price is looked up."""

    model: Annotated[Text, Meta(min_length=1, description="the model that responded")]
    requested_model: Annotated[Text | None, Meta(description="the requested model")] = None
    provider: Text | None = None
    at: Annotated[Time | None, Meta(description="when the span starts; absent: now")] = None


class SpanQuery(_Query, kw_only=True):
    """The level of a trace's tree to list: the children of a span, or the roots."""

    parent: Annotated[Id | None, Meta(description="a span's id; absent: the roots")] = None
    limit: Limit = 100
    cursor: Cursor | None = None


class SelectionExport(_Query, kw_only=True):
    """The traces of a file, their order, and the columns or spans that are written."""

    q: Query = None
    sort: Sort = None
    format: Literal["jsonl", "csv", "parquet", "otlp"] = "jsonl"
    spans: Annotated[bool, Meta(description="with their spans and payloads")] = False
    columns: Annotated[
        Annotated[str, Meta(max_length=5_000)] | None,
        Meta(description="columns as the list names them: name,cost,metadata.plan; absent: all"),
    ] = None


class ExportQuery(_Query, kw_only=True):
    """The format of an export."""

    format: Literal["json", "csv", "otlp", "markdown", "html"] = "json"
    budget: Budget | None = None


LIST_PROBLEMS = (400, 401, 422)
"""Statuses of errors of lists with a query."""


def trace_selection(query: TraceQuery) -> Selection:
    """Return the traces that fulfil the query and all filters; raises QueryError."""
    grain = Grain.TRACE
    return _selection(
        query.q,
        grain,
        equals(grain, "name", query.name),
        equals(grain, "session", query.session_id),
        equals(grain, "status", query.status),
        compares(grain, "start", ">=", query.since),
        compares(grain, "start", "<", query.until),
        *_shared_filters(query, grain),
    )


def session_selection(query: SessionQuery) -> Selection:
    """Return the sessions that fulfil the query and all filters; raises QueryError."""
    grain = Grain.SESSION
    return _selection(
        query.q,
        grain,
        compares(grain, "end", ">=", query.since),
        compares(grain, "start", "<", query.until),
        *_shared_filters(query, grain),
    )


def selection_of(query: SelectionQuery, grain: Grain) -> Selection:
    """Return the rows of the grain that the query selects; raises QueryError."""
    return _selection(query.q, grain)


def _shared_filters(query: TraceQuery | SessionQuery, grain: Grain) -> list[list[Node]]:
    return [
        equals(grain, "user", query.user_id),
        equals(grain, "env", query.environment),
        equals(grain, "tag", query.tag),
        has(grain, "bookmark", query.bookmarked),
        has(grain, "comment", query.commented),
        has(grain, "score", query.scored),
    ]


def _selection(text: str | None, grain: Grain, *filters: list[Node]) -> Selection:
    return Selection(both(parse(text or "", grain), joined(*filters)))
