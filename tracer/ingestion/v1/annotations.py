"""Writes of annotations: bookmarks, tags, comments, share links."""

from __future__ import annotations

from typing import Final

import msgspec
from flask import Blueprint, Response, url_for

from tracer.errors import Conflict, Forbidden, NotFound, Unstorable
from tracer.ingestion.writing import json_body, request_context, store
from tracer.records import RANK_UPDATE, Batch, TraceRecord
from tracer.store.annotations import bookmarks, comments, shares
from tracer.store.annotations.comments import CommentRow
from tracer.store.annotations.subjects import Author, Subject, lock_subject
from tracer.store.database.session import transaction
from tracer.store.scores import scores
from tracer.store.traces import traces
from tracer.web.answers.annotations import (
    Bookmarked,
    Comment,
    NewShare,
    Removed,
    Share,
    Tags,
    bookmarked,
    comment,
    share,
)
from tracer.web.keys import current_project_id
from tracer.web.operations import WRITE_PROBLEMS, Operation, answer, describe, set_up
from tracer.wire.native.annotations import (
    CommentCreate,
    CommentUpdate,
    ShareCreate,
    TagEdit,
    cleaned,
    optional_id,
)
from tracer.wire.reading import read_item, read_storable_json

API: Final = "api"
"""The author id of annotations made over the API; the API may change only these."""
PROBLEMS: Final = (400, 401, 404, 413, 415, 503)

bp = Blueprint("mark_writes", __name__, url_prefix="/api/v1")
set_up(bp)


def _bookmark_operation(summary: str) -> Operation:
    return Operation(summary=summary, answers={200: Bookmarked}, problems=(400, 401, 404, 503))


@bp.put("/traces/<id:trace_id>/bookmark")
@describe(_bookmark_operation("Bookmark a trace"))
def set_trace_bookmark(trace_id: str) -> Response:
    """Bookmark a trace; an existing bookmark stays unchanged."""
    return _bookmark(_trace(trace_id), present=True)


@bp.delete("/traces/<id:trace_id>/bookmark")
@describe(_bookmark_operation("Remove the bookmark of a trace"))
def remove_trace_bookmark(trace_id: str) -> Response:
    """Remove the bookmark of a trace, if it has one."""
    return _bookmark(_trace(trace_id), present=False)


@bp.put("/sessions/<id:session_id>/bookmark")
@describe(_bookmark_operation("Bookmark a session"))
def set_session_bookmark(session_id: str) -> Response:
    """Bookmark a session; an existing bookmark stays unchanged."""
    return _bookmark(_session(session_id), present=True)


@bp.delete("/sessions/<id:session_id>/bookmark")
@describe(_bookmark_operation("Remove the bookmark of a session"))
def remove_session_bookmark(session_id: str) -> Response:
    """Remove the bookmark of a session, if it has one."""
    return _bookmark(_session(session_id), present=False)


@bp.post("/traces/<id:trace_id>/tags")
@describe(
    Operation(
        summary="Add and remove tags of a trace",
        body=TagEdit,
        answers={200: Tags},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def edit_tags(trace_id: str) -> Response:
    """Add and remove tags of a trace; concurrent edits of other tags are kept."""
    sent = read_item(read_storable_json(json_body()), TagEdit)
    subject = _trace(trace_id)
    subject.check()
    record = TraceRecord(
        trace_id=trace_id,
        rank=RANK_UPDATE,
        version=request_context().time,
        tag_edits=sent.edits(),
        editor=cleaned(sent.author),
    )
    for rejected in store(Batch(traces=[record])):
        raise Unstorable.of_field("", rejected.reason)
    trace = traces.get_trace(current_project_id(), trace_id)
    if trace is None:
        raise NotFound.of("trace", trace_id)
    return answer(Tags(tags=trace.tags))


@bp.post("/comments")
@describe(
    Operation(
        summary="Comment on a trace, a span or a session",
        body=CommentCreate,
        answers={200: Comment, 201: Comment},
        problems=(*PROBLEMS, 409),
    )
)
def create_comment() -> Response:
    """Add a comment; an existing comment of the same id on the subject stays unchanged."""
    sent = read_item(read_storable_json(json_body()), CommentCreate)
    subject = Subject(
        project_id=current_project_id(),
        trace_id=optional_id(sent.trace_id),
        session_id=optional_id(sent.session_id),
        span_id=optional_id(sent.span_id) or None,
    )
    comment_id = optional_id(sent.id) or None
    with transaction():
        lock_subject(subject)
        existing = comments.get_comment(current_project_id(), comment_id) if comment_id else None
        if existing is not None:
            return answer(comment(_check_same_subject(existing, subject)))
        text, author = cleaned(sent.text), _author(sent.author)
        made = comments.create_comment(subject, text, author, comment_id, sent.creation())
    return answer(comment(made), 201)


def _check_same_subject(existing: CommentRow, subject: Subject) -> CommentRow:
    """Return the stored comment. Raises Conflict where it is on another subject."""
    subject_ids = existing.trace_id or "", existing.session_id or "", existing.span_id
    if subject_ids != (subject.trace_id, subject.session_id, subject.span_id):
        raise Conflict.of_field("id", f"comment {existing.comment_id!r} is on another subject")
    return existing


@bp.patch("/comments/<id:comment_id>")
@describe(
    Operation(
        summary="Edit a comment made over the API",
        body=CommentUpdate,
        answers={200: Comment},
        problems=(*PROBLEMS, 403, 422),
    )
)
def update_comment(comment_id: str) -> Response:
    """Replace the text of a comment; comments written on pages can't be changed here."""
    sent = read_item(read_storable_json(json_body()), CommentUpdate)
    comment_row = comments.get_comment(current_project_id(), comment_id)
    if comment_row is not None and comment_row.author_id != API:
        raise Forbidden("only the author of this comment can edit it, on a page")
    with transaction():
        row = comments.edit_comment(current_project_id(), comment_id, cleaned(sent.text))
    if row is None:
        raise NotFound.of("comment", comment_id)
    return answer(comment(row))


def _delete_operation(summary: str) -> Operation:
    return Operation(summary=summary, answers={200: Removed}, problems=(400, 401, 404, 503))


@bp.delete("/comments/<id:comment_id>")
@describe(_delete_operation("Delete a comment, with its history"))
def delete_comment(comment_id: str) -> Response:
    """Delete a comment of any author."""
    with transaction():
        deleted = comments.delete_comment(current_project_id(), comment_id)
    if not deleted:
        raise NotFound.of("comment", comment_id)
    return answer(Removed(id=comment_id, deleted=True))


@bp.delete("/scores/<id:score_id>")
@describe(_delete_operation("Delete a score"))
def delete_score(score_id: str) -> Response:
    """Delete a score from any source."""
    with transaction():
        deleted = scores.delete_score(current_project_id(), score_id)
    if not deleted:
        raise NotFound.of("score", score_id)
    return answer(Removed(id=score_id, deleted=True))


def _share_operation(summary: str) -> Operation:
    return Operation(summary=summary, body=ShareCreate, answers={201: NewShare}, problems=PROBLEMS)


@bp.post("/traces/<id:trace_id>/shares")
@describe(_share_operation("Make a public link to a trace"))
def share_trace(trace_id: str) -> Response:
    """Create a share link; its URL is returned only once."""
    return _create_share(_trace(trace_id))


@bp.post("/sessions/<id:session_id>/shares")
@describe(_share_operation("Make a public link to a session"))
def share_session(session_id: str) -> Response:
    """Create a share link; its URL is returned only once."""
    return _create_share(_session(session_id))


@bp.delete("/shares/<id:share_id>")
@describe(
    Operation(summary="Revoke a public link", answers={200: Share}, problems=(400, 401, 404, 503))
)
def revoke_share(share_id: str) -> Response:
    """Revoke a share link with immediate effect."""
    with transaction():
        row = shares.revoke_share(current_project_id(), share_id)
    if row is None:
        raise NotFound.of("link", share_id)
    return answer(share(row))


def _trace(trace_id: str) -> Subject:
    return Subject(project_id=current_project_id(), trace_id=trace_id)


def _session(session_id: str) -> Subject:
    return Subject(project_id=current_project_id(), session_id=session_id)


def _author(name: str) -> Author:
    return Author(name=cleaned(name), author_id=API)


def _bookmark(subject: Subject, *, present: bool) -> Response:
    with transaction():
        bookmarks.set_bookmark(subject, present=present, author=_author(""))
    return answer(bookmarked(bookmarks.get_bookmark(subject)))


def _create_share(subject: Subject) -> Response:
    sent = read_item(read_storable_json(json_body()), ShareCreate)
    with transaction():
        row, token = shares.create_share(
            subject,
            _author(sent.author),
            expires_at=sent.expiry(),
            show_comments=sent.show_comments,
        )
    url = url_for("share.page", token=token, _external=True)
    return answer(NewShare(**msgspec.structs.asdict(share(row)), url=url), 201)
