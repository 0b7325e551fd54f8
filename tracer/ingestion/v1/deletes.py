"""Deletes of traces and sessions, and previews of what a delete removes."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from tracer.errors import NotFound
from tracer.ingestion.v1.jobs import API
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.jobs.deletions import contents_of, delete_subject
from tracer.web.answers.annotations import Deleted, deleted
from tracer.web.answers.jobs import Job, job
from tracer.web.keys import current_project_id
from tracer.web.operations import Operation, answer, describe, read_query, set_up
from tracer.wire.native.annotations import DeleteQuery

bp = Blueprint("deletes", __name__, url_prefix="/api/v1")
set_up(bp)


def _delete_operation(summary: str) -> Operation:
    return Operation(
        summary=summary,
        query=DeleteQuery,
        answers={200: Deleted, 202: Job},
        problems=(400, 401, 404, 503),
    )


@bp.delete("/traces/<id:trace_id>")
@describe(_delete_operation("Delete a trace with everything on it; a large one in the background"))
def delete_trace(trace_id: str) -> Response:
    """Delete a trace permanently; spans of it that arrive within a day are rejected."""
    return _delete(Subject(project_id=current_project_id(), trace_id=trace_id))


@bp.delete("/sessions/<id:session_id>")
@describe(_delete_operation("Delete a session with all its traces; a large one in the background"))
def delete_session(session_id: str) -> Response:
    """Delete a session and its traces permanently."""
    return _delete(Subject(project_id=current_project_id(), session_id=session_id))


def _delete(subject: Subject) -> Response:
    """Delete a trace or session, or create a job for it: 202 with the address of the job."""
    query = read_query(DeleteQuery)
    contents = contents_of(subject)
    if contents is None:
        noun = "trace" if subject.trace_id else "session"
        raise NotFound.of(noun, subject.trace_id or subject.session_id)
    made = (
        None if query.dry_run else delete_subject(subject, contents, author=Author(author_id=API))
    )
    if made is None:
        return answer(deleted(contents, done=not query.dry_run))
    address = url_for("api.jobs.read_job", job_id=made.job_id)
    return answer(job(made), 202, {"Location": address})
