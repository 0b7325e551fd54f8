"""Whether two figures differ by more than noise: intervals of shares, means and percentiles."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_Z: Final = 1.96
"""Standard errors of a 95 % interval."""
FEW: Final = 10
"""Of fewer values nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval, and the number of values that it is made of."""

    value: float
    low: float
    high: float
    count: int

    @property
    def error(self) -> float:
        """The standard error."""
        return (self.high - self.low) / (2 * _Z)


def share(part: int, whole: int) -> Estimate | None:
    """Return a share of rows with its Wilson interval; None: of no rows."""
    if not whole:
        return None
    value, square = part / whole, _Z * _Z
    middle = (value + square / (2 * whole)) / (1 + square / whole)
    half = math.sqrt(value * (1 - value) / whole + square / (4 * whole * whole))
    half *= _Z / (1 + square / whole)
    return Estimate(value, max(0.0, middle - half), min(1.0, middle + half), whole)


def mean(
    values: Iterable[tuple[float, int]], value: float | None = None, count: int = 0
) -> Estimate | None:
    """Return the mean of (value, how often) pairs.

    ``value`` and ``count``: the exact ones, where the pairs are a part of the values.
    """
    pairs = [(each, count) for each, count in values if count > 0]
    known = sum(number for _, number in pairs)
    if not known:
        return None
    count = count or known
    about = sum(each * number for each, number in pairs) / known
    variance = sum(number * (each - about) ** 2 for each, number in pairs) / max(1, known - 1)
    half = _Z * math.sqrt(variance / count)
    middle = about if value is None else value
    return Estimate(middle, middle - half, middle + half, count)


def ranks(percent: float, count: int) -> tuple[float, float]:
    """Return the percentiles between which a percentile of ``count`` values lies, with 95 %."""
    part = percent / 100
    half = 100 * _Z * math.sqrt(part * (1 - part) / max(count, 1))
    return max(0.1, percent - half), min(99.9, percent + half)


def beyond_noise(one: Estimate, other: Estimate) -> bool | None:
    """Return whether two figures differ by more than noise (95 %); None: too few values."""
    if min(one.count, other.count) < FEW:
        return None
    error = math.hypot(one.error, other.error)
    return abs(one.value - other.value) > _Z * error
