"""Ranks a value among the values of its name: slower than 97 % of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracer.measure.histogram import LogHistogram

MIN_VALUES: Final = 20
"""With fewer values no percentile is shown, because it would be noise."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one value stands among the values of its name in a period."""

    value: float
    """In seconds, US dollars or tokens."""
    percentile: float
    """The percentage of the values that are less."""
    p50: float
    p95: float
    count: int
    """The number of values that it is compared with."""

    @property
    def high(self) -> bool:
        """Whether the value is above the 95th percentile of its name."""
        return self.percentile > 95


def standing(value: float | None, among: LogHistogram) -> Standing | None:
    """Return where a value stands; None: there is no value, or too few to compare it with."""
    if value is None or among.total < MIN_VALUES:
        return None
    rank, p50, p95 = among.rank_of(value), among.percentile(50), among.percentile(95)
    if rank is None or p50 is None or p95 is None:
        return None
    return Standing(value, rank, p50, p95, among.total)


def high_from(among: LogHistogram) -> int | None:
    """Return the least key whose values are high, as `Standing.high` is; None: too few values."""
    total = among.total
    if total < MIN_VALUES:
        return None
    less, previous = 0, 0
    for key in sorted(among.counts):
        if 100 * less > 95 * total:
            return previous + 1
        if 100 * (less + among.counts[key] / 2) > 95 * total:
            return key
        less, previous = less + among.counts[key], key
    return previous + 1
