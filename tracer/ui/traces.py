"""The list of traces, and the page of one: its tree, its waterfall, and the panel beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Response, abort, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.records import STATUSES
from tracer.store import scores, spans, traces
from tracer.store.traces import TraceDetail, TraceFilter
from tracer.ui import jsonview
from tracer.ui.filters import BadFilter, Filters
from tracer.ui.markdown import code
from tracer.ui.pages import bp, is_fragment
from tracer.ui.panel import Panel, document, trace_panel
from tracer.ui.spanpanel import FLAGS, span_panel
from tracer.ui.start import python_program
from tracer.ui.timeline import Axis
from tracer.ui.tree import TreeReader, read_level

_FIELDS = ("status", "name", "environment", "tag", "user", "session", "from", "to")
# Addresses have an end; the oldest are forgotten first.
_MOST_OPEN = 20
_MOST_DEPTH = 10_000


@bp.get("/project/<project_id>/traces")
def trace_list(project_id: str) -> str | AnyResponse:
    """Show traces, newest first; before there are any, how to send one."""
    filters = Filters(request.args, _FIELDS, url_for("ui.trace_list", project_id=project_id))
    page = traces.list_traces(project_id, _condition(filters), request.args.get("cursor"))
    if not page.items and not traces.has_traces(project_id):
        if is_fragment():
            return Response(status=204)
        endpoint = request.host_url.rstrip("/")
        program = code(python_program(endpoint), "python")
        return render_template("start.html", endpoint=endpoint, program=program)
    if is_fragment():
        # The start page asks whether something has come: it has.
        return Response(headers={"HX-Refresh": "true"})
    facets = traces.facets(project_id)
    return render_template(
        "traces/list.html",
        page=page,
        filters=filters,
        picks=[
            filters.pick("status", "Any status", STATUSES),
            filters.pick("name", "Any name", facets.names),
            filters.pick("environment", "Any environment", facets.environments),
            filters.pick("tag", "Any tag", facets.tags),
            filters.period(),
        ],
    )


def _condition(filters: Filters) -> TraceFilter:
    now = datetime.now(UTC)
    try:
        since, until = filters.time("from", now), filters.time("to", now)
    except BadFilter as error:
        abort(400, str(error))
    return TraceFilter(
        since=since,
        until=until,
        name=filters.get("name"),
        user_id=filters.get("user"),
        session_id=filters.get("session"),
        environment=filters.get("environment"),
        tag=filters.get("tag"),
        status=filters.get("status"),
    )


@bp.get("/project/<project_id>/traces/<id:trace_id>")
def trace(project_id: str, trace_id: str) -> str:
    """Show one trace; ``span`` selects one of its spans and opens the path to it.

    Without a script, ``open`` (repeatable) opens nodes, and ``after`` with ``of`` pages through
    the children of one.
    """
    found = _trace(project_id, trace_id)
    opened = request.args.getlist("open")[-_MOST_OPEN:]
    selected, cursor = request.args.get("span"), request.args.get("after")
    tree = TreeReader(project_id, trace_id)
    # First of all: what is read is not read again, so this page stays.
    if cursor:
        tree.page(request.args.get("of"), cursor)
    tree.open(opened)
    # The last one was asked for just now; it may be behind what is not open any more.
    if opened and opened[-1] not in tree.levels and tree.reveal(opened[-1]):
        tree.open(opened)
    if selected:
        tree.reveal(selected)
    keep = urlencode([("open", span_id) for span_id in opened])
    return render_template(
        "traces/trace.html",
        forest=tree.forest(),
        axis=_axis(found),
        selected=selected,
        keep=f"{keep}&" if keep else "",
        panel=_panel(found, selected),
        **_common(found),
    )


@bp.get("/project/<project_id>/traces/<id:trace_id>/spans")
def trace_spans(project_id: str, trace_id: str) -> str:
    """Return a page of children of ``parent`` (absent: the roots) as rows of the tree."""
    try:
        axis = Axis.parse(request.args.get("t", ""))
        depth = min(int(request.args.get("depth", "0")), _MOST_DEPTH)
    except ValueError:
        abort(400, "This link's time axis can't be read. Reload the page.")
    parent, cursor = request.args.get("parent"), request.args.get("after")
    found = _trace(project_id, trace_id)
    return render_template(
        "traces/_level.html",
        level=read_level(project_id, trace_id, parent, cursor, depth),
        wrapped=cursor is None,
        axis=axis,
        selected=None,
        keep="",
        **_common(found),
    )


@bp.get("/project/<project_id>/traces/<id:trace_id>/span")
def trace_span(project_id: str, trace_id: str) -> AnyResponse | str:
    """Return the panel of the span ``id`` (absent: of the trace), in the tab ``tab``."""
    found = _trace(project_id, trace_id)
    span_id, tab = request.args.get("id"), request.args.get("tab")
    html = render_template(
        "traces/_panel.html", keep="", panel=_panel(found, span_id), **_common(found)
    )
    page = url_for("ui.trace", project_id=project_id, trace_id=trace_id)
    shown = {"span": span_id, "tab": tab, "raw": request.args.get("raw")}
    # The address bar follows the panel, so that a copied address shows the same.
    query = urlencode({name: value for name, value in shown.items() if value})
    return Response(html, headers={"HX-Replace-Url": f"{page}?{query}" if query else page})


@bp.get("/project/<project_id>/traces/<id:trace_id>/value")
def trace_value(project_id: str, trace_id: str) -> str:
    """Show what lies at JSON pointer ``at`` of a span (absent: of the trace), from ``start`` on."""
    found = _trace(project_id, trace_id)
    span_id, pointer = request.args.get("id"), request.args.get("at", "")
    start = request.args.get("start", 0, type=int)
    row = spans.get_span(project_id, trace_id, span_id) if span_id else found
    if row is None:
        abort(404, f"This trace has no span “{span_id}”.")
    try:
        value = jsonview.resolve(document(row), pointer)
    except LookupError:
        abort(404, f"There is nothing at {pointer}.")
    template = "traces/_value.html" if is_fragment() else "traces/value.html"
    item = jsonview.view(value, pointer, max(start, 0))
    return render_template(
        template, item=item, start=start, span_id=span_id, pointer=pointer, **_common(found)
    )


def _trace(project_id: str, trace_id: str) -> TraceDetail:
    found = traces.get_trace(project_id, trace_id)
    if found is None:
        abort(
            404,
            f"This project has no trace “{trace_id}”. It may not have been sent yet:"
            " applications send spans in batches, some seconds after they end.",
        )
    return found


def _common(found: TraceDetail) -> dict[str, object]:

    def url(endpoint: str) -> str:
        return url_for(endpoint, project_id=found.project_id, trace_id=found.trace_id)

    return {
        "trace": found,
        "flags": FLAGS,
        "page_url": url("ui.trace"),
        "spans_url": url("ui.trace_spans"),
        "panel_url": url("ui.trace_span"),
        "value_url": url("ui.trace_value"),
    }


def _axis(found: TraceDetail) -> Axis:
    running = found.status == "running"
    # The latest end known is behind the truth while spans are open.
    end = datetime.now(UTC) if running else found.end_time
    return Axis(found.start_time, max(end, found.start_time), running)


def _panel(found: TraceDetail, span_id: str | None) -> Panel | None:
    """Return the panel of the span, of the trace where none is asked for, None if there is none."""
    tab, raw = request.args.get("tab", ""), bool(request.args.get("raw"))
    now = datetime.now(UTC)
    key = (found.project_id, found.trace_id)
    if span_id is None:
        judged = [
            score for score in scores.list_scores(key[0], trace_id=key[1]) if not score.span_id
        ]
        return trace_panel(found, judged, tab, raw=raw, now=now)
    span = spans.get_span(*key, span_id)
    if span is None:
        return None
    judged = scores.list_scores(key[0], trace_id=key[1], span_id=span_id)
    return span_panel(span, found, judged, tab, raw=raw, now=now)
