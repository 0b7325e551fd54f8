"""Reads sessions: the list, one session, and the traces of a session in time order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.annotations.summaries import (
    ScoreSummary,
    annotation_columns,
    summarise,
)
from tracer.store.database.conditions import between
from tracer.store.database.numbered import numbered_page
from tracer.store.database.paging import Page, cut_page, decode_cursor
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection
from tracer.store.schema import sessions, trace_payloads, traces
from tracer.store.traces.traces import LIST_SECONDS, TraceDetail, detail, detail_query, page_query


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRow:
    """A session with sums over its traces; user, environment and tags are from its latest trace."""

    session_id: str
    start_time: datetime
    end_time: datetime
    trace_count: int
    error_count: int
    """Failed traces."""
    running_count: int
    """Running traces."""
    span_count: int
    total_tokens: int | None
    total_cost: Decimal | None
    user_id: str | None
    environment: str
    tags: list[str]
    last_name: str
    last_input_preview: str | None
    bookmarked: bool
    comment_count: int
    scores: list[ScoreSummary]


def list_sessions(
    project_id: str,
    selection: Selection = ALL,
    cursor: str | None = None,
    limit: int = 50,
    sort: str | None = None,
) -> Page[SessionRow]:
    """Return a page of a project's sessions, latest activity first unless `sort` differs.

    Raises BadCursor, Invalid (sort), TooSlow.
    """
    keys = parse_sort(sort, Grain.SESSION)
    order = Order.of(keys, Grain.SESSION, sessions, sessions.c.session_id)
    position = order.decode(cursor) if cursor else None
    forward = position is None or position.forward
    query = _query(project_id).add_columns(*labelled(order))
    query = query.where(selection.condition(Grain.SESSION, sessions))
    if position is not None:
        query = query.where(order.beyond(position))
    with within(LIST_SECONDS):
        query = query.order_by(*order.clauses(forward)).limit(limit + 1)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("session_id",), _row)


def page_sessions(
    project_id: str,
    *,
    since: datetime | None,
    until: datetime | None,
    environments: Sequence[str],
    limit: int,
    offset: int,
) -> tuple[list[SessionRow], int]:
    """Return (sessions that began in [since, until), latest first; the number of all of them).

    `environments`: only sessions with a trace in one of these environments; empty: all sessions.
    """
    query = _query(project_id).where(*between(sessions.c.start_time, since, until))
    if environments:
        query = query.where(_has_trace(traces.c.environment.in_(environments)))
    query = query.order_by(sessions.c.start_time.desc(), sessions.c.session_id.desc())
    rows, total = numbered_page(query, limit, offset)
    return [_row(row) for row in rows], total


def get_session(project_id: str, session_id: str) -> SessionRow | None:
    """Return the session; None: there is none of this id in the project."""
    query = _query(project_id).where(sessions.c.session_id == session_id)
    row = db.session.execute(query).mappings().one_or_none()
    return _row(row) if row is not None else None


def session_traces(
    project_id: str, session_id: str, cursor: str | None = None, limit: int = 50
) -> Page[TraceDetail]:
    """Return a page of a session's traces, oldest first; raises BadCursor."""
    key = decode_cursor(cursor) if cursor else None
    conditions = [traces.c.session_id == session_id]
    query = page_query(detail_query(), project_id, conditions, key, limit, newest_first=False)
    rows = db.session.execute(query).mappings()
    fetched = [detail(row) for row in rows]
    page, older, newer = cut_page(fetched, limit, key, lambda row: (row.start_time, row.trace_id))
    return Page(page, older, newer)


def _row(row: Mapping[Any, Any]) -> SessionRow:
    return SessionRow(**{**row, "scores": summarise(row["scores"])})


def _query(project_id: str) -> sa.Select[Any]:
    latest = (
        sa.select(
            traces.c.user_id,
            traces.c.environment,
            traces.c.tags,
            traces.c.name.label("last_name"),
            traces.c.trace_id,
        )
        .where(
            traces.c.project_id == sessions.c.project_id,
            traces.c.session_id == sessions.c.session_id,
        )
        .order_by(traces.c.start_time.desc(), traces.c.trace_id.desc())
        .limit(1)
        .lateral("latest")
    )
    own = [sessions.c[name] for name in SessionRow.__dataclass_fields__ if name in sessions.c]
    payload = sa.and_(
        trace_payloads.c.project_id == sessions.c.project_id,
        trace_payloads.c.trace_id == latest.c.trace_id,
    )
    return (
        sa.select(
            *own,
            *(column for column in latest.c if column.name != "trace_id"),
            trace_payloads.c.input_preview.label("last_input_preview"),
            *annotation_columns(sessions),
        )
        .select_from(sessions.join(latest, sa.true()).join(trace_payloads, payload))
        .where(sessions.c.project_id == project_id)
    )


def _has_trace(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        traces.c.project_id == sessions.c.project_id,
        traces.c.session_id == sessions.c.session_id,
        condition,
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """A trace of a session as its timeline shows it."""

    trace_id: str
    name: str
    status: str
    start_time: datetime
    end_time: datetime
    input_tokens: int | None
    total_cost: Decimal | None


def session_turns(project_id: str, session_id: str, limit: int) -> list[Turn]:
    """Return the traces of a session, oldest first, at most ``limit``."""
    query = (
        sa.select(*(traces.c[name] for name in Turn.__dataclass_fields__))
        .where(traces.c.project_id == project_id, traces.c.session_id == session_id)
        .order_by(traces.c.start_time, traces.c.trace_id)
        .limit(limit)
    )
    return [Turn(**row) for row in db.session.execute(query).mappings()]
