"""Counts of numbers by their logarithm: they add up, and give percentiles within 2 %."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

BASE: Final = 1.04
"""A bound of a step divided by the bound before it, so that its middle is within 2 %."""
MIDDLE: Final = 2_000
"""The key of 1. Those of positive numbers lie between 0 and twice as much; that of 0 is 0; that of
a negative number is the key of its amount, negative."""
MAX_KEY: Final = 2 * MIDDLE - 1
_LOG: Final = math.log(BASE)


def key_of(value: float) -> int:
    """Return the key under which a number is counted; keys are in the order of their numbers."""
    if value > 0:
        key = MIDDLE + math.floor(math.log(value) / _LOG + 0.5)
        return key if 1 <= key <= MAX_KEY else max(1, min(MAX_KEY, key))
    return -key_of(-value) if value < 0 else 0


def value_of(key: int) -> float:
    """Return the middle of a key's numbers, which is within 2 % of each."""
    return 0.0 if key == 0 else math.copysign(BASE ** (abs(key) - MIDDLE), key)


def bounds_of(key: int) -> tuple[float, float]:
    """Return the numbers between which those of a key lie."""
    if key == 0:
        return 0.0, 0.0
    low, high = (BASE ** (abs(key) - MIDDLE + side) for side in (-0.5, 0.5))
    return (low, high) if key > 0 else (-high, -low)


class LogHistogram:
    """How many numbers each key has; histograms add up."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | Iterable[tuple[int, int]] = ()) -> None:
        """``counts`` are numbers by key; of pairs with equal keys the numbers add up."""
        self.counts: dict[int, int] = defaultdict(int)
        for key, number in counts.items() if isinstance(counts, Mapping) else counts:
            self.counts[key] += number

    def add(self, value: float, number: int = 1) -> None:
        """Count a number, or count it no longer with -1."""
        self.counts[key_of(value)] += number

    def merge(self, other: LogHistogram) -> None:
        """Add all counts of another histogram."""
        for key, number in other.counts.items():
            self.counts[key] += number

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return sum(self.counts.values())

    def percentile(self, percent: float) -> float | None:
        """Return the number that ``percent`` of the counted do not exceed, within 2 %."""
        total = self.total
        if total <= 0:
            return None
        rank = max(1, math.ceil(percent / 100 * total))
        for key in sorted(self.counts):
            rank -= self.counts[key]
            if rank <= 0:
                return value_of(key)
        return None

    def rank_of(self, value: float) -> float | None:
        """Return the percentage of the counted numbers that are less than ``value``.

        Of the numbers with the key of ``value`` half counts as less.
        """
        total = self.total
        if total <= 0:
            return None
        own = key_of(value)
        less = sum(number for key, number in self.counts.items() if key < own)
        return 100 * (less + self.counts.get(own, 0) / 2) / total
