"""The context of a trace's pages: the trace, its addresses, its time axis, its panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import unquote

from flask import abort, request, url_for

from tracer.analysis.context.calls import CallReader
from tracer.store.analyses.activity import read_activity_profile
from tracer.store.annotations import comments
from tracer.store.annotations.comments import CommentRow
from tracer.store.annotations.subjects import Subject
from tracer.store.parts.assemble import Assembler
from tracer.store.scores import scores
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces import traces
from tracer.store.traces.model_calls import read_context
from tracer.store.traces.span_detail import (
    BESIDE_MESSAGES,
    WIDE,
    SpanDetail,
    assembler,
    get_span,
)
from tracer.store.traces.traces import TraceDetail, TraceRow
from tracer.ui.base import address
from tracer.ui.base.representations import wants_json
from tracer.ui.base.subjects import target_of
from tracer.ui.base.visitor import current_visitor
from tracer.ui.panel.span import span_panel
from tracer.ui.panel.tool_calls import link_tool_calls
from tracer.ui.panel.trace import Panel, trace_panel
from tracer.ui.panel.usual import usual_span, usual_trace
from tracer.ui.trace import data
from tracer.ui.trace.data import SelectionData
from tracer.ui.trace.head import hit_buckets, lenses
from tracer.ui.waterfall.axis import Axis
from tracer.ui.waterfall.from_request import axis_of, base_axis, requested_zoom
from tracer.ui.waterfall.minimap import Minimap
from tracer.ui.waterfall.window import Window
from tracer.web.access.check import may

VIEWS = (
    *("ui.trace", "ui.trace_transcript", "ui.trace_log"),
    *("ui.trace_statistics", "ui.trace_findings"),
)
"""The pages of a trace that have a panel; the tree is the first."""
_WHOLE_TABS = ("metadata", "mapping", "raw")
"""Tabs of a span's panel that show more of its payload than its messages."""


def find_trace(project_id: str, trace_id: str) -> TraceDetail:
    """Return the trace with input, output and metadata; 404 if it does not exist."""
    return traces.get_trace(project_id, trace_id) or _no_trace(trace_id)


def find_row(project_id: str, trace_id: str) -> TraceRow:
    """Return the trace without input, output and metadata; 404 if it does not exist."""
    return traces.get_row(project_id, trace_id) or _no_trace(trace_id)


def find_shown(project_id: str, trace_id: str, span_id: str | None) -> TraceRow:
    """Return the trace, with its input, output and metadata where the panel shows them."""
    # The panel of a span shows none of them.
    return (find_row if span_id is not None else find_trace)(project_id, trace_id)


def _no_trace(trace_id: str) -> NoReturn:
    abort(
        404,
        f"This project has no trace “{trace_id}”. It may not have been sent yet:"
        " applications send spans in batches, some seconds after they end.",
    )


def trace_context(trace: TraceRow, base: Axis | None = None) -> dict[str, object]:
    """Return the context of every page and fragment of a trace.

    ``base`` is the axis of the rows that are on the page already.
    """

    def url(endpoint: str) -> str:
        return url_for(endpoint, project_id=trace.project_id, trace_id=trace.trace_id)

    return {
        "trace": trace,
        # Without a target there are no forms.
        "target": target_of(trace, trace.project_id) if may("edit") else None,
        "visitor": current_visitor(),
        "axis": base or axis_of(trace),
        "selected": address.page_parameter("span"),
        "preserved": address.preserved_query(),
        "preserved_query": address.preserved_query,
        "page_url": url("ui.trace"),
        "spans_url": url("ui.trace_spans"),
        "panel_url": url("ui.trace_span"),
        "value_url": url("ui.trace_value"),
        "live_url": url("ui.trace_live"),
        "error_url": url("ui.trace_error"),
    }


def view_address(trace: TraceRow, shown: Mapping[str, str | None]) -> str:
    """Return the address of the view that the visitor is in, with the parameters ``shown``.

    A request that comes from no view of the trace gets the address of the tree.
    """
    views = [
        url_for(endpoint, project_id=trace.project_id, trace_id=trace.trace_id)
        for endpoint in VIEWS
    ]
    current = address.page_path()
    page = next((view for view in views if unquote(view) == current), views[0])
    query = address.preserved_query(**shown).rstrip("&")
    return f"{page}?{query}" if query else page


def axis_context(trace: TraceRow, base: Axis | None = None) -> dict[str, object]:
    """Return `trace_context` with the context of the time axis and the minimap."""
    profile = read_activity_profile(trace)
    base = base or base_axis(trace, profile)
    window = Window(base, axis_of(trace), requested_zoom())
    return trace_context(trace, base) | {
        "window": window,
        "minimap": Minimap(profile, window),
        "hit_buckets": hit_buckets(trace, window.axis),
        "lenses": lenses(trace),
        "lens": address.page_parameter("lens") or "",
    }


@dataclass(frozen=True, slots=True)
class Selection:
    """The subject of the panel: the selected span, or without one the trace."""

    trace: TraceRow
    span_id: str | None
    span: SpanDetail | None
    """None also if the trace has no span with that id."""
    parts: Assembler
    """The parts of the span's payload."""
    scores: list[ScoreRow]
    comments: list[CommentRow]
    """The comments of a trace include those on its spans."""

    @classmethod
    def read(cls, trace: TraceRow, span_id: str | None) -> Selection:
        """Read the span with its scores and comments, or for None those of the trace.

        The span's payload has what the requested tab or the JSON representation shows.
        """
        project_id, trace_id = trace.project_id, trace.trace_id
        subject = Subject(project_id=project_id, trace_id=trace_id, span_id=span_id)
        comment_rows, score_rows = [], []
        # The row of the trace has the numbers of both.
        if trace.comment_count:
            comment_rows = comments.list_comments(subject)
        if trace.scores:
            score_rows = scores.list_scores(project_id, trace_id=trace_id, span_id=span_id)
        if span_id is None:
            of_trace = [score for score in score_rows if not score.span_id]
            return cls(trace, None, None, assembler(project_id), of_trace, comment_rows)
        parts = assembler(project_id)
        whole = wants_json() or request.args.get("tab") in _WHOLE_TABS
        columns = WIDE if whole else BESIDE_MESSAGES
        span = get_span(project_id, trace_id, span_id, columns, parts)
        return cls(trace, span_id, span, parts, score_rows if span else [], comment_rows)

    @property
    def whole_trace(self) -> TraceDetail:
        """The trace with its input, output and metadata, which are read if they are not yet."""
        trace = self.trace
        if isinstance(trace, TraceDetail):
            return trace
        return find_trace(trace.project_id, trace.trace_id)

    def data(self) -> SelectionData:
        """Return the JSON representation; 404 if there is no such span."""
        if self.span_id is not None and self.span is None:
            abort(404, f"This trace has no span “{self.span_id}”.")
        return data.selection_data(self.whole_trace, self.span, self.scores, self.comments)


def panel_of(selection: Selection, tab: str = "") -> Panel | None:
    """Return the panel of the selection in ``tab`` ("": of the request); None: no such span."""
    tab, raw = tab or request.args.get("tab", ""), bool(request.args.get("raw"))
    now = datetime.now(UTC)
    annotations = selection.scores, selection.comments
    project_id = selection.trace.project_id
    if selection.span_id is None:
        panel = trace_panel(selection.whole_trace, *annotations, tab, raw=raw)
        panel.usual = usual_trace(selection.trace)
    elif selection.span is None:
        return None
    else:
        context, reader = None, CallReader()
        if tab == "context" or (tab in ("", "io") and not raw):
            count = selection.trace.span_count
            context = read_context(
                project_id, selection.span, selection.parts, reader, span_count=count
            )
        everything = bool(request.args.get("all"))
        # The mapping compares attributes with the trace's input and output as well.
        trace = selection.whole_trace if tab == "mapping" else selection.trace
        panel = span_panel(
            *(selection.span, trace, *annotations, tab),
            raw=raw,
            now=now,
            context=context,
            everything=everything,
            read=reader.messages,
        )
        panel.usual = usual_span(project_id, selection.span)
    if panel.tab == "io" and selection.span is not None:
        link_tool_calls(panel, selection.span, project_id)
    if panel.tab == "scores":
        panel.score_kinds = scores.list_kinds(project_id)
    return panel
