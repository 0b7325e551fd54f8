"""From one failed span of a trace to the next, however deep it is."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.traces import span_tree
from tracer.ui.base.address import keep
from tracer.ui.base.representations import Shown, encoded, twin
from tracer.ui.trace.context import find_row
from tracer.ui.trace.data import Step


@twin("/project/<project_id>/traces/<id:trace_id>/error")
def trace_error(project_id: str, trace_id: str) -> Shown | AnyResponse:
    """Go to the failed span that began next after the span ``after`` (absent: to the first)."""
    find_row(project_id, trace_id)
    found = span_tree.next_error(project_id, trace_id, request.args.get("after"))
    # A script asks which it is, and goes there by itself where its row is on the page.
    if request.endpoint == "ui.trace_error_json":
        return Response(encoded(Step(span_id=found)), content_type="application/json")
    page = url_for("ui.trace", project_id=project_id, trace_id=trace_id)
    return redirect(f"{page}?{keep(span=found)}".rstrip("?&"))
