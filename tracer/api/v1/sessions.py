"""Reads of sessions and their scores; the list of traces has the traces of a session."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.analysis.context.totals import ContextTotals
from tracer.api.v1.existing import existing_session
from tracer.api.v1.queries import LIST_PROBLEMS, SessionQuery, session_selection
from tracer.store.scores import scores
from tracer.store.traces import sessions
from tracer.store.traces.model_calls import read_session_totals
from tracer.web.answers import traces
from tracer.web.answers.traces import Scores, Session, SessionPage
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, read_query, set_up

bp = Blueprint("sessions", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.get("/sessions")
@describe(
    Operation(
        summary="List sessions, latest activity first",
        query=SessionQuery,
        answers={200: SessionPage},
        problems=LIST_PROBLEMS,
    )
)
def list_sessions() -> Response:
    """Return one page of the project's sessions."""
    query = read_query(SessionQuery)
    page = sessions.list_sessions(
        current_project_id(), session_selection(query), query.cursor, query.limit, query.sort
    )
    return answer(traces.session_page(page, current_project_id()))


@bp.get("/sessions/<id:session_id>")
@describe(Operation(summary="Read a session", answers={200: Session}, problems=READ_PROBLEMS))
def read_session(session_id: str) -> Response:
    """Return a session with its sums; /traces?session_id=… lists its traces."""
    return answer(traces.session(existing_session(session_id), current_project_id()))


@bp.get("/sessions/<id:session_id>/context")
@describe(
    Operation(
        summary="Sum the repeated input of a session's model calls",
        answers={200: ContextTotals},
        problems=READ_PROBLEMS,
    )
)
def read_session_context(session_id: str) -> Response:
    """Return the input of a session's model calls, and how much of it repeats earlier calls."""
    existing_session(session_id)
    return answer(read_session_totals(current_project_id(), session_id))


@bp.get("/sessions/<id:session_id>/scores")
@describe(
    Operation(summary="List a session's scores", answers={200: Scores}, problems=READ_PROBLEMS)
)
def list_session_scores(session_id: str) -> Response:
    """Return the scores of a session, which may have arrived before its traces."""
    rows = scores.list_scores(current_project_id(), session_id=session_id)
    if not rows:
        existing_session(session_id)
    return answer(Scores(data=[traces.score(row) for row in rows]))
