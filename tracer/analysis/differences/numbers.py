"""Compares how a number is distributed in two sets of traces: bars, medians, the best limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

STEP: Final = 1.25
"""Numbers are counted by powers of this."""
MAX_BARS: Final = 22

Counts = Mapping[int, tuple[int, int]]
"""By the exponent of `STEP`: how many selected traces and how many others have such a number."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Numbers from ``low`` to below ``high``: the shares of both sides, of their largest bars."""

    low: float
    high: float
    selected: int
    others: int


@dataclass(frozen=True, slots=True)
class Limit:
    """The number beyond which (``>``) or below which (``<``) selected traces are most frequent."""

    operator: str
    value: float
    selected: int
    others: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number field of two sets of traces."""

    field: str
    bars: list[Bar]
    selected_median: float
    others_median: float
    limit: Limit | None


def compare(field: str, counts: Counts) -> Numbers | None:
    """Return the distributions; None: one of the sides has no such number at all."""
    selected = sum(pair[0] for pair in counts.values())
    others = sum(pair[1] for pair in counts.values())
    if not selected or not others:
        return None
    low, high = min(counts), max(counts)
    width = max(1, math.ceil((high - low + 1) / MAX_BARS))
    bars = [_bar(counts, exponent, exponent + width) for exponent in range(low, high + 1, width)]
    return Numbers(
        field,
        bars,
        _median(counts, 0, selected),
        _median(counts, 1, others),
        _limit(counts, selected, others),
    )


def _bar(counts: Counts, low: int, high: int) -> Bar:
    pairs = [counts.get(exponent, (0, 0)) for exponent in range(low, high)]
    return Bar(STEP**low, STEP**high, sum(a for a, _ in pairs), sum(b for _, b in pairs))


def _median(counts: Counts, side: int, total: int) -> float:
    rank = (total + 1) // 2
    for exponent in sorted(counts):
        rank -= counts[exponent][side]
        if rank <= 0:
            return float(STEP ** (exponent + 0.5))
    return 0.0


def _limit(counts: Counts, selected: int, others: int) -> Limit | None:
    """Return the limit that separates the two sides best; None: none separates them at all."""
    best: tuple[float, Limit] | None = None
    above, other_above = selected, others
    for exponent, following in pairwise(sorted(counts)):
        above -= counts[exponent][0]
        other_above -= counts[exponent][1]
        distance = above / selected - other_above / others
        if best is None or abs(distance) > best[0]:
            # In the middle of the numbers that no trace has.
            edge = rounded(STEP ** ((exponent + 1 + following) / 2))
            limit = (
                Limit(">", edge, above, other_above)
                if distance > 0
                else Limit("<", edge, selected - above, others - other_above)
            )
            best = abs(distance), limit
    return best[1] if best else None


def rounded(value: float) -> float:
    """Return a number with at most two digits that are not zero."""
    if value <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(value))
    return round(value, digits)
