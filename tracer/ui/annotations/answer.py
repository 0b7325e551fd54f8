"""The response to a comment or score form: the part of the page that the form was in."""

from __future__ import annotations

from werkzeug.wrappers import Response as AnyResponse

from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget
from tracer.ui.session.page import session_annotations
from tracer.ui.trace.context import Selection, find_trace, panel_of, trace_context


def annotations_of(target: AnnotationTarget, tab: str) -> AnyResponse | str:
    """Return the panel of the trace in ``tab``, or the session's annotations.

    A browser without htmx is redirected to the page.
    """
    if not is_fragment():
        return target.redirect_back(tab)
    if not target.subject.trace_id:
        return render("annotations/_session.html", **session_annotations(target))
    trace = find_trace(target.subject.project_id, target.subject.trace_id)
    selection = Selection.read(trace, target.subject.span_id)
    return render("panel/_panel.html", panel=panel_of(selection, tab), **trace_context(trace))
