"""Runs of like siblings, each folded into one row that opens."""

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
from tracer.ui.tree.nodes import Level, Node
from tracer.ui.waterfall.axis import Axis, Bar

LEAST: Final = 8
"""Fewer are read faster one by one."""
_APART: Final = 0.3
"""Percent of the axis: what is nearer is drawn as one."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours on a page of one name and kind, all ended and closed."""

    nodes: Sequence[Node]
    more: bool = False
    """It goes on on the next page, perhaps; nobody knows yet how far."""

    @property
    def first(self) -> Any:
        """The span of the first row."""
        return self.nodes[0].span

    @property
    def ids(self) -> set[str]:
        """Of its spans."""
        return {node.span.span_id for node in self.nodes}

    @property
    def next_cursor(self) -> str | None:
        """Where those begin that are not on the page; None: there are none, or it isn't known."""
        return None

    @property
    def count(self) -> int:
        """How many they are, as far as that is known."""
        return len(self.nodes)

    @property
    def end_time(self) -> datetime:
        """When the last of them had ended."""
        return max(_ended(node) for node in self.nodes)

    @property
    def p50(self) -> timedelta:
        """The median of how long they took."""
        return median_low(_ended(node) - node.span.start_time for node in self.nodes)

    @property
    def error_count(self) -> int:
        """How many failed."""
        return sum(node.span.status == "error" for node in self.nodes)

    @property
    def total_tokens(self) -> int | None:
        """Of all of them and what is below, None: nobody told any."""
        known = [node.held.total_tokens for node in self.nodes]
        told = [number for number in known if number is not None]
        return sum(told) if told else None

    @property
    def total_cost(self) -> Decimal | None:
        """Dollars, likewise."""
        known = [node.held.total_cost for node in self.nodes]
        told = [dollars for dollars in known if dollars is not None]
        return sum(told, Decimal(0)) if told else None

    def paths(self, axis: Axis) -> list[Bar]:
        """Return where the critical path leads through them."""
        found: list[Bar] = []
        for bar in self._bars(axis):
            if found and bar.x - found[-1].x - found[-1].width < _APART:
                bar = Bar(found[-1].x, max(bar.x + bar.width - found[-1].x, 0), None)
                found.pop()
            found.append(bar)
        return found

    def _bars(self, axis: Axis) -> Iterator[Bar]:
        return (path for node in self.nodes if (path := node.path(axis)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRun(Run):
    """A run that goes on behind the page, told as a whole."""

    whole: SiblingGroup

    @property
    def next_cursor(self) -> str | None:
        """Where those begin that are not on the page."""
        if self.whole.count <= len(self.nodes):
            return None
        last = self.nodes[-1].span
        return encode_cursor(True, last.start_time, last.span_id)

    @property
    def until(self) -> str:
        """The cursor of its last span."""
        return cursor_behind(self.whole)

    @property
    def count(self) -> int:
        """How many they are."""
        return self.whole.count

    @property
    def end_time(self) -> datetime:
        """When the last of them had ended."""
        return from_micros(self.whole.end)

    @property
    def p50(self) -> timedelta:
        """The median of how long they took."""
        return timedelta(microseconds=self.whole.p50)

    @property
    def error_count(self) -> int:
        """How many failed."""
        return self.whole.errors

    @property
    def total_tokens(self) -> int | None:
        """Of all of them and what is below, None: nobody told any."""
        return self.whole.tokens

    @property
    def total_cost(self) -> Decimal | None:
        """Dollars, likewise."""
        return self.whole.cost

    def _bars(self, axis: Axis) -> Iterator[Bar]:
        for start, end in self.whole.critical:
            yield axis.bar(from_micros(start), from_micros(end))


def cursor_behind(run: SiblingGroup) -> str:
    """Return the cursor of a run's last span, behind which its level goes on."""
    return encode_cursor(True, from_micros(run.last_start), run.last_id)


def rows_of(level: Level) -> Iterator[Node | Run]:
    """Yield what a page of a level shows: nodes, and runs of like siblings as one row each."""
    if level.stretch.folds:
        return folded(level.nodes, more=level.cut, whole=level.whole)
    return iter(level.nodes)


def next_cursor(level: Level) -> str | None:
    """Return the cursor of the rows after the page, where a cut run counts as one row."""
    if level.whole is None or level.later is None:
        return level.later
    if level.whole.ends_level:
        return None
    return cursor_behind(level.whole)


def folded(
    nodes: Sequence[Node], *, more: bool, whole: SiblingGroup | None = None
) -> Iterator[Node | Run]:
    """Yield the rows of a page, with a Run in place of LEAST or more like neighbours.

    The last of them may go on where there is ``more``, unless ``whole`` tells how far it does.
    """
    for alike, group in groupby(nodes, _likeness):
        members = list(group)
        last = members[-1] is nodes[-1]
        if last and whole and members[0].span.span_id == whole.first_id:
            yield CutRun(members, whole=whole)
        elif alike is None or len(members) < LEAST:
            yield from members
        else:
            yield Run(members, more and last)


def open_run(nodes: Sequence[Node]) -> str | None:
    """Return the first span of the run that a page ends with, None: it ends with none."""
    found = None
    for node in reversed(nodes):
        alike = _likeness(node)
        if alike is None or alike != _likeness(nodes[-1]):
            break
        found = node.span.span_id
    return found


def _likeness(node: Node) -> tuple[str, str] | None:
    span = node.span
    if span.placeholder or span.status == "running" or node.level is not None:
        return None
    return span.name, span.kind


def _ended(node: Node) -> datetime:
    span = node.span
    return max(span.end_time or span.start_time, span.start_time)
