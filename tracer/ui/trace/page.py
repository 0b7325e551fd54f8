"""The page of a trace: its tree, its waterfall, and the panel beside them."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, abort, request

from tracer import exact_json
from tracer.records import Json
from tracer.store.timeline.lens import LENSES
from tracer.store.traces.span_detail import get_span
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.address import MAX_OPEN
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.panel.trace import document
from tracer.ui.render import excerpt, json_tree
from tracer.ui.trace import data
from tracer.ui.trace.context import (
    Selection,
    axis_context,
    find_row,
    find_shown,
    find_trace,
    panel_of,
    trace_context,
    view_address,
)
from tracer.ui.trace.data import ValueData
from tracer.ui.trace.head import tree_head_of
from tracer.ui.trace.live import quiet_seconds, version
from tracer.ui.tree.lens import lens_forest, lens_level
from tracer.ui.tree.levels import TreeReader, read_level
from tracer.ui.tree.nodes import Forest
from tracer.ui.waterfall.from_request import requested_axis

_MAX_DEPTH = 10_000


@html_and_json("/project/<project_id>/traces/<id:trace_id>")
def trace(project_id: str, trace_id: str) -> Representations:
    """Show one trace; ``span`` selects one of its spans and opens the path to it.

    Without JavaScript, ``open`` (repeatable) opens nodes, and ``after`` with ``of`` pages through
    the children of one node.
    """
    selected = request.args.get("span")
    row = find_shown(project_id, trace_id, selected)
    forest = _forest(row, selected)
    selection = Selection.read(row, selected)
    return Representations(
        "trace/page.html",
        context=lambda: {
            "forest": forest,
            "panel": panel_of(selection),
            "version": version(row),
            "quiet_seconds": quiet_seconds(row),
            **axis_context(row),
            **tree_head_of(row),
        },
        data=lambda: data.trace_data(selection.data(), forest),
    )


def _forest(row: TraceRow, selected: str | None) -> Forest:
    """Return the rows that the query of the request asks for."""
    project_id, trace_id = row.project_id, row.trace_id
    cursor, lens = request.args.get("after"), request.args.get("lens", "")
    folds = row.status != "running"
    if lens in LENSES:
        return lens_forest(project_id, trace_id, lens, cursor, selected, folds=folds)
    opened = request.args.getlist("open")[-MAX_OPEN:]
    tree = TreeReader(project_id, trace_id, folds=folds)
    # Requested nodes are read first: their rows count towards the limit of `tree.open`.
    if cursor:
        tree.page(request.args.get("of"), cursor)
    if selected:
        tree.reveal(selected)
    tree.open(opened)
    # The visitor has just opened the last one; its ancestors may be closed.
    if opened and opened[-1] not in tree.levels and tree.reveal(opened[-1]):
        tree.open(opened)
    return tree.forest()


@html_and_json("/project/<project_id>/traces/<id:trace_id>/spans")
def trace_spans(project_id: str, trace_id: str) -> Representations:
    """Return a page of children of ``parent`` (missing: the roots) as rows of the tree.

    With ``until`` it is a page of a sibling group, from the cursor ``after`` to that one; with
    ``lens`` the page of the lens at the cursor.
    """
    axis = requested_axis()
    try:
        depth = min(int(request.args.get("depth", "0")), _MAX_DEPTH)
    except ValueError:
        abort(400, "This link is not valid. Reload the page.")
    parent, cursor = request.args.get("parent"), request.args.get("after")
    trace = find_row(project_id, trace_id)
    folds = trace.status != "running"
    until = request.args.get("until")
    lens = request.args.get("lens", "")
    if cursor and lens in LENSES:
        level = lens_level(project_id, trace_id, lens, cursor, folds=folds)
    else:
        level = read_level(project_id, trace_id, parent, cursor, depth, folds=folds, until=until)
    return Representations(
        "tree/_level.html",
        context=lambda: {
            "level": level,
            "wrapped": cursor is None,
            **trace_context(trace, axis),
        },
        data=lambda: data.level_data(level, project_id),
    )


@html_and_json("/project/<project_id>/traces/<id:trace_id>/span")
def trace_span(project_id: str, trace_id: str) -> Representations:
    """Return the panel of the span ``id`` (missing: of the trace), in the tab ``tab``."""
    span_id, tab = request.args.get("id"), request.args.get("tab")
    row = find_shown(project_id, trace_id, span_id)
    selection = Selection.read(row, span_id)
    shown = {"span": span_id, "tab": tab, "raw": request.args.get("raw")}
    shown["all"] = request.args.get("all")
    return Representations(
        "panel/_panel.html",
        context=lambda: {"panel": panel_of(selection), **trace_context(row)},
        data=selection.data,
        # The address bar follows the panel, so that a copied address shows the same panel.
        headers={"HX-Replace-Url": view_address(row, shown)},
    )


@html_and_json("/project/<project_id>/traces/<id:trace_id>/value")
def trace_value(project_id: str, trace_id: str) -> Representations | Response:
    """Show the value at JSON pointer ``at`` of a span or the trace, from item ``start`` on.

    ``text`` is the digest of a text within the value, or ``all``: show the text whole. With
    ``as=text`` return the value as plain text.
    """
    trace = find_trace(project_id, trace_id)
    span_id, pointer = request.args.get("id"), request.args.get("at", "")
    start = request.args.get("start", 0, type=int)
    row = get_span(project_id, trace_id, span_id) if span_id else trace
    if row is None:
        abort(404, f"This trace has no span “{span_id}”.")
    try:
        value = json_tree.resolve(document(row), pointer)
    except LookupError:
        abort(404, f"There is no value at {pointer}.")
    text = _text_of(value, request.args["text"]) if "text" in request.args else None
    if request.args.get("as") == "text":
        shown = exact_json.to_indented_text(value) if text is None else text
        return Response(shown, content_type="text/plain; charset=utf-8")
    context = {"span_id": span_id, "pointer": pointer, "copy_url": _copy_url()}
    if text is not None:
        return Representations(
            "trace/_text.html" if is_fragment() else "trace/value.html",
            context=lambda: {
                "text": excerpt.separated(text),
                "long_line": excerpt.has_long_line(text),
                "code": bool(request.args.get("code")),
                **context,
                **trace_context(trace),
            },
            data=lambda: ValueData(pointer=pointer, value=text),
        )
    return Representations(
        "trace/_value.html" if is_fragment() else "trace/value.html",
        context=lambda: {
            "item": json_tree.view(value, pointer, max(start, 0)),
            "start": start,
            **context,
            **trace_context(trace),
        },
        data=lambda: ValueData(pointer=pointer, value=value),
    )


def _text_of(value: Json, wanted: str) -> str:
    text = (
        exact_json.to_indented_text(value) if wanted == "all" else excerpt.find_text(value, wanted)
    )
    return abort(404, "This value has no such text; it may have changed.") if text is None else text


def _copy_url() -> str:
    """Return the address of the shown value as plain text."""
    return "?" + urlencode([*request.args.items(), ("as", "text")])
