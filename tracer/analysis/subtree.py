"""What the spans of each subtree add up to, and the time that a span spent by itself."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, TypeVar

from tracer.analysis.forest import Forest
from tracer.records import LEVELS

N = TypeVar("N", int, Decimal)

_RANKS = {level: rank for rank, level in enumerate(LEVELS)}


class Sums(NamedTuple):
    """One subtree: a span with everything below it. Placeholders count nowhere."""

    spans: int
    errors: int
    level: str
    """The worst."""
    end: int
    """The latest (µs since the epoch)."""
    tokens: int | None
    """None: nobody counted any."""
    cost: Decimal | None
    """US dollars; None: nothing was priced."""


class Subtrees:
    """The sums of every subtree of a forest, by position."""

    __slots__ = ("_costs", "_ends", "_errors", "_spans", "_tokens", "_worst")

    def __init__(self, forest: Forest) -> None:
        """Add up a whole forest; what is covered below counts there and not again."""
        failed = len(LEVELS) - 1
        self._spans = array("i", [not gone for gone in forest.placeholders])
        self._worst = bytearray([_RANKS[level] for level in forest.levels])
        self._errors = array("i", [rank == failed for rank in self._worst])
        self._ends = array("q", forest.ends)
        self._tokens = _counted(forest.tokens, forest)
        self._costs = _counted(forest.costs, forest)
        self._add_up(forest)

    def _add_up(self, forest: Forest) -> None:
        spans, errors, worst, ends = self._spans, self._errors, self._worst, self._ends
        tokens, costs, parents = self._tokens, self._costs, forest.parents
        # Backwards every subtree is complete before its parent takes it in.
        for at in range(len(forest) - 1, -1, -1):
            parent = parents[at]
            if parent < 0:
                continue
            spans[parent] += spans[at]
            errors[parent] += errors[at]
            worst[parent] = max(worst[parent], worst[at])
            ends[parent] = max(ends[parent], ends[at])
            tokens[parent] = _plus(tokens[parent], tokens[at])
            costs[parent] = _plus(costs[parent], costs[at])

    def __getitem__(self, at: int) -> Sums:
        return Sums(
            self._spans[at],
            self._errors[at],
            LEVELS[self._worst[at]],
            self._ends[at],
            self._tokens[at],
            self._costs[at],
        )

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Sums]:
        levels = map(LEVELS.__getitem__, self._worst)
        return map(Sums, self._spans, self._errors, levels, self._ends, self._tokens, self._costs)


def self_times(forest: Forest) -> array[int]:
    """Return the µs of each span in which none of its children ran; of a placeholder none."""
    # Children come by their start, so what is taken is one piece that grows to the right.
    taken_until = array("q", forest.starts)
    alone = array("q", [0]) * len(forest)
    for at, (start, end, parent) in enumerate(
        zip(forest.starts, forest.ends, forest.parents, strict=True)
    ):
        if not forest.placeholders[at]:
            alone[at] += end - start
        if parent < 0 or forest.placeholders[parent]:
            continue
        first, last = max(start, taken_until[parent]), min(end, forest.ends[parent])
        if last > first:
            alone[parent] -= last - first
            taken_until[parent] = last
    return alone


def _counted(values: list[N | None], forest: Forest) -> list[N | None]:
    nowhere = zip(values, forest.covered, forest.placeholders, strict=True)
    return [None if covered or gone else value for value, covered, gone in nowhere]


def _plus(one: N | None, other: N | None) -> N | None:
    if other is None:
        return one
    return other if one is None else one + other
