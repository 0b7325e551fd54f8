"""What a trace page shows of its trace now: asked for while the trace grows, and by each zoom."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, request, url_for
from werkzeug.http import quote_etag
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.traces.traces import TraceRow
from tracer.times import to_micros
from tracer.ui.base.address import keep, state
from tracer.ui.base.representations import Shown, twin
from tracer.ui.trace import data
from tracer.ui.trace.context import find_row, with_axis
from tracer.ui.trace.head import tree_head_of
from tracer.ui.tree.levels import complete, read_stretch
from tracer.ui.tree.page_token import Stretch
from tracer.ui.waterfall.from_request import given_axis

MOST_PAGES = 40
"""Pages of rows that one answer brings; a page asks for those near to what is in view."""


@twin("/project/<project_id>/traces/<id:trace_id>/live")
def trace_live(project_id: str, trace_id: str) -> Shown | AnyResponse:
    """Show the parts of a trace page that change, as of now; 304 where nothing has.

    ``t`` is the axis of the rows on the page, each ``page`` a stretch of rows that is on it. With
    ``zoom`` (empty: none) the answer is the time axis alone, and the page's new address.
    """
    trace = find_row(project_id, trace_id)
    if "zoom" in request.args and "t" not in request.args:
        # The panel stands beside the log as well, where there is no axis to zoom.
        return Response(headers={"HX-Redirect": _zoomed(trace)})
    axis = given_axis()
    if "zoom" in request.args:
        return Shown(
            "trace/_zoomed.html",
            context=lambda: with_axis(trace, axis),
            data=lambda: data.live(trace, []),
            headers={"HX-Push-Url": _zoomed(trace)},
        )
    etag = {"ETag": quote_etag(version(trace))}
    if version(trace) in request.if_none_match:
        return Response(status=304, headers=etag)
    levels = [read_stretch(project_id, trace_id, stretch) for stretch in _stretches()]
    complete(project_id, trace_id, *levels)
    return Shown(
        "trace/_live.html",
        context=lambda: {
            "levels": levels,
            **with_axis(trace, axis),
            **tree_head_of(trace),
        },
        data=lambda: data.live(trace, levels),
        headers=etag,
    )


def version(trace: TraceRow) -> str:
    """Return what tells two states of a trace apart."""
    return f"{to_micros(trace.updated_at):x}"


def quiet(trace: TraceRow) -> int:
    """Return for how many seconds nothing has come."""
    return max(int((datetime.now(UTC) - trace.updated_at).total_seconds()), 0)


def _stretches() -> list[Stretch]:
    return [Stretch.parse(token) for token in request.args.getlist("page")[:MOST_PAGES]]


def _zoomed(trace: TraceRow) -> str:
    """Return the address of the zoomed page: what is selected stays."""
    selected = {name: value for name, value in state() if name in ("span", "tab")}
    query = keep(zoom=request.args["zoom"], **selected).rstrip("&")
    page = url_for("ui.trace", project_id=trace.project_id, trace_id=trace.trace_id)
    return f"{page}?{query}" if query else page
