"""Deleting a trace or session: first what would go, then that it goes."""

from __future__ import annotations

from flask import abort, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.writing import delete as deleting
from tracer.store.writing.delete import Contents
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import Place, marks


@marks("/delete", "GET")
def delete(place: Place) -> str:
    """Show what a delete would take away."""
    return render("annotations/delete.html", here=place, contents=_contents(place))


@marks("/delete", "POST")
def do_delete(place: Place) -> AnyResponse:
    """Delete it, for good."""
    subject = place.subject
    if subject.trace_id:
        deleting.delete_trace(subject.project_id, subject.trace_id)
    else:
        deleting.delete_session(subject.project_id, subject.session_id)
    return redirect(url_for(f"ui.{place.noun}_list", project_id=subject.project_id), 303)


def _contents(place: Place) -> Contents:
    subject = place.subject
    found = (
        deleting.trace_contents(subject.project_id, subject.trace_id)
        if subject.trace_id
        else deleting.session_contents(subject.project_id, subject.session_id)
    )
    if found is None:
        abort(404, f"This {place.noun} is not here any more.")
    return found
