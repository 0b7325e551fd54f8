"""What the pages of one trace share: the trace itself, its addresses, and the panel beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from flask import abort, request, url_for

from tracer.store.analyses.activity import read_activity_profile
from tracer.store.annotations import comments
from tracer.store.annotations.comments import CommentRow
from tracer.store.annotations.subjects import Subject
from tracer.store.scores import scores
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces import traces
from tracer.store.traces.span_detail import SpanDetail, get_span
from tracer.store.traces.traces import TraceDetail, TraceRow
from tracer.ui.base import address
from tracer.ui.base.subjects import place_of
from tracer.ui.panel.span import span_panel
from tracer.ui.panel.trace import Panel, trace_panel
from tracer.ui.trace import data
from tracer.ui.trace.data import Selected
from tracer.ui.waterfall.axis import Axis
from tracer.ui.waterfall.from_request import axis_of, base_axis, given_zoom
from tracer.ui.waterfall.minimap import Minimap
from tracer.ui.waterfall.window import Window


def find_trace(project_id: str, trace_id: str) -> TraceDetail:
    """Return the trace with its texts; 404 where there is none."""
    return traces.get_trace(project_id, trace_id) or _no_trace(trace_id)


def find_row(project_id: str, trace_id: str) -> TraceRow:
    """Return the trace without its texts; 404 where there is none."""
    return traces.get_row(project_id, trace_id) or _no_trace(trace_id)


def _no_trace(trace_id: str) -> NoReturn:
    abort(
        404,
        f"This project has no trace “{trace_id}”. It may not have been sent yet:"
        " applications send spans in batches, some seconds after they end.",
    )


def common(found: TraceRow, base: Axis | None = None) -> dict[str, object]:
    """Return what every page and fragment of a trace is rendered with.

    ``base`` is the axis that the rows lie on which are on the page already.
    """

    def url(endpoint: str) -> str:
        return url_for(endpoint, project_id=found.project_id, trace_id=found.trace_id)

    return {
        "trace": found,
        "here": place_of(found, found.project_id),
        "axis": base or axis_of(found),
        "selected": address.chosen("span"),
        "keep": address.keep(),
        "keep_but": address.keep,
        "page_url": url("ui.trace"),
        "spans_url": url("ui.trace_spans"),
        "panel_url": url("ui.trace_span"),
        "value_url": url("ui.trace_value"),
        "live_url": url("ui.trace_live"),
        "error_url": url("ui.trace_error"),
    }


def with_axis(found: TraceRow, base: Axis | None = None) -> dict[str, object]:
    """Return what `common` does, and what the head of the tree is rendered with."""
    outline = read_activity_profile(found)
    base = base or base_axis(found, outline)
    window = Window(base, axis_of(found), given_zoom())
    return common(found, base) | {
        "window": window,
        "minimap": Minimap(outline, window),
        "neighbours": traces.neighbours(found),
    }


@dataclass(frozen=True, slots=True)
class Choice:
    """What the panel is about: the span that is selected, or where none is the trace."""

    trace: TraceDetail
    span_id: str | None
    span: SpanDetail | None
    """None also where the trace has no span of that id."""
    scores: list[ScoreRow]
    comments: list[CommentRow]
    """Of the trace: those on its spans too."""

    @classmethod
    def of(cls, trace: TraceDetail, span_id: str | None) -> Choice:
        """Read the span with its scores and comments, or those of the trace."""
        project_id, trace_id = trace.project_id, trace.trace_id
        subject = Subject(project_id=project_id, trace_id=trace_id, span_id=span_id)
        said, judged = [], []
        # The trace has told already whether there are any.
        if trace.comment_count:
            said = comments.list_comments(subject)
        if trace.scores:
            judged = scores.list_scores(project_id, trace_id=trace_id, span_id=span_id)
        if span_id is None:
            judged = [score for score in judged if not score.span_id]
            return cls(trace, None, None, judged, said)
        span = get_span(project_id, trace_id, span_id)
        return cls(trace, span_id, span, judged if span else [], said)

    def data(self) -> Selected:
        """Return what the twin says; 404 where there is no such span."""
        if self.span_id is not None and self.span is None:
            abort(404, f"This trace has no span “{self.span_id}”.")
        return data.selected(self.trace, self.span, self.scores, self.comments)


def panel_of(chosen: Choice, tab: str = "") -> Panel | None:
    """Return the panel of what is chosen, in the tab asked for; None: there is no such span."""
    tab, raw = tab or request.args.get("tab", ""), bool(request.args.get("raw"))
    now = datetime.now(UTC)
    if chosen.span_id is None:
        return trace_panel(chosen.trace, chosen.scores, chosen.comments, tab, raw=raw, now=now)
    if chosen.span is None:
        return None
    found = chosen.scores, chosen.comments
    return span_panel(chosen.span, chosen.trace, *found, tab, raw=raw, now=now)
