"""Runs of like siblings, each folded into one row that opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from statistics import median_low
from typing import TYPE_CHECKING, Any, Final

from tracer.ui.axis import Axis, Bar

if TYPE_CHECKING:
    from tracer.ui.tree import Node

LEAST: Final = 8
"""Fewer are read faster one by one."""
_APART: Final = 0.3
"""Percent of the axis: what is nearer is drawn as one."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours on a page of one name and kind, all ended and closed."""

    nodes: Sequence[Node]
    more: bool
    """It goes on on the next page, perhaps."""

    @property
    def first(self) -> Any:
        """The span of the first row."""
        return self.nodes[0].span

    @property
    def ids(self) -> set[str]:
        """Of its spans."""
        return {node.span.span_id for node in self.nodes}

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
        for bar in (path for node in self.nodes if (path := node.path(axis))):
            if found and bar.x - found[-1].x - found[-1].width < _APART:
                bar = Bar(found[-1].x, max(bar.x + bar.width - found[-1].x, 0), None)
                found.pop()
            found.append(bar)
        return found


def folded(nodes: Sequence[Node], *, more: bool) -> Iterator[Node | Run]:
    """Yield the rows of a page, with a Run in place of LEAST or more like neighbours."""
    for alike, group in groupby(nodes, _likeness):
        members = list(group)
        if alike is None or len(members) < LEAST:
            yield from members
        else:
            yield Run(members, more and members[-1] is nodes[-1])


def _likeness(node: Node) -> tuple[str, str] | None:
    span = node.span
    if span.placeholder or span.status == "running" or node.level is not None:
        return None
    return span.name, span.kind


def _ended(node: Node) -> datetime:
    span = node.span
    return max(span.end_time or span.start_time, span.start_time)
