"""Exports of traces, sessions and selections of traces as files."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.api.v1.existing import existing_session
from tracer.api.v1.queries import LIST_PROBLEMS, ExportQuery, SelectionExport
from tracer.errors import NotFound
from tracer.export.formats import FORMATS
from tracer.export.selections.write import FORMATS as FILES
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.store.jobs.exports import read_file
from tracer.store.query.selection import Selection
from tracer.web.downloads import export_spec, job_file, selection_file, session_file, trace_file
from tracer.web.keys import current_project_id
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
    response = trace_file(current_project_id(), trace_id, query.format, query.budget)
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
    existing_session(session_id)
    return session_file(current_project_id(), session_id)


_FILES = tuple(form.content_type.partition(";")[0] for form in FILES.values())


@bp.get("/export")
@describe(
    Operation(
        summary="Export the traces that a query selects, up to 100,000",
        query=SelectionExport,
        answers={},
        files=_FILES,
        problems=(*LIST_PROBLEMS, 413),
    )
)
def export_selection() -> Response:
    """Return a file with the traces of a selection, alone or with their spans."""
    query = read_query(SelectionExport)
    selection = Selection(parse(query.q or "", Grain.TRACE))
    spec = export_spec(query.format, query.columns or "", spans=query.spans)
    return selection_file(current_project_id(), selection, query.sort, spec)


@bp.get("/exports/<id:job_id>")
@describe(
    Operation(
        summary="Read the file of an export job",
        answers={},
        files=_FILES,
        problems=READ_PROBLEMS,
    )
)
def read_export(job_id: str) -> Response:
    """Return the file of a finished job; it is kept for a day."""
    return job_file(read_file(current_project_id(), job_id))
