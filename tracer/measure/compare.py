"""Whether two samples differ by more than noise: intervals of means, shares and ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

Z: Final = 1.96
"""Of a 95 % confidence interval."""
FEW: Final = 10
"""Of fewer values nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % confidence interval, computed from ``count`` values."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two estimates."""

    absolute: float
    relative: float | None
    """Of the first value; None: that is zero."""
    certain: bool | None
    """Whether its interval does not contain zero; None: of too few values to conclude that."""


def mean(count: int, total: float, squares: float) -> Estimate | None:
    """Return the mean of values by their number, sum and sum of squares; None: there are none."""
    if count <= 0:
        return None
    value = total / count
    variance = max(0.0, squares / count - value * value) * count / (count - 1) if count > 1 else 0.0
    margin = Z * math.sqrt(variance / count) if count > 1 else math.inf
    return Estimate(value, value - margin, value + margin, count)


def share(part: int, whole: int) -> Estimate | None:
    """Return a share with its Wilson interval, which holds for small numbers too."""
    if whole <= 0:
        return None
    value, z2 = part / whole, Z * Z
    middle = (value + z2 / (2 * whole)) / (1 + z2 / whole)
    spread = value * (1 - value) / whole + z2 / (4 * whole * whole)
    margin = Z * math.sqrt(spread) / (1 + z2 / whole)
    return Estimate(value, max(0.0, middle - margin), min(1.0, middle + margin), whole)


def ratio(
    count: int, part: float, whole: float, parts: float, products: float, wholes: float
) -> Estimate | None:
    """Return the ratio of two sums over the same rows, such as of cached to all input tokens.

    Parts, products, wholes: the sums of part², part * whole and whole². The interval is that of
    the linearized ratio. None: the whole is zero.
    """
    if count <= 0 or whole <= 0:
        return None
    value = part / whole
    rest = max(0.0, parts - 2 * value * products + value * value * wholes)
    margin = Z * math.sqrt(rest * count / (count - 1)) / whole if count > 1 else math.inf
    return Estimate(value, value - margin, value + margin, count)


def difference(first: Estimate | None, second: Estimate | None) -> Difference | None:
    """Return by how much the second estimate differs from the first; None: one is missing.

    The margins are added as those of independent samples are.
    """
    if first is None or second is None:
        return None
    absolute = second.value - first.value
    margin = math.hypot(_margin(first), _margin(second))
    relative = absolute / first.value if first.value else None
    few = min(first.count, second.count) < FEW
    return Difference(absolute, relative, None if few else abs(absolute) > margin)


def _margin(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2
