"""Exports of traces and sessions as files, in all export formats."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.api.v1.queries import ExportQuery
from tracer.errors import NotFound
from tracer.export.formats import FORMATS
from tracer.store.traces import sessions
from tracer.web.downloads import session_file, trace_file
from tracer.web.keys import project_id
from tracer.web.operations import READ_PROBLEMS, Operation, describe, read_query, set_up

bp = Blueprint("exports", __name__, url_prefix="/api/v1")
set_up(bp)

_MEDIA = tuple(dict.fromkeys(form.content_type.partition(";")[0] for form in FORMATS.values()))


@bp.get("/traces/<id:trace_id>/export")
@describe(
    Operation(
        summary="Export a whole trace",
        query=ExportQuery,
        answers={},
        files=_MEDIA,
        problems=READ_PROBLEMS,
    )
)
def export_trace(trace_id: str) -> Response:
    """Return a file with a whole trace, read from one snapshot."""
    query = read_query(ExportQuery)
    response = trace_file(project_id(), trace_id, query.format, query.budget)
    if response is None:
        raise NotFound.of("trace", trace_id)
    return response


@bp.get("/sessions/<id:session_id>/export")
@describe(
    Operation(
        summary="Export the traces of a session as JSON",
        answers={},
        files=("application/json",),
        problems=READ_PROBLEMS,
    )
)
def export_session(session_id: str) -> Response:
    """Return a file with all traces of a session, read from one snapshot."""
    if sessions.get_session(project_id(), session_id) is None:
        raise NotFound.of("session", session_id)
    return session_file(project_id(), session_id)
