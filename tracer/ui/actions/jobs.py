"""The pages of bulk jobs: the latest ones, and one with its progress and the button to undo it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Conflict
from tracer.store.database.session import transaction
from tracer.store.jobs import jobs
from tracer.store.jobs.exports import expires_at
from tracer.store.jobs.jobs import JobRow
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.representations import Representations, html_and_json
from tracer.web.answers import jobs as answers
from tracer.web.answers.jobs import Jobs


@html_and_json("/project/<project_id>/jobs")
def job_list(project_id: str) -> Representations:
    """Show the latest jobs of the project."""
    rows = jobs.list_jobs(project_id)
    return Representations(
        "actions/jobs.html",
        context=lambda: {"project_id": project_id, "rows": rows, "describe": describe},
        data=lambda: Jobs(data=[answers.job(row) for row in rows]),
    )


@html_and_json("/project/<project_id>/jobs/<id:job_id>")
def job(project_id: str, job_id: str) -> Representations:
    """Show a job; raises NotFound."""
    row = jobs.get_job(project_id, job_id)
    return Representations(
        "actions/job.html",
        context=lambda: {
            "project_id": project_id,
            "job": row,
            "description": describe(row),
            "file_until": expires_at(row),
            "is_open": row.status in (jobs.WAITING, jobs.RUNNING),
        },
        data=lambda: answers.job(row),
    )


@bp.post("/project/<project_id>/jobs/<id:job_id>/undo")
def undo_job(project_id: str, job_id: str) -> AnyResponse:
    """Undo a job that waits; refused once it has started."""
    try:
        with transaction():
            jobs.undo_job(project_id, job_id)
    except Conflict as error:
        refuse(str(error))
    return redirect(url_for("ui.job", project_id=project_id, job_id=job_id), 303)


def describe(row: JobRow) -> str:
    """Return what a job does, such as ``tag +reviewed −new``."""
    change: Mapping[str, Any] = row.change
    action = str(change.get("action", ""))
    if action == "tag":
        edits = sorted(change.get("edits", {}).items(), key=lambda edit: (not edit[1], edit[0]))
        return "tag " + " ".join(f"{'+' if is_added else '−'}{tag}" for tag, is_added in edits)
    if action == "score":
        value = change.get("string_value") or change.get("value")
        return f"score {change.get('name')}: {value}"
    if action == "export":
        wanted = change.get("wanted", {})
        return f"export as {wanted.get('format')}{' with spans' if wanted.get('spans') else ''}"
    if action == "bookmark" and not change.get("there", True):
        return "remove the bookmarks"
    return action
