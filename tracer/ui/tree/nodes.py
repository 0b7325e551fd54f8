"""Nodes and levels of the span tree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tracer.analysis.sibling_groups import SiblingGroup
from tracer.store.analyses.subtrees import Subtree
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.tree.gaps import Gap
from tracer.ui.tree.page_token import Stretch
from tracer.ui.waterfall.axis import Axis, Bar


@dataclass(slots=True)
class Node:
    """A row of the tree; ``level`` holds its children where it is open."""

    span: SpanRow
    depth: int
    level: Level | None = None
    subtree: Subtree | None = None
    """None: it is still being counted."""
    early: timedelta | None = None
    """How long before its parent it began, which no clock that runs right can tell."""
    gap: Gap | None = None
    """Before it, in which nothing was recorded."""

    @property
    def held(self) -> Subtree | SpanRow:
        """What tells the tokens and the cost of all that a closed row stands for."""
        return self.subtree or self.span

    def path(self, axis: Axis) -> Bar | None:
        """Return the part of it that is on the critical path: all the trace waited for at a time.

        None: no part is, or it is not known yet. It begins with the span, or with its parent.
        """
        if self.subtree is None or not self.subtree.critical_us:
            return None
        start = self.span.start_time + (self.early or timedelta())
        return axis.bar(start, start + timedelta(microseconds=self.subtree.critical_us))


@dataclass(slots=True)
class Level:
    """A page of one parent's children, with the cursors of the pages around it."""

    parent_id: str | None
    depth: int
    nodes: list[Node]
    earlier: str | None
    later: str | None
    stretch: Stretch
    """What of the level this page is, so that it can be read again when the trace has grown."""
    gap: Gap | None = None
    """After the last of all."""
    whole: SiblingGroup | None = None
    """The run that the page ends with, which goes on behind it."""
    until: str | None = None
    """The cursor of the last row, where the page is one of a run."""

    @property
    def cut(self) -> bool:
        """Whether rows may follow on another page."""
        return self.later is not None or self.stretch.until is not None


@dataclass(slots=True)
class Forest:
    """The roots, and apart from them the end of a path that is too long to be shown whole."""

    roots: Level
    apart: Node | None
    row_count: int
