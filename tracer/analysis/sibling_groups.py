"""Groups of adjacent siblings with equal name and kind that may exceed one page of tree rows."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from decimal import Decimal
from statistics import median_low
from typing import Final, NamedTuple

import msgspec

from tracer.analysis.critical_path import CriticalPath
from tracer.analysis.forest import Forest
from tracer.analysis.inputs import AnalysisInputs

MIN_SPANS: Final = 25
"""Least number of spans in a group. The page itself groups shorter ones."""
_GAP_FRACTION: Final = 300
"""Critical intervals closer than 1/300 of the group's duration are merged."""

Intervals = list[tuple[int, int]]
"""(start, end) in µs since the epoch, in time order."""


class SiblingGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Adjacent ended siblings with equal name and kind. Times in µs since the epoch.

    Tokens and cost include the descendants of the spans.
    """

    first_id: str
    last_id: str
    last_start: int
    ends_level: bool
    """True: no sibling follows the group."""
    count: int
    errors: int
    end: int
    """The latest end of the spans."""
    p50: int
    """The median duration (µs)."""
    tokens: int | None
    cost: Decimal | None
    critical: Intervals
    """The intervals in which the critical path leads through the spans."""


class _Bounds(NamedTuple):
    """A group as positions in the forest."""

    first: int
    last: int
    length: int
    ends_level: bool


def find_sibling_groups(inputs: AnalysisInputs) -> Iterator[SiblingGroup]:
    """Yield the groups of at least `MIN_SPANS` spans."""
    forest, sums, path = inputs.forest, inputs.subtree_sums, inputs.critical_path
    for bounds in _find(forest):
        positions = list(_members(forest, bounds))
        tokens = [count for position in positions if (count := sums[position].tokens) is not None]
        costs = [cost for position in positions if (cost := sums[position].cost) is not None]
        end = max(forest.ends[position] for position in positions)
        yield SiblingGroup(
            first_id=forest.ids[bounds.first],
            last_id=forest.ids[bounds.last],
            last_start=forest.starts[bounds.last],
            ends_level=bounds.ends_level,
            count=bounds.length,
            errors=sum(forest.levels[position] == "error" for position in positions),
            end=end,
            p50=median_low(
                [forest.ends[position] - forest.starts[position] for position in positions]
            ),
            tokens=sum(tokens) if tokens else None,
            cost=sum(costs, Decimal(0)) if costs else None,
            critical=_critical_intervals(
                forest, path, positions, (end - forest.starts[bounds.first]) // _GAP_FRACTION
            ),
        )


def _find(forest: Forest) -> Iterator[_Bounds]:
    # Indexed by parent; roots use the last element (-1). Siblings come in order, with their
    # descendants in between, so every parent has an open group of its own.
    firsts = array("i", [-1]) * (len(forest) + 1)
    lasts, counts = array("i", firsts), array("i", [0]) * len(firsts)
    kinds, names = forest.kinds, forest.names
    for position, parent in enumerate(forest.parents):
        count, previous = counts[parent], lasts[parent]
        breaks_group = forest.running[position] or forest.placeholders[position]
        same = names[position] == names[previous] and kinds[position] == kinds[previous]
        if count and not breaks_group and same:
            counts[parent] += 1
        else:
            if count >= MIN_SPANS:
                yield _Bounds(firsts[parent], previous, count, ends_level=False)
            firsts[parent], counts[parent] = position, 0 if breaks_group else 1
        lasts[parent] = position
    for first, last, count in zip(firsts, lasts, counts, strict=True):
        if count >= MIN_SPANS:
            yield _Bounds(first, last, count, ends_level=True)


def _members(forest: Forest, bounds: _Bounds) -> Iterator[int]:
    position = bounds.first
    for _ in range(bounds.length):
        yield position
        position += forest.sizes[position]


def _critical_intervals(
    forest: Forest, path: CriticalPath, positions: list[int], largest_gap: int
) -> Intervals:
    """Return the intervals of the path within these siblings, each counted from its start."""
    parent = forest.parents[positions[0]]
    parent_received = parent >= 0 and not forest.placeholders[parent]
    earliest = forest.starts[parent] if parent_received else forest.starts[positions[0]]
    merged = array("q")
    for position in positions:
        if path.subtree[position]:
            start = max(forest.starts[position], earliest)
            if merged and start - merged[-1] <= largest_gap:
                merged[-1] = max(merged[-1], start + path.subtree[position])
            else:
                merged.extend((start, start + path.subtree[position]))
    return list(zip(merged[::2], merged[1::2], strict=True))
