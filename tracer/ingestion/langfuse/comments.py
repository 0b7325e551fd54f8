"""Deletes of traces and writes of comments, in Langfuse's format."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import Meta

from tracer.errors import Invalid
from tracer.ingestion.writing import json_body
from tracer.store.annotations import comments
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.traces import span_search
from tracer.store.writing import delete
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Made,
    Message,
    missing,
    reply,
    set_up,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.times import read_sent
from tracer.wire.native.requests import check_id
from tracer.wire.reading import read_storable_json

bp = Blueprint("langfuse_marks", __name__, url_prefix=PREFIX)
set_up(bp)


class Deletion(msgspec.Struct, kw_only=True, rename="camel"):
    """The ids of traces to delete."""

    trace_ids: Annotated[list[str], Meta(min_length=1, max_length=1000)]

    def __post_init__(self) -> None:
        for index, trace_id in enumerate(self.trace_ids):
            check_id(trace_id, f"traceIds[{index}]")


class CommentBody(msgspec.Struct, kw_only=True, rename="camel"):
    """A new comment; its project id is ignored, as the key determines the project."""

    object_type: Literal["TRACE", "OBSERVATION", "SESSION", "PROMPT"]
    object_id: str
    content: Annotated[str, Meta(min_length=1, max_length=5000)]
    project_id: str | None = None
    author_user_id: str | None = None

    def __post_init__(self) -> None:
        check_id(self.object_id, "objectId")


@bp.delete("/traces/<id:trace_id>")
@describe(Operation(summary="Delete a trace", answers={200: Message}, problems=PROBLEMS))
def delete_trace(trace_id: str) -> Response:
    """Delete a trace with everything that belongs to it; 200 also if it does not exist."""
    delete.delete_trace(current_project_id(), trace_id)
    return reply(Message(message="Trace deleted successfully"))


@bp.delete("/traces")
@describe(
    Operation(
        summary="Delete several traces",
        body=Deletion,
        answers={200: Message},
        problems=WRITE_PROBLEMS,
    )
)
def delete_traces() -> Response:
    """Delete several traces; 200 also if some do not exist."""
    sent = read_sent(read_storable_json(json_body()), Deletion)
    delete.delete_all(current_project_id(), sent.trace_ids)
    return reply(Message(message="Traces deleted successfully"))


@bp.post("/comments")
@describe(
    Operation(
        summary="Add a comment",
        body=CommentBody,
        answers={200: Made},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def create_comment() -> Response:
    """Add a comment to a trace, an observation or a session."""
    body = read_sent(read_storable_json(json_body()), CommentBody)
    author = Author(name=_storable_text(body.author_user_id or ""))
    subject, comment_id = _subject(body), str(uuid.uuid4())
    with transaction():
        row = comments.create_comment(subject, _storable_text(body.content), author, comment_id)
    return reply(Made(id=row.comment_id))


def _subject(body: CommentBody) -> Subject:
    project = current_project_id()
    if body.object_type == "TRACE":
        return Subject(project_id=project, trace_id=body.object_id)
    if body.object_type == "SESSION":
        return Subject(project_id=project, session_id=body.object_id)
    if body.object_type == "PROMPT":
        raise Invalid.of_field("objectType", "expected TRACE, OBSERVATION or SESSION")
    trace_id = span_search.trace_of(project, body.object_id)
    if trace_id is None:
        raise missing("Observation", body.object_id)
    return Subject(project_id=project, trace_id=trace_id, span_id=body.object_id)


def _storable_text(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
