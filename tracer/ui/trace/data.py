"""What the JSON twins of the pages say, in the words of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tracer.store.annotations.comments import CommentRow
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces.span_detail import SpanDetail
from tracer.store.traces.traces import TraceDetail, TraceRow
from tracer.ui.tree.nodes import Forest, Level, Node
from tracer.web.answers import traces
from tracer.web.answers.annotations import Comment, comment
from tracer.web.answers.traces import Score, Span, SpanSummary, Trace, TraceSummary


class TreeSpan(SpanSummary, kw_only=True):
    """A row of the tree, and below it what is open."""

    placeholder: bool
    """True: stands for a parent that has not arrived."""
    children: TreeLevel | None
    """null: not opened."""


class TreeLevel(msgspec.Struct, kw_only=True):
    """One page of the children of a span (null: of the roots)."""

    parent_id: str | None
    data: list[TreeSpan]
    next_cursor: str | None
    prev_cursor: str | None


class Selected(msgspec.Struct, kw_only=True):
    """What the panel shows: a span, or where none is selected the trace."""

    trace: Trace
    span: Span | None
    scores: list[Score]
    comments: list[Comment]


class TraceView(Selected, kw_only=True):
    """The page of a trace: beside what the panel shows, the levels that are open."""

    tree: TreeLevel
    apart: TreeSpan | None
    """The end of a path that is too long to be shown whole."""


class LiveView(msgspec.Struct, kw_only=True):
    """A trace as of now, and the pages of its tree that were asked for."""

    trace: TraceSummary
    levels: list[TreeLevel]


class Step(msgspec.Struct, kw_only=True):
    """The span to go to; null: there is none."""

    span_id: str | None


class Value(msgspec.Struct, kw_only=True):
    """What lies at a JSON pointer of a span or trace."""

    pointer: str
    value: Any


def selected(
    trace: TraceDetail,
    span: SpanDetail | None,
    scores: Sequence[ScoreRow],
    comments: Sequence[CommentRow],
) -> Selected:
    """Return what a panel shows."""
    return Selected(
        trace=traces.trace(trace),
        span=traces.span(span, trace.project_id) if span else None,
        scores=[traces.score(row) for row in scores],
        comments=[comment(row) for row in comments],
    )


def trace_view(panel: Selected, forest: Forest) -> TraceView:
    """Return the page of a trace."""
    project_id = panel.trace.project_id
    return TraceView(
        **{name: getattr(panel, name) for name in Selected.__struct_fields__},
        tree=level(forest.roots, project_id),
        apart=_tree_span(forest.apart, project_id) if forest.apart else None,
    )


def live(trace: TraceRow, levels: Sequence[Level]) -> LiveView:
    """Return the trace as of now, and pages of its tree."""
    return LiveView(
        trace=traces.trace_summary(trace),
        levels=[level(shown, trace.project_id) for shown in levels],
    )


def level(shown: Level, project_id: str) -> TreeLevel:
    """Return one level of the tree, with what is open below it."""
    return TreeLevel(
        parent_id=shown.parent_id,
        data=[_tree_span(node, project_id) for node in shown.nodes],
        next_cursor=shown.later,
        prev_cursor=shown.earlier,
    )


def _tree_span(node: Node, project_id: str) -> TreeSpan:
    return TreeSpan(
        **msgspec.structs.asdict(traces.span_summary(node.span, project_id)),
        placeholder=node.span.placeholder,
        children=level(node.level, project_id) if node.level else None,
    )
