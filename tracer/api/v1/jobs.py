"""Reads of bulk jobs."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.store.jobs import jobs
from tracer.web.answers.jobs import Job, Jobs, job
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, set_up

bp = Blueprint("jobs", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.get("/jobs")
@describe(Operation(summary="List bulk jobs", answers={200: Jobs}, problems=(400, 401)))
def list_jobs() -> Response:
    """Return the latest jobs of the project."""
    return answer(Jobs(data=[job(row) for row in jobs.list_jobs(current_project_id())]))


@bp.get("/jobs/<id:job_id>")
@describe(Operation(summary="Read a bulk job", answers={200: Job}, problems=READ_PROBLEMS))
def read_job(job_id: str) -> Response:
    """Return a job with its progress."""
    return answer(job(jobs.get_job(current_project_id(), job_id)))
