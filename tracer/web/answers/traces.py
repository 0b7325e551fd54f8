"""Answers about traces, spans, sessions and scores: one Struct per noun, made from stored rows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import msgspec
from flask import request
from msgspec import Meta

from tracer.analysis.context.compare import Context
from tracer.records import KINDS, LEVELS, STATUSES
from tracer.store.annotations.summaries import ScoreSummary
from tracer.store.database.paging import Page
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces.sessions import SessionRow
from tracer.store.traces.span_detail import SpanDetail
from tracer.store.traces.span_tree import SpanRow
from tracer.store.traces.traces import TraceDetail, TraceRow
from tracer.times import json_time

S = TypeVar("S", bound=msgspec.Struct)

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Money = Annotated[Decimal, Meta(description="US dollars")]
Kind = Annotated[str, Meta(extra_json_schema={"enum": [*KINDS]})]
Level = Annotated[str, Meta(extra_json_schema={"enum": [*LEVELS]})]
Status = Annotated[str, Meta(extra_json_schema={"enum": [*STATUSES]})]


class TraceSummary(msgspec.Struct, kw_only=True):
    """A trace as a row of a list. Tokens and cost are null where no span reports or has any."""

    id: str
    project_id: str
    url: Annotated[str, Meta(description="its page")]
    name: str
    status: Status
    start_time: Time
    end_time: Annotated[Time | None, Meta(description="null: it is running")]
    duration_ms: float | None
    span_count: int
    running_count: int
    error_count: int
    warning_count: int
    flagged_count: Annotated[int, Meta(description="spans with flags")]
    unpriced_count: Annotated[int, Meta(description="spans with tokens and no price")]
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    usage: Annotated[dict[str, int], Meta(description="tokens by type, disjoint")]
    total_cost: Money | None
    user_id: str | None
    session_id: str | None
    environment: str
    release: str | None
    version: str | None
    public: bool
    tags: list[str]
    models: Annotated[dict[str, int], Meta(description="spans by model")]
    kinds: Annotated[dict[str, int], Meta(description="spans by kind")]
    input_preview: str | None
    output_preview: str | None
    error_message: str | None
    root_span_id: str | None
    bookmarked: bool
    comment_count: Annotated[int, Meta(description="those on its spans included")]
    scores: Annotated[list[ScoreSummary], Meta(description="of the latest 20, by name")]


class Trace(TraceSummary, kw_only=True):
    """A trace with its data; input and output are the root span's where the trace has none."""

    cost: Annotated[dict[str, Money], Meta(description="US dollars by usage type")]
    metadata: dict[str, Any]
    input: Any
    output: Any


class SpanSummary(msgspec.Struct, kw_only=True):
    """A span as a row of the tree."""

    id: str
    trace_id: str
    parent_id: str | None
    url: Annotated[str, Meta(description="its trace's page, with the span selected")]
    kind: Kind
    name: str
    status: Status
    level: Level
    status_message: str | None
    start_time: Time
    end_time: Annotated[Time | None, Meta(description="null: it is running")]
    duration_ms: float | None
    completion_start_time: Annotated[Time | None, Meta(description="time of the first token")]
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost: Money | None
    flags: Annotated[list[str], Meta(description="data problems, e.g. truncated")]
    child_count: Annotated[int, Meta(description="counted up to 101, which means: more than 100")]


class Span(SpanSummary, kw_only=True):
    """A span with its payload."""

    requested_model: str | None
    provider: str | None
    model_parameters: dict[str, Any]
    usage: Annotated[dict[str, int], Meta(description="tokens by type, disjoint")]
    cost: Annotated[dict[str, Money], Meta(description="US dollars by usage type")]
    cost_source: Annotated[
        str | None, Meta(description="given, computed from list prices, or custom; null: unpriced")
    ]
    priced_by: Annotated[
        str | None, Meta(description="the list and its version, or the id of the project's price")
    ]
    tools: Annotated[list[Any], Meta(description="definitions of the tools that were offered")]
    finish_reasons: Annotated[list[str], Meta(description="why each choice of the response ended")]
    prompt_name: str | None
    prompt_version: int | None
    input: Any
    output: Any
    metadata: dict[str, Any]
    attributes: dict[str, Any]
    events: list[Any]
    links: list[Any]
    resource: dict[str, Any]
    scope: dict[str, Any]
    dialect: str | None
    notes: Annotated[dict[str, Any], Meta(description="details of the flags, by field")]
    sent_parent_id: Annotated[
        str | None, Meta(description="the parent id as sent, where the tree uses another")
    ]


class Score(msgspec.Struct, kw_only=True):
    """A score of a trace, a span or a session."""

    id: str
    name: str
    data_type: str
    value: Annotated[
        float | str | bool | None, Meta(description="its JSON type depends on the data type")
    ]
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    comment: str | None
    source: str
    metadata: dict[str, Any]
    time: Time
    author: Annotated[str | None, Meta(description="the person who entered it, if a person did")]


class Session(msgspec.Struct, kw_only=True):
    """A session with sums over its traces."""

    id: str
    url: Annotated[str, Meta(description="its page")]
    start_time: Time
    end_time: Time
    trace_count: int
    error_count: Annotated[int, Meta(description="failed traces")]
    running_count: Annotated[int, Meta(description="running traces")]
    span_count: int
    total_tokens: int | None
    total_cost: Money | None
    user_id: Annotated[str | None, Meta(description="the latest trace's")]
    environment: Annotated[str, Meta(description="the latest trace's")]
    tags: Annotated[list[str], Meta(description="the latest trace's")]
    bookmarked: bool
    comment_count: Annotated[int, Meta(description="those on the session itself")]
    scores: Annotated[list[ScoreSummary], Meta(description="of the latest 20, by name")]


class TracePage(msgspec.Struct, kw_only=True):
    """Traces, newest first; fewer than ``limit`` where reading spans or texts takes too long."""

    data: list[TraceSummary]
    next_cursor: Annotated[str | None, Meta(description="older ones; null: there are none")]
    prev_cursor: Annotated[str | None, Meta(description="newer ones; null: there are none")]


class SessionPage(msgspec.Struct, kw_only=True):
    """Sessions, latest activity first."""

    data: list[Session]
    next_cursor: Annotated[str | None, Meta(description="older ones; null: there are none")]
    prev_cursor: Annotated[str | None, Meta(description="newer ones; null: there are none")]


class SpanContext(msgspec.Struct, kw_only=True):
    """A generation's input, compared with a call before it; null: there is none, or no messages."""

    context: Context | None


class Scores(msgspec.Struct, kw_only=True):
    """The scores of a trace or a session, oldest first; at most 1,000."""

    data: list[Score]


def trace_summary(row: TraceRow) -> TraceSummary:
    """Return the answer for a row of a list of traces."""
    return TraceSummary(**_trace_fields(row, TraceSummary))


def trace_page(page: Page[TraceRow]) -> TracePage:
    """Return the answer for a page of the list of traces."""
    rows = [trace_summary(row) for row in page.items]
    return TracePage(data=rows, next_cursor=page.older, prev_cursor=page.newer)


def trace(row: TraceDetail) -> Trace:
    """Return the answer for a trace with its data."""
    return Trace(**_trace_fields(row, Trace))


def span_summary(row: SpanRow, project_id: str) -> SpanSummary:
    """Return the answer for a row of the tree."""
    return SpanSummary(**_span_fields(row, SpanSummary, project_id))


def span(row: SpanDetail, project_id: str) -> Span:
    """Return the answer for a span with its payload."""
    return Span(**_span_fields(row, Span, project_id))


def score(row: ScoreRow) -> Score:
    """Return the answer for a score; its value has the JSON type of its data type."""
    value = row.string_value if row.value is None else row.value
    if row.data_type == "boolean":
        value = bool(value)
    return Score(
        **_common_fields(row, Score)
        | {"id": row.score_id, "value": value, "time": json_time(row.time)}
    )


def session(row: SessionRow, project_id: str) -> Session:
    """Return the answer for a session."""
    fields = {
        "id": row.session_id,
        "url": page_url(project_id, "sessions", row.session_id),
        "start_time": json_time(row.start_time),
        "end_time": json_time(row.end_time),
    }
    return Session(**_common_fields(row, Session) | fields)


def session_page(page: Page[SessionRow], project_id: str) -> SessionPage:
    """Return the answer for a page of the list of sessions."""
    rows = [session(row, project_id) for row in page.items]
    return SessionPage(data=rows, next_cursor=page.older, prev_cursor=page.newer)


def page_url(project_id: str, noun: str, row_id: str) -> str:
    """Return the absolute URL of the page of a trace or session."""
    return f"{request.url_root}project/{quote(project_id, safe='')}/{noun}/{quote(row_id, safe='')}"


def _common_fields(row: object, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields of ``kind`` that the row has under the same names."""
    return {name: getattr(row, name) for name in kind.__struct_fields__ if hasattr(row, name)}


def _trace_fields(row: TraceRow, kind: type[TraceSummary]) -> dict[str, Any]:
    # A running trace has no end_time: clients would take the latest time so far for the final one.
    end = row.end_time if row.status != "running" else None
    return _common_fields(row, kind) | {
        "id": row.trace_id,
        "url": page_url(row.project_id, "traces", row.trace_id),
        **_times(row.start_time, end),
    }


def _span_fields(row: SpanRow, kind: type[SpanSummary], project_id: str) -> dict[str, Any]:
    page = page_url(project_id, "traces", row.trace_id)
    first = row.first_token_time
    return _common_fields(row, kind) | {
        "id": row.span_id,
        "parent_id": row.parent_span_id,
        "url": f"{page}?span={quote(row.span_id, safe='')}",
        "completion_start_time": json_time(first) if first else None,
        **_times(row.start_time, row.end_time),
    }


def _times(start: datetime, end: datetime | None) -> dict[str, Any]:
    # Timestamps are whole microseconds, so three decimals of a millisecond are exact.
    duration = (end - start).total_seconds() * 1000 if end else None
    return {
        "start_time": json_time(start),
        "end_time": json_time(end) if end else None,
        "duration_ms": round(duration, 3) if duration is not None else None,
    }
