"""What forms of comments and scores answer: the part of the page that they were in, anew."""

from __future__ import annotations

from werkzeug.wrappers import Response as AnyResponse

from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import Place
from tracer.ui.trace.context import Choice, common, find_trace, panel_of


def remarks(place: Place, tab: str) -> AnyResponse | str:
    """Return the panel of the trace with this tab, or the marks of the session; or the page."""
    if not is_fragment():
        return place.back(tab)
    if not place.subject.trace_id:
        return render("annotations/_session.html", here=place)
    found = find_trace(place.subject.project_id, place.subject.trace_id)
    chosen = Choice.of(found, place.subject.span_id)
    return render("panel/_panel.html", panel=panel_of(chosen, tab), **common(found))
