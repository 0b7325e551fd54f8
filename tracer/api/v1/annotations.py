"""Reads of annotations: bookmarks, comments, single scores, share links."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.errors import NotFound
from tracer.store.annotations import bookmarks, comments, shares
from tracer.store.annotations.subjects import Subject
from tracer.store.scores import scores
from tracer.web.answers import traces
from tracer.web.answers.annotations import (
    Bookmarked,
    Comment,
    Comments,
    Shares,
    bookmarked,
    comment,
    share,
)
from tracer.web.answers.traces import Score
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, set_up

bp = Blueprint("marks", __name__, url_prefix="/api/v1")
set_up(bp)


def _read_operation(summary: str, kind: type) -> Operation:
    return Operation(summary=summary, answers={200: kind}, problems=READ_PROBLEMS)


@bp.get("/traces/<id:trace_id>/bookmark")
@describe(_read_operation("Read whether a trace is bookmarked", Bookmarked))
def read_trace_bookmark(trace_id: str) -> Response:
    """Return the bookmark of a trace."""
    return _bookmark(_trace(trace_id))


@bp.get("/sessions/<id:session_id>/bookmark")
@describe(_read_operation("Read whether a session is bookmarked", Bookmarked))
def read_session_bookmark(session_id: str) -> Response:
    """Return the bookmark of a session."""
    return _bookmark(_session(session_id))


@bp.get("/traces/<id:trace_id>/comments")
@describe(_read_operation("List the comments on a trace and its spans", Comments))
def list_trace_comments(trace_id: str) -> Response:
    """Return the comments on a trace, oldest first."""
    return _comments(_trace(trace_id))


@bp.get("/sessions/<id:session_id>/comments")
@describe(_read_operation("List the comments on a session", Comments))
def list_session_comments(session_id: str) -> Response:
    """Return the comments on a session, oldest first."""
    return _comments(_session(session_id))


@bp.get("/comments/<id:comment_id>")
@describe(_read_operation("Read a comment with its history", Comment))
def read_comment(comment_id: str) -> Response:
    """Return a comment."""
    row = comments.get_comment(current_project_id(), comment_id)
    if row is None:
        raise NotFound.of("comment", comment_id)
    return answer(comment(row))


@bp.get("/scores/<id:score_id>")
@describe(_read_operation("Read a score", Score))
def read_score(score_id: str) -> Response:
    """Return a score, from any source."""
    row = scores.get_score(current_project_id(), score_id)
    if row is None:
        raise NotFound.of("score", score_id)
    return answer(traces.score(row))


@bp.get("/traces/<id:trace_id>/shares")
@describe(_read_operation("List the public links to a trace", Shares))
def list_trace_shares(trace_id: str) -> Response:
    """Return the share links of a trace, expired and revoked ones included."""
    return _shares(_trace(trace_id))


@bp.get("/sessions/<id:session_id>/shares")
@describe(_read_operation("List the public links to a session", Shares))
def list_session_shares(session_id: str) -> Response:
    """Return the share links of a session, expired and revoked ones included."""
    return _shares(_session(session_id))


def _trace(trace_id: str) -> Subject:
    return _checked(Subject(project_id=current_project_id(), trace_id=trace_id))


def _session(session_id: str) -> Subject:
    return _checked(Subject(project_id=current_project_id(), session_id=session_id))


def _checked(subject: Subject) -> Subject:
    subject.check()
    return subject


def _bookmark(subject: Subject) -> Response:
    return answer(bookmarked(bookmarks.get_bookmark(subject)))


def _comments(subject: Subject) -> Response:
    return answer(Comments(data=[comment(row) for row in comments.list_comments(subject)]))


def _shares(subject: Subject) -> Response:
    return answer(Shares(data=[share(row) for row in shares.list_shares(subject)]))
