"""The JSON representations of a trace's pages, with the types of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tracer.store.annotations.comments import CommentRow
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces.span_detail import SpanDetail
from tracer.store.traces.traces import TraceDetail, TraceRow
from tracer.ui.tree.nodes import Forest, Node, TreeLevel
from tracer.web.answers import traces
from tracer.web.answers.annotations import Comment, comment
from tracer.web.answers.traces import Score, Span, SpanSummary, Trace, TraceSummary


class NodeData(SpanSummary, kw_only=True):
    """A row of the tree, with its children if it is open."""

    placeholder: bool
    """True: the row represents a parent that has not been received."""
    children: LevelData | None
    """null: the node is closed."""


class LevelData(msgspec.Struct, kw_only=True):
    """One page of the children of a span (null: of the roots)."""

    parent_id: str | None
    data: list[NodeData]
    next_cursor: str | None
    prev_cursor: str | None


class SelectionData(msgspec.Struct, kw_only=True):
    """The content of the panel: the selected span, or without one the trace."""

    trace: Trace
    span: Span | None
    scores: list[Score]
    comments: list[Comment]


class TraceData(SelectionData, kw_only=True):
    """The page of a trace: the content of the panel, and the open levels of the tree."""

    tree: LevelData
    apart: NodeData | None
    """The end of a path that is too long to be shown whole."""


class LiveData(msgspec.Struct, kw_only=True):
    """A trace as of now, and the requested pages of its tree."""

    trace: TraceSummary
    levels: list[LevelData]


class NextErrorData(msgspec.Struct, kw_only=True):
    """The next failed span; null: there is none."""

    span_id: str | None


class ValueData(msgspec.Struct, kw_only=True):
    """The value at a JSON pointer of a span or trace."""

    pointer: str
    value: Any


def selection_data(
    trace: TraceDetail,
    span: SpanDetail | None,
    scores: Sequence[ScoreRow],
    comments: Sequence[CommentRow],
) -> SelectionData:
    """Return the JSON representation of a panel."""
    return SelectionData(
        trace=traces.trace(trace),
        span=traces.span(span, trace.project_id) if span else None,
        scores=[traces.score(row) for row in scores],
        comments=[comment(row) for row in comments],
    )


def trace_data(selection: SelectionData, forest: Forest) -> TraceData:
    """Return the JSON representation of the page of a trace."""
    project_id = selection.trace.project_id
    return TraceData(
        **{name: getattr(selection, name) for name in SelectionData.__struct_fields__},
        tree=level_data(forest.roots, project_id),
        apart=_node_data(forest.deep_node, project_id) if forest.deep_node else None,
    )


def live_data(trace: TraceRow, levels: Sequence[TreeLevel]) -> LiveData:
    """Return the JSON representation of the changing parts of a trace page."""
    return LiveData(
        trace=traces.trace_summary(trace),
        levels=[level_data(level, trace.project_id) for level in levels],
    )


def level_data(level: TreeLevel, project_id: str) -> LevelData:
    """Return the JSON representation of one level of the tree, with the open levels below it."""
    return LevelData(
        parent_id=level.parent_id,
        data=[_node_data(node, project_id) for node in level.nodes],
        next_cursor=level.later,
        prev_cursor=level.earlier,
    )


def _node_data(node: Node, project_id: str) -> NodeData:
    return NodeData(
        **msgspec.structs.asdict(traces.span_summary(node.span, project_id)),
        placeholder=node.span.placeholder,
        children=level_data(node.level, project_id) if node.level else None,
    )
