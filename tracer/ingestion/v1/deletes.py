"""Deletes of traces and sessions, and previews of what a delete removes."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.errors import NotFound
from tracer.store.writing import delete
from tracer.web.answers.annotations import Deleted, deleted
from tracer.web.keys import project_id
from tracer.web.operations import Operation, answer, describe, read_query, set_up
from tracer.wire.native.annotations import DeleteQuery

bp = Blueprint("deletes", __name__, url_prefix="/api/v1")
set_up(bp)


def _deletes(summary: str) -> Operation:
    return Operation(
        summary=summary,
        query=DeleteQuery,
        answers={200: Deleted},
        problems=(400, 401, 404, 503),
    )


@bp.delete("/traces/<id:trace_id>")
@describe(_deletes("Delete a trace with everything on it"))
def delete_trace(trace_id: str) -> Response:
    """Delete a trace permanently; its late spans are rejected for a day."""
    query = read_query(DeleteQuery)
    contents = delete.trace_contents(project_id(), trace_id)
    if contents is None or not (query.dry_run or delete.delete_trace(project_id(), trace_id)):
        raise NotFound.of("trace", trace_id)
    return answer(deleted(contents, done=not query.dry_run))


@bp.delete("/sessions/<id:session_id>")
@describe(_deletes("Delete a session with all its traces"))
def delete_session(session_id: str) -> Response:
    """Delete a session and its traces permanently."""
    query = read_query(DeleteQuery)
    contents = delete.session_contents(project_id(), session_id)
    if contents is None or not (query.dry_run or delete.delete_session(project_id(), session_id)):
        raise NotFound.of("session", session_id)
    return answer(deleted(contents, done=not query.dry_run))
