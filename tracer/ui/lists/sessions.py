"""The list of sessions, and one session as the conversation that its traces were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
from flask import abort, request, url_for

from tracer.records import Json
from tracer.store.annotations.comments import CommentRow
from tracer.store.database.paging import Page
from tracer.store.scores import scores
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces import sessions, traces
from tracer.store.traces.sessions import SessionFilter, SessionRow
from tracer.store.traces.traces import TraceDetail
from tracer.ui.base.filters import Filters, Pick
from tracer.ui.base.representations import Shown, twin
from tracer.ui.base.subjects import place_of
from tracer.ui.render.format import duration
from tracer.ui.render.messages import Body, Reader
from tracer.web.answers import traces as answers
from tracer.web.answers.annotations import Comment, comment
from tracer.web.answers.traces import Score, Session, Trace

_FIELDS = ("environment", "tag", "user", "marked", "from", "to")
# Shorter ones are somebody reading and typing.
_PAUSE = timedelta(minutes=1)
# Each may carry a message of several screens.
_PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class Exchange:
    """One trace of a session: what was asked, what came back, and how long nobody spoke before."""

    trace: TraceDetail
    question: Body
    answer: Body
    missing: str
    pause: timedelta | None


@twin("/project/<project_id>/sessions")
def session_list(project_id: str) -> Shown:
    """Show sessions, latest activity first."""
    filters = Filters(request.args, _FIELDS, url_for("ui.session_list", project_id=project_id))
    now = datetime.now(UTC)
    where = SessionFilter(
        since=filters.time("from", now),
        until=filters.time("to", now),
        user_id=filters.get("user"),
        environment=filters.get("environment"),
        tag=filters.get("tag"),
        **filters.mark(),
    )
    page = sessions.list_sessions(project_id, where, request.args.get("cursor"))
    return Shown(
        "lists/sessions.html",
        context=lambda: {"page": page, "filters": filters, "picks": _picks(project_id, filters)},
        data=lambda: answers.session_page(page, project_id),
    )


def _picks(project_id: str, filters: Filters) -> list[Pick]:
    facets = traces.facets(project_id)
    return [
        filters.pick("environment", "Any environment", facets.environments),
        filters.pick("tag", "Any tag", facets.tags),
        filters.marks(),
        filters.period(),
    ]


@twin("/project/<project_id>/sessions/<id:session_id>")
def session(project_id: str, session_id: str) -> Shown:
    """Show a session's traces in order, each as question and answer."""
    found = sessions.get_session(project_id, session_id)
    if found is None:
        abort(404, f"This project has no session “{session_id}”.")
    page = sessions.session_traces(project_id, session_id, request.args.get("cursor"), _PER_PAGE)
    judged = scores.list_scores(project_id, session_id=session_id)
    place = place_of(found, project_id)
    return Shown(
        "lists/session.html",
        context=lambda: {
            "session": found,
            "page": page,
            "exchanges": exchanges(page.items),
            "scores": judged,
            "here": place,
            "path": request.path,
            "trace_url": partial(_url, "ui.trace", project_id),
            "values_url": lambda trace_id: _url("ui.trace_value", project_id, trace_id) + "?",
        },
        data=lambda: session_view(found, page, judged, place.comments, project_id),
    )


def _url(endpoint: str, project_id: str, trace_id: str) -> str:
    return url_for(endpoint, project_id=project_id, trace_id=trace_id)


def exchanges(rows: Sequence[TraceDetail]) -> list[Exchange]:
    """Return the traces as exchanges; all of them share one page's worth of markdown."""
    # One for all, so that a long session costs no more than one long span.
    reader = Reader()
    found: list[Exchange] = []
    ended: datetime | None = None
    for row in rows:
        pause = row.start_time - ended if ended else None
        # A trace may run on while the next has begun: the pause is after the last to end.
        ended = max(ended or row.end_time, row.end_time)
        found.append(
            Exchange(
                trace=row,
                question=_last(reader, row.input, "user"),
                answer=_last(reader, row.output, "assistant"),
                missing=_missing(row),
                pause=pause if pause and pause >= _PAUSE else None,
            )
        )
    return found


def _last(reader: Reader, value: Json, role: str) -> Body:
    """Return the last message of ``role`` alone: what came before it, earlier traces have told."""
    body = reader.read(value, "", output=role == "assistant")
    spoken = [turn for turn in body.turns if turn.role == role] or body.turns
    body.turns = spoken[-1:]
    return body


def _missing(row: TraceDetail) -> str:
    if row.status == "running":
        return "No answer yet: still running"
    took = duration(row.end_time - row.start_time)
    if row.status == "error":
        return f"No answer: {row.error_message or 'failed'} after {took}"
    return "No output was sent"


class SessionView(msgspec.Struct, kw_only=True):
    """The page of a session: its sums, its scores, and a page of its traces, oldest first."""

    session: Session
    scores: list[Score]
    comments: list[Comment]
    data: list[Trace]
    next_cursor: str | None
    prev_cursor: str | None


def session_view(
    row: SessionRow,
    page: Page[TraceDetail],
    scores: Sequence[ScoreRow],
    comments: Sequence[CommentRow],
    project_id: str,
) -> SessionView:
    """Return the page of a session."""
    return SessionView(
        session=answers.session(row, project_id),
        scores=[answers.score(score) for score in scores],
        comments=[comment(said) for said in comments],
        data=[answers.trace(found) for found in page.items],
        next_cursor=page.newer,
        prev_cursor=page.older,
    )
