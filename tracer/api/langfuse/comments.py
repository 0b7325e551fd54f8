"""Reads of comments on traces, observations and sessions."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import PageMeta, TimesQuery, page_meta, read_params
from tracer.errors import Invalid
from tracer.store.annotations import comments
from tracer.store.annotations.comments import CommentRow
from tracer.times import json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, missing, reply, set_up
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_comments", __name__, url_prefix=PREFIX)
set_up(bp)


class CommentsQuery(TimesQuery, kw_only=True):
    """Conditions on a comment's subject and author."""

    object_type: Literal["TRACE", "OBSERVATION", "SESSION", "PROMPT"] | None = None
    object_id: str | None = None
    author_user_id: str | None = None


class Comment(Answer, kw_only=True):
    """A comment."""

    id: str
    project_id: str
    object_type: str
    object_id: str
    content: str
    author_user_id: str | None
    created_at: Time
    updated_at: Time


class Comments(Answer, kw_only=True):
    """A page of comments."""

    data: list[Comment]
    meta: PageMeta


@bp.get("/comments")
@describe(
    Operation(
        summary="List comments", query=CommentsQuery, answers={200: Comments}, problems=PROBLEMS
    )
)
def list_comments() -> Response:
    """Return one page of the project's comments, the oldest first."""
    query = read_params(CommentsQuery)
    if query.object_id is not None and query.object_type is None:
        raise Invalid.of_field("objectId", "expected objectType beside it")
    rows, total = comments.page_comments(
        current_project_id(),
        on=query.object_type and query.object_type.lower(),
        object_id=query.object_id,
        author_id=query.author_user_id,
        since=query.from_timestamp,
        until=query.to_timestamp,
        limit=query.limit,
        offset=query.offset,
    )
    return reply(Comments(data=[_comment(row) for row in rows], meta=page_meta(query, total)))


@bp.get("/comments/<id:comment_id>")
@describe(Operation(summary="Read a comment", answers={200: Comment}, problems=(*PROBLEMS, 404)))
def read_comment(comment_id: str) -> Response:
    """Return a comment on any subject."""
    row = comments.get_comment(current_project_id(), comment_id)
    if row is None:
        raise missing("Comment", comment_id)
    return reply(_comment(row))


def _comment(row: CommentRow) -> Comment:
    if row.span_id is not None:
        on, object_id = "OBSERVATION", row.span_id
    elif row.trace_id is not None:
        on, object_id = "TRACE", row.trace_id
    else:
        on, object_id = "SESSION", row.session_id or ""
    return Comment(
        id=row.comment_id,
        project_id=current_project_id(),
        object_type=on,
        object_id=object_id,
        content=row.text,
        author_user_id=row.author_id or row.author,
        created_at=json_time_in_millis(row.created_at),
        updated_at=json_time_in_millis(row.edited_at or row.created_at),
    )
