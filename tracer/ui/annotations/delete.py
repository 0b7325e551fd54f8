"""Deleting a trace or session: a page that lists its contents, and the form on it."""

from __future__ import annotations

from flask import abort, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.writing import delete as deleting
from tracer.store.writing.delete import Contents
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget, annotation_route


@annotation_route("/delete", "GET")
def delete(target: AnnotationTarget) -> str:
    """Show what a delete would remove."""
    return render("annotations/delete.html", target=target, contents=_contents(target))


@annotation_route("/delete", "POST")
def do_delete(target: AnnotationTarget) -> AnyResponse:
    """Delete the trace or session, and redirect to the list."""
    subject = target.subject
    if subject.trace_id:
        deleting.delete_trace(subject.project_id, subject.trace_id)
    else:
        deleting.delete_session(subject.project_id, subject.session_id)
    return redirect(url_for(f"ui.{target.noun}_list", project_id=subject.project_id), 303)


def _contents(target: AnnotationTarget) -> Contents:
    subject = target.subject
    contents = (
        deleting.trace_contents(subject.project_id, subject.trace_id)
        if subject.trace_id
        else deleting.session_contents(subject.project_id, subject.session_id)
    )
    if contents is None:
        abort(404, f"This {target.noun} does not exist (any more).")
    return contents
