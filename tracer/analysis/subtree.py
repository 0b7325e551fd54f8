"""The totals of every subtree of a trace, and the self time of every span."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, TypeVar

from tracer.analysis.forest import Forest
from tracer.records import LEVELS

N = TypeVar("N", int, Decimal)

_RANKS = {level: rank for rank, level in enumerate(LEVELS)}


class SubtreeSums(NamedTuple):
    """Totals of a span with all its descendants. Placeholders are left out."""

    spans: int
    errors: int
    level: str
    """The most severe level."""
    end: int
    """The latest end (µs since the epoch)."""
    tokens: int | None
    """None: no span reports tokens."""
    cost: Decimal | None
    """US dollars; None: no span has a cost."""


class Subtrees:
    """The totals of every subtree of a forest, by position; stored as columns."""

    __slots__ = ("_costs", "_ends", "_errors", "_spans", "_tokens", "_worst")

    def __init__(self, forest: Forest) -> None:
        """Add up a forest; spans excluded from totals contribute no tokens and no cost."""
        error_rank = len(LEVELS) - 1
        self._spans = array("i", [not placeholder for placeholder in forest.placeholders])
        self._worst = bytearray([_RANKS[level] for level in forest.levels])
        self._errors = array("i", [rank == error_rank for rank in self._worst])
        self._ends = array("q", forest.ends)
        self._tokens = _included(forest.tokens, forest)
        self._costs = _included(forest.costs, forest)
        self._add_up(forest)

    def _add_up(self, forest: Forest) -> None:
        spans, errors, worst, ends = self._spans, self._errors, self._worst, self._ends
        tokens, costs, parents = self._tokens, self._costs, forest.parents
        # In descending order every subtree is complete before it is added to its parent.
        for position in range(len(forest) - 1, -1, -1):
            parent = parents[position]
            if parent < 0:
                continue
            spans[parent] += spans[position]
            errors[parent] += errors[position]
            worst[parent] = max(worst[parent], worst[position])
            ends[parent] = max(ends[parent], ends[position])
            tokens[parent] = _plus(tokens[parent], tokens[position])
            costs[parent] = _plus(costs[parent], costs[position])

    def __getitem__(self, position: int) -> SubtreeSums:
        return SubtreeSums(
            self._spans[position],
            self._errors[position],
            LEVELS[self._worst[position]],
            self._ends[position],
            self._tokens[position],
            self._costs[position],
        )

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[SubtreeSums]:
        levels = map(LEVELS.__getitem__, self._worst)
        return map(
            SubtreeSums, self._spans, self._errors, levels, self._ends, self._tokens, self._costs
        )


def self_times(forest: Forest) -> array[int]:
    """Return for each span the time (µs) in which no child ran; 0 for a placeholder."""
    # Children come by start time, so their union up to here is known by its latest end.
    covered_until = array("q", forest.starts)
    times = array("q", [0]) * len(forest)
    for position, (start, end, parent) in enumerate(
        zip(forest.starts, forest.ends, forest.parents, strict=True)
    ):
        if not forest.placeholders[position]:
            times[position] += end - start
        if parent < 0 or forest.placeholders[parent]:
            continue
        first, last = max(start, covered_until[parent]), min(end, forest.ends[parent])
        if last > first:
            times[parent] -= last - first
            covered_until[parent] = last
    return times


def _included(values: list[N | None], forest: Forest) -> list[N | None]:
    rows = zip(values, forest.excluded, forest.placeholders, strict=True)
    return [None if excluded or placeholder else value for value, excluded, placeholder in rows]


def _plus(total: N | None, value: N | None) -> N | None:
    if value is None:
        return total
    return value if total is None else total + value
