"""Deleting a trace or session: a page that lists its contents, and the form on it."""

from __future__ import annotations

from typing import Final

from flask import abort, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.subjects import Subject
from tracer.store.database.session import transaction
from tracer.store.jobs import jobs
from tracer.store.jobs.changes import Delete
from tracer.store.writing import delete as deleting
from tracer.store.writing.delete import Contents
from tracer.ui.annotations.bulk import UNDO_SECONDS
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import author
from tracer.ui.lists.list_query import term

MOST_AT_ONCE: Final = 500
"""Traces of a session that one request deletes; a job deletes more."""


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
    elif _contents(target).traces > MOST_AT_ONCE:
        return _delete_in_background(subject)
    else:
        deleting.delete_session(subject.project_id, subject.session_id)
    return redirect(url_for(f"ui.{target.noun}_list", project_id=subject.project_id), 303)


def _delete_in_background(subject: Subject) -> AnyResponse:
    """Make a job that deletes the traces of a session, and lead to its progress."""
    session_id = subject.session_id
    with transaction():
        made = jobs.create_job(
            subject.project_id,
            Delete(),
            lambda table: table.c.session_id == session_id,
            query=term("session", session_id),
            delay=UNDO_SECONDS,
            author=author(),
        )
    return redirect(url_for("ui.job", project_id=subject.project_id, job_id=made.job_id), 303)


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
