"""The page of a trace: its tree, its waterfall, and the panel beside them."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import abort, request, url_for

from tracer.store.traces.span_detail import get_span
from tracer.ui.base.address import MOST_OPEN, keep
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.representations import Shown, twin
from tracer.ui.panel.trace import document
from tracer.ui.render import json_tree
from tracer.ui.trace import data
from tracer.ui.trace.context import Choice, common, find_row, find_trace, panel_of, with_axis
from tracer.ui.trace.data import Value
from tracer.ui.trace.head import tree_head_of
from tracer.ui.trace.live import quiet, version
from tracer.ui.tree.levels import TreeReader, read_level
from tracer.ui.waterfall.from_request import given_axis

_MOST_DEPTH = 10_000


@twin("/project/<project_id>/traces/<id:trace_id>")
def trace(project_id: str, trace_id: str) -> Shown:
    """Show one trace; ``span`` selects one of its spans and opens the path to it.

    Without a script, ``open`` (repeatable) opens nodes, and ``after`` with ``of`` pages through
    the children of one.
    """
    found = find_trace(project_id, trace_id)
    opened = request.args.getlist("open")[-MOST_OPEN:]
    selected, cursor = request.args.get("span"), request.args.get("after")
    tree = TreeReader(project_id, trace_id, folds=found.status != "running")
    # What was asked for comes first: what is read is not read again, and leaves less room for more.
    if cursor:
        tree.page(request.args.get("of"), cursor)
    if selected:
        tree.reveal(selected)
    tree.open(opened)
    # The last one was asked for just now; it may be behind what is not open any more.
    if opened and opened[-1] not in tree.levels and tree.reveal(opened[-1]):
        tree.open(opened)
    chosen = Choice.of(found, selected)
    return Shown(
        "trace/page.html",
        context=lambda: {
            "forest": tree.forest(),
            "panel": panel_of(chosen),
            "version": version(found),
            "quiet": quiet(found),
            **with_axis(found),
            **tree_head_of(found),
        },
        data=lambda: data.trace_view(chosen.data(), tree.forest()),
    )


@twin("/project/<project_id>/traces/<id:trace_id>/spans")
def trace_spans(project_id: str, trace_id: str) -> Shown:
    """Return a page of children of ``parent`` (absent: the roots) as rows of the tree.

    With ``until`` it is a page of a run, from the cursor ``after`` to that one.
    """
    axis = given_axis()
    try:
        depth = min(int(request.args.get("depth", "0")), _MOST_DEPTH)
    except ValueError:
        abort(400, "This link's place in the tree can't be read. Reload the page.")
    parent, cursor = request.args.get("parent"), request.args.get("after")
    found = find_row(project_id, trace_id)
    folds = found.status != "running"
    until = request.args.get("until")
    level = read_level(project_id, trace_id, parent, cursor, depth, folds=folds, until=until)
    return Shown(
        "tree/_level.html",
        context=lambda: {
            "level": level,
            "wrapped": cursor is None,
            **common(found, axis),
        },
        data=lambda: data.level(level, project_id),
    )


@twin("/project/<project_id>/traces/<id:trace_id>/span")
def trace_span(project_id: str, trace_id: str) -> Shown:
    """Return the panel of the span ``id`` (absent: of the trace), in the tab ``tab``."""
    found = find_trace(project_id, trace_id)
    span_id, tab = request.args.get("id"), request.args.get("tab")
    chosen = Choice.of(found, span_id)
    page = url_for("ui.trace", project_id=project_id, trace_id=trace_id)
    shown = {"span": span_id, "tab": tab, "raw": request.args.get("raw")}
    # The address bar follows the panel, so that a copied address shows the same.
    query = keep() + urlencode({name: value for name, value in shown.items() if value})
    return Shown(
        "panel/_panel.html",
        context=lambda: {"panel": panel_of(chosen), **common(found)},
        data=chosen.data,
        headers={"HX-Replace-Url": f"{page}?{query}" if query else page},
    )


@twin("/project/<project_id>/traces/<id:trace_id>/value")
def trace_value(project_id: str, trace_id: str) -> Shown:
    """Show what lies at JSON pointer ``at`` of a span (absent: of the trace), from ``start`` on."""
    found = find_trace(project_id, trace_id)
    span_id, pointer = request.args.get("id"), request.args.get("at", "")
    start = request.args.get("start", 0, type=int)
    row = get_span(project_id, trace_id, span_id) if span_id else found
    if row is None:
        abort(404, f"This trace has no span “{span_id}”.")
    try:
        value = json_tree.resolve(document(row), pointer)
    except LookupError:
        abort(404, f"There is nothing at {pointer}.")
    return Shown(
        "trace/_value.html" if is_fragment() else "trace/value.html",
        context=lambda: {
            "item": json_tree.view(value, pointer, max(start, 0)),
            "start": start,
            "span_id": span_id,
            "pointer": pointer,
            **common(found),
        },
        data=lambda: Value(pointer=pointer, value=value),
    )
