"""Sibling groups: consecutive siblings of one name and kind, collapsed into one row that opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from statistics import median_low
from typing import Any, Final

from tracer.analysis.sibling_groups import SiblingGroup
from tracer.store.database.paging import encode_cursor
from tracer.times import from_micros
from tracer.ui.tree.nodes import Node, TreeLevel
from tracer.ui.waterfall.axis import Axis, Bar

MIN_ROWS: Final = 8
"""Fewer rows are faster to read one by one."""
_MIN_DISTANCE: Final = 0.3
"""Bars that are closer, in percent of the axis, are drawn as one."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The row of a sibling group: nodes of one page, all of them ended and closed."""

    nodes: Sequence[Node]
    more: bool = False
    """The group may continue on the next page; its end is not known yet."""

    @property
    def first(self) -> Any:
        """The span of the first node."""
        return self.nodes[0].span

    @property
    def ids(self) -> set[str]:
        """The ids of the spans on the page."""
        return {node.span.span_id for node in self.nodes}

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the spans that are not on the page; None: there are none, or unknown."""
        return None

    @property
    def count(self) -> int:
        """The number of spans, as far as it is known."""
        return len(self.nodes)

    @property
    def end_time(self) -> datetime:
        """The latest end time."""
        return max(_end_time(node) for node in self.nodes)

    @property
    def p50(self) -> timedelta:
        """The median duration."""
        return median_low(_end_time(node) - node.span.start_time for node in self.nodes)

    @property
    def error_count(self) -> int:
        """The number of failed spans."""
        return sum(node.span.status == "error" for node in self.nodes)

    @property
    def total_tokens(self) -> int | None:
        """Tokens of all spans and their subtrees; None: none has any."""
        counts = [node.totals.total_tokens for node in self.nodes]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    @property
    def total_cost(self) -> Decimal | None:
        """Dollars of all spans and their subtrees; None: none has any."""
        costs = [node.totals.total_cost for node in self.nodes]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if known else None

    def critical_path(self, axis: Axis) -> list[Bar]:
        """Return the parts of the critical path in these spans; close ones are joined."""
        bars: list[Bar] = []
        for bar in self._critical_bars(axis):
            if bars and bar.x - bars[-1].x - bars[-1].width < _MIN_DISTANCE:
                last = bars.pop()
                bar = Bar(last.x, max(bar.x + bar.width - last.x, 0), None)
            bars.append(bar)
        return bars

    def _critical_bars(self, axis: Axis) -> Iterator[Bar]:
        return (bar for node in self.nodes if (bar := node.critical_path(axis)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CutGroupRow(GroupRow):
    """The row of a sibling group that continues on the next page; its values are the group's."""

    group: SiblingGroup

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the spans that are not on the page."""
        if self.group.count <= len(self.nodes):
            return None
        last = self.nodes[-1].span
        return encode_cursor(True, last.start_time, last.span_id)

    @property
    def until(self) -> str:
        """The cursor of the last span of the group."""
        return cursor_after(self.group)

    @property
    def count(self) -> int:
        """The number of spans."""
        return self.group.count

    @property
    def end_time(self) -> datetime:
        """The latest end time."""
        return from_micros(self.group.end)

    @property
    def p50(self) -> timedelta:
        """The median duration."""
        return timedelta(microseconds=self.group.p50)

    @property
    def error_count(self) -> int:
        """The number of failed spans."""
        return self.group.errors

    @property
    def total_tokens(self) -> int | None:
        """Tokens of all spans and their subtrees; None: none has any."""
        return self.group.tokens

    @property
    def total_cost(self) -> Decimal | None:
        """Dollars of all spans and their subtrees; None: none has any."""
        return self.group.cost

    def _critical_bars(self, axis: Axis) -> Iterator[Bar]:
        for start, end in self.group.critical:
            yield axis.bar(from_micros(start), from_micros(end))


def cursor_after(group: SiblingGroup) -> str:
    """Return the cursor of a group's last span, after which its level continues."""
    return encode_cursor(True, from_micros(group.last_start), group.last_id)


def rows_of(level: TreeLevel) -> Iterator[Node | GroupRow]:
    """Yield the rows of a level: nodes, and one row for each sibling group."""
    if level.token.folds:
        return grouped(level.nodes, more=level.cut, last_group=level.last_group)
    return iter(level.nodes)


def next_cursor(level: TreeLevel) -> str | None:
    """Return the cursor of the next page; a group that is cut counts as one row."""
    if level.last_group is None or level.later is None:
        return level.later
    if level.last_group.ends_level:
        return None
    return cursor_after(level.last_group)


def grouped(
    nodes: Sequence[Node], *, more: bool, last_group: SiblingGroup | None = None
) -> Iterator[Node | GroupRow]:
    """Yield the rows of a page, with a GroupRow in place of MIN_ROWS or more like neighbours.

    ``more``: another page follows, so the last group may continue there; ``last_group`` is that
    group, if it is known.
    """
    for likeness, neighbours in groupby(nodes, _likeness):
        members = list(neighbours)
        is_last = members[-1] is nodes[-1]
        if is_last and last_group and members[0].span.span_id == last_group.first_id:
            yield CutGroupRow(members, group=last_group)
        elif likeness is None or len(members) < MIN_ROWS:
            yield from members
        else:
            yield GroupRow(members, more and is_last)


def last_group_start(nodes: Sequence[Node]) -> str | None:
    """Return the id of the first span of the group that a page ends with, None: of no group."""
    start = None
    for node in reversed(nodes):
        likeness = _likeness(node)
        if likeness is None or likeness != _likeness(nodes[-1]):
            break
        start = node.span.span_id
    return start


def _likeness(node: Node) -> tuple[str, str, str | None] | None:
    span = node.span
    if span.placeholder or span.status == "running" or node.level or node.has_rows_below:
        return None
    # A page of a lens has rows of several parents.
    return span.name, span.kind, span.parent_span_id


def _end_time(node: Node) -> datetime:
    span = node.span
    return max(span.end_time or span.start_time, span.start_time)
