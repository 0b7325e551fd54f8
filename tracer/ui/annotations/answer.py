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
    template, context = shown_with(target, tab, target.subject.span_id)
    return render(template, **context)


def shown_with(
    target: AnnotationTarget, tab: str, span_id: str | None
) -> tuple[str, dict[str, object]]:
    """Return template and context of the trace's panel in ``tab``, or the session's annotations."""
    if not target.subject.trace_id:
        return "annotations/_session.html", session_annotations(target)
    trace = find_trace(target.subject.project_id, target.subject.trace_id)
    panel = panel_of(Selection.read(trace, span_id), tab)
    return "panel/_panel.html", {"panel": panel, **trace_context(trace)}
