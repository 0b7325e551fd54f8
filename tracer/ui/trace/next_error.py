"""Links from one failed span of a trace to the next, at any depth."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.traces import span_tree
from tracer.ui.base.address import preserved_query
from tracer.ui.base.representations import Representations, encode_json, html_and_json
from tracer.ui.trace.context import find_row
from tracer.ui.trace.data import NextErrorData


@html_and_json("/project/<project_id>/traces/<id:trace_id>/error")
def trace_error(project_id: str, trace_id: str) -> Representations | AnyResponse:
    """Redirect to the first failed span that started after the span ``after``, or of the trace."""
    find_row(project_id, trace_id)
    span_id = span_tree.next_error(project_id, trace_id, request.args.get("after"))
    # A script requests the id alone, and selects the row itself if it is on the page.
    if request.endpoint == "ui.trace_error_json":
        return Response(
            encode_json(NextErrorData(span_id=span_id)), content_type="application/json"
        )
    page = url_for("ui.trace", project_id=project_id, trace_id=trace_id)
    return redirect(f"{page}?{preserved_query(span=span_id)}".rstrip("?&"))
