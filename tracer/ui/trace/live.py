"""The parts of a trace page that change: requested while the trace grows, and for each zoom."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, request, url_for
from werkzeug.http import quote_etag
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.traces.traces import TraceRow
from tracer.times import to_micros
from tracer.ui.base.address import VIEW_ONLY, page_query, preserved_query
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.trace import data
from tracer.ui.trace.context import axis_context, find_row
from tracer.ui.trace.head import tree_head_of
from tracer.ui.tree.lens import lens_page
from tracer.ui.tree.levels import complete, read_page
from tracer.ui.tree.page_token import PageToken
from tracer.ui.waterfall.from_request import requested_axis

MAX_PAGES = 40
"""Pages of rows in one response; the browser requests those near the visible part."""


@html_and_json("/project/<project_id>/traces/<id:trace_id>/live")
def trace_live(project_id: str, trace_id: str) -> Representations | AnyResponse:
    """Return the parts of a trace page that change, as of now; 304 if nothing has changed.

    ``t`` is the axis of the rows on the page, each ``page`` the token of a page of rows. With
    ``zoom`` ("": the whole trace) the response is the time axis alone, with the new address.
    """
    trace = find_row(project_id, trace_id)
    if "zoom" in request.args and "t" not in request.args:
        # The panel is also shown beside the log, which has no axis: go to the tree.
        return Response(headers={"HX-Redirect": _zoomed_url(trace)})
    axis = requested_axis()
    if "zoom" in request.args:
        return Representations(
            "trace/_zoomed.html",
            context=lambda: axis_context(trace, axis),
            data=lambda: data.live_data(trace, []),
            headers={"HX-Push-Url": _zoomed_url(trace)},
        )
    etag = {"ETag": quote_etag(version(trace))}
    if version(trace) in request.if_none_match:
        return Response(status=304, headers=etag)
    levels = [
        (lens_page if token.lens else read_page)(project_id, trace_id, token)
        for token in _page_tokens()
    ]
    complete(project_id, trace_id, *(level for level in levels if not level.token.lens))
    return Representations(
        "trace/_live.html",
        context=lambda: {
            "levels": levels,
            **axis_context(trace, axis),
            **tree_head_of(trace),
        },
        data=lambda: data.live_data(trace, levels),
        headers=etag,
    )


def version(trace: TraceRow) -> str:
    """Return a version of the trace, which differs after each change."""
    return f"{to_micros(trace.updated_at):x}"


def quiet_seconds(trace: TraceRow) -> int:
    """Return the number of seconds since the last change."""
    return max(int((datetime.now(UTC) - trace.updated_at).total_seconds()), 0)


def _page_tokens() -> list[PageToken]:
    return [PageToken.parse(text) for text in request.args.getlist("page")[:MAX_PAGES]]


def _zoomed_url(trace: TraceRow) -> str:
    """Return the address of the zoomed page, with the same span and tab selected."""
    selected = {name: value for name, value in page_query() if name in ("span", "tab")}
    query = preserved_query(*VIEW_ONLY, zoom=request.args["zoom"], **selected).rstrip("&")
    page = url_for("ui.trace", project_id=trace.project_id, trace_id=trace.trace_id)
    return f"{page}?{query}" if query else page
