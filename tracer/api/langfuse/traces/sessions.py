"""Reads of sessions."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer, CoreTrace
from tracer.api.langfuse.params import PageMeta, Texts, TimesQuery, page_meta, read_params
from tracer.api.langfuse.traces.traces import session_traces
from tracer.store.traces import sessions
from tracer.store.traces.sessions import SessionRow
from tracer.times import json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, missing, reply, set_up
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_sessions", __name__, url_prefix=PREFIX)
set_up(bp)


class SessionsQuery(TimesQuery, kw_only=True):
    """Filters of the list of sessions, all of which must hold."""

    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)


class ListedSession(Answer, kw_only=True):
    """A session without its traces."""

    id: str
    created_at: Time
    project_id: str
    environment: str


class FullSession(ListedSession, kw_only=True):
    """A session with its traces."""

    traces: list[CoreTrace]


class SessionList(Answer, kw_only=True):
    """A page of sessions."""

    data: list[ListedSession]
    meta: PageMeta


@bp.get("/sessions")
@describe(
    Operation(
        summary="List sessions", query=SessionsQuery, answers={200: SessionList}, problems=PROBLEMS
    )
)
def list_sessions() -> Response:
    """Return one page of the project's sessions, the latest start first."""
    query = read_params(SessionsQuery)
    rows, total = sessions.page_sessions(
        current_project_id(),
        since=query.from_timestamp,
        until=query.to_timestamp,
        environments=query.environment,
        limit=query.limit,
        offset=query.offset,
    )
    data = [ListedSession(**_fields(row)) for row in rows]
    return reply(SessionList(data=data, meta=page_meta(query, total)))


@bp.get("/sessions/<id:session_id>")
@describe(
    Operation(summary="Read a session", answers={200: FullSession}, problems=(*PROBLEMS, 404))
)
def read_session(session_id: str) -> Response:
    """Return a session with its traces."""
    row = sessions.get_session(current_project_id(), session_id)
    if row is None:
        raise missing("Session", session_id)
    return reply(FullSession(**_fields(row), traces=session_traces(session_id)))


def _fields(row: SessionRow) -> dict[str, str]:
    return {
        "id": row.session_id,
        "created_at": json_time_in_millis(row.start_time),
        "project_id": current_project_id(),
        "environment": row.environment,
    }
