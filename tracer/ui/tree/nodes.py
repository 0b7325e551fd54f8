"""Nodes and levels of the span tree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tracer.analysis.sibling_groups import SiblingGroup
from tracer.store.analyses.subtrees import Subtree
from tracer.store.database.paging import Key
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.tree.gaps import Gap
from tracer.ui.tree.page_token import PageToken
from tracer.ui.waterfall.axis import Axis, Bar


@dataclass(slots=True)
class Node:
    """A row of the tree; ``level`` holds its children if it is open."""

    span: SpanRow
    depth: int
    level: TreeLevel | None = None
    subtree: Subtree | None = None
    """None: it is not computed yet."""
    early: timedelta | None = None
    """By how much it began before its parent, because their clocks disagree."""
    gap: Gap | None = None
    """The gap before it, in which nothing was recorded."""
    outside_lens: bool = False
    """The lens does not have it: it is shown as an ancestor of spans that the lens has."""
    has_rows_below: bool = False
    """Rows of the lens are below it, on the same page."""
    high: frozenset[str] = frozenset()
    """Which of its figures are over the p95 of its name: latency, tokens, cost."""

    @property
    def totals(self) -> Subtree | SpanRow:
        """The object from which a collapsed row takes its token and cost totals."""
        return self.subtree or self.span

    def critical_path(self, axis: Axis) -> Bar | None:
        """Return the part of it that is on the critical path.

        None: no part is, or it is not computed yet. The part begins with the span, or with its
        parent if the span began before.
        """
        if self.subtree is None or not self.subtree.critical_us:
            return None
        start = self.span.start_time + (self.early or timedelta())
        return axis.bar(start, start + timedelta(microseconds=self.subtree.critical_us))


@dataclass(slots=True)
class TreeLevel:
    """A page of one parent's children, with the cursors of the pages around it."""

    parent_id: str | None
    depth: int
    nodes: list[Node]
    earlier: str | None
    later: str | None
    token: PageToken
    """Identifies the page, so that it can be read again when the trace has grown."""
    gap: Gap | None = None
    """The gap after the last row."""
    last_group: SiblingGroup | None = None
    """The sibling group of the last rows, if it continues on the next page."""
    until: str | None = None
    """The cursor of the last row, if the page is one of a sibling group."""

    @property
    def cut(self) -> bool:
        """Whether rows may follow on another page."""
        return self.later is not None or self.token.until is not None

    def continue_at(self, key: Key) -> None:
        """Make it the page that continues another at ``key``, whose rows are shown already."""
        if key.forward:
            self.earlier = None
            # Spans that arrive later between two pages belong to the second.
            self.token = self.token.begun_after(key.time, key.row_id)
        else:
            self.later = None


@dataclass(slots=True)
class Forest:
    """The roots; and separately a deep span whose path to the root is too long to be shown."""

    roots: TreeLevel
    deep_node: Node | None
    row_count: int
    lens: str = ""
    """The lens that the roots are a page of; "": the whole tree."""
    unread: int | None = 0
    """Spans that are not yet sorted into lenses; None: no spans of the trace are."""
