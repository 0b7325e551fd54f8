"""One session as a conversation: each of its traces as an exchange of input and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
from flask import request, url_for

from tracer.errors import NotFound
from tracer.records import Json
from tracer.store.analyses.activities import TraceActivity, read_activities
from tracer.store.annotations.comments import CommentRow, list_comments
from tracer.store.database.paging import Page
from tracer.store.scores.scores import ScoreRow, list_kinds, list_scores
from tracer.store.traces import sessions
from tracer.store.traces.sessions import SessionRow
from tracer.store.traces.traces import TraceDetail
from tracer.ui.base.blueprint import own_path
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.base.subjects import AnnotationTarget, read_bookmark, target_of
from tracer.ui.base.visitor import current_visitor
from tracer.ui.render.format import duration
from tracer.ui.render.messages import Body, Renderer
from tracer.ui.session.picture import picture
from tracer.ui.session.timeline import MAX_TURNS, Timeline, timeline
from tracer.ui.waterfall.minimap import Block
from tracer.web.access.check import may
from tracer.web.answers import traces as answers
from tracer.web.answers.annotations import Comment, comment
from tracer.web.answers.traces import Score, Session, Trace

# Shorter pauses are the time in which a user reads and types.
_PAUSE = timedelta(minutes=1)
# Each trace may carry a message of several screens.
_PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class Exchange:
    """One trace of a session: its input, its output, and the idle time before it."""

    trace: TraceDetail
    question: Body
    answer: Body
    missing: str
    """Why there is no answer."""
    pause: timedelta | None
    outline: list[Block]
    """The picture of its activity; empty: the trace is too large for this page."""
    tools: dict[str, bool]
    """The names of its tools; True: a call failed."""


@html_and_json("/project/<project_id>/sessions/<id:session_id>")
def session(project_id: str, session_id: str) -> Representations:
    """Show a page of the session's traces in order, each as question and answer."""
    row = sessions.get_session(project_id, session_id)
    if row is None:
        raise NotFound.of("session", session_id)
    page = sessions.session_traces(project_id, session_id, request.args.get("cursor"), _PER_PAGE)
    target = target_of(row, project_id)

    def session_timeline() -> Timeline:
        turns = sessions.session_turns(project_id, session_id, MAX_TURNS)
        shown = {trace.trace_id: number for number, trace in enumerate(page.items, 1)}
        return timeline(turns, datetime.now(UTC), own_path(), shown)

    return Representations(
        "session/page.html",
        context=lambda: {
            "session": row,
            "page": page,
            "exchanges": exchanges(page.items, read_activities(project_id, page.items)),
            "timeline": session_timeline(),
            "bookmark": read_bookmark(target, row),
            "path": own_path(),
            "context_url": url_for(
                "ui.session_context", project_id=project_id, session_id=session_id
            ),
            "trace_url": partial(_url, "ui.trace", project_id),
            "values_url": lambda trace_id: _url("ui.trace_value", project_id, trace_id) + "?",
            **session_annotations(target),
        },
        data=lambda: session_view(
            row, page, _scores(target), list_comments(target.subject), project_id
        ),
    )


def session_annotations(target: AnnotationTarget) -> dict[str, object]:
    """Return the context of ``annotations/_session.html``."""
    return {
        "target": target if may("edit") else None,
        "visitor": current_visitor(),
        "scores": _scores(target),
        "score_kinds": list_kinds(target.subject.project_id),
        "comments": list_comments(target.subject),
    }


def _scores(target: AnnotationTarget) -> list[ScoreRow]:
    return list_scores(target.subject.project_id, session_id=target.subject.session_id)


def _url(endpoint: str, project_id: str, trace_id: str) -> str:
    return url_for(endpoint, project_id=project_id, trace_id=trace_id)


def exchanges(
    rows: Sequence[TraceDetail], activities: Mapping[str, TraceActivity]
) -> list[Exchange]:
    """Return the traces as exchanges; together they get the markdown budget of one page."""
    # One renderer for all, so that a long session costs no more than one long span.
    renderer = Renderer()
    result: list[Exchange] = []
    latest_end: datetime | None = None
    for row in rows:
        pause = row.start_time - latest_end if latest_end else None
        # Traces may overlap: the pause begins at the latest end so far.
        latest_end = max(latest_end or row.end_time, row.end_time)
        activity = activities.get(row.trace_id)
        result.append(
            Exchange(
                trace=row,
                question=_last(renderer, row.input, "user"),
                answer=_last(renderer, row.output, "assistant"),
                missing=_missing(row),
                pause=pause if pause and pause >= _PAUSE else None,
                outline=picture(activity) if activity else [],
                tools=activity.tools if activity else {},
            )
        )
    return result


def _last(renderer: Renderer, value: Json, role: str) -> Body:
    """Return the last message of ``role`` alone: earlier traces show the messages before it."""
    body = renderer.render(value, "", output=role == "assistant")
    turns = [turn for turn in body.turns if turn.role == role] or body.turns
    body.turns = turns[-1:]
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
    """Return the page of a session as the API shows it."""
    return SessionView(
        session=answers.session(row, project_id),
        scores=[answers.score(score) for score in scores],
        comments=[comment(row) for row in comments],
        data=[answers.trace(trace) for trace in page.items],
        next_cursor=page.newer,
        prev_cursor=page.older,
    )
