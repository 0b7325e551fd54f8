"""Deleting a trace or session: a page that lists its contents, and the form on it."""

from __future__ import annotations

from flask import abort, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.jobs.deletions import contents_of, delete_subject
from tracer.store.writing.delete import Contents
from tracer.ui.actions.bulk import UNDO_SECONDS
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import author


@annotation_route("/delete", "GET")
def delete(target: AnnotationTarget) -> str:
    """Show what a delete would remove."""
    return render("actions/delete.html", target=target, contents=_contents(target))


@annotation_route("/delete", "POST")
def do_delete(target: AnnotationTarget) -> AnyResponse:
    """Delete the trace or session, and redirect to the list, or to the progress of the job."""
    project_id = target.subject.project_id
    job = delete_subject(target.subject, _contents(target), delay=UNDO_SECONDS, author=author())
    if job is not None:
        return redirect(url_for("ui.job", project_id=project_id, job_id=job.job_id), 303)
    return redirect(url_for(f"ui.{target.noun}_list", project_id=project_id), 303)


def _contents(target: AnnotationTarget) -> Contents:
    contents = contents_of(target.subject)
    if contents is None:
        abort(404, f"This {target.noun} does not exist; it may have been deleted.")
    return contents
