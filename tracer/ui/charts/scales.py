"""Scales: round numbers on an axis, linear or logarithmic, and where values lie on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracer.ui.charts.units import Unit

DECADES: Final = 1.5
"""Values that span at least this many powers of ten are drawn on a log scale."""
_STEPS: Final = (1, 2, 2.5, 5, 10)
_SECOND_STEPS: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_INTERVALS: Final = 3
"""The minimum number of intervals between ticks of a linear axis."""
_MAX_LABELS: Final = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``low`` to ``high``, with the round numbers on it in ascending order."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def position(self, value: float) -> float:
        """Return where a value lies, in percent of the axis; values beyond it lie at its ends."""
        if self.log:
            value = max(value, self.low)
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return 100 * min(1.0, max(0.0, part))


def spans_decades(values: Sequence[float]) -> bool:
    """Return whether positive values differ so much that small ones would lie on the base line."""
    positive = [value for value in values if value > 0]
    return len(positive) == len(values) > 0 and max(positive) / min(positive) >= 10**DECADES


def linear(highest: float, unit: Unit, lowest: float = 0.0) -> Scale:
    """Return a scale from zero, or from a lower number, to a round number above the highest."""
    low = min(lowest, 0.0)
    step = _step((max(highest, 0.0) - low) / _INTERVALS, unit)
    first, last = math.floor(low / step + 1e-9), max(1, math.ceil(highest / step - 1e-9))
    ticks = tuple(round(number * step, 12) for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def logarithmic(values: Sequence[float]) -> Scale:
    """Return a scale over the powers of ten around positive values."""
    first = math.floor(math.log10(min(values)) + 1e-9)
    last = max(first + 1, math.ceil(math.log10(max(values)) - 1e-9))
    skip = max(1, math.ceil((last - first + 1) / _MAX_LABELS))
    ticks = tuple(float(f"1e{power}") for power in range(first, last + 1, skip))
    return Scale(ticks[0], float(f"1e{last}"), ticks, log=True)


def _step(least: float, unit: Unit) -> float:
    """Return the round number that is at least ``least``."""
    if least <= 0:
        return 1.0 if unit in (Unit.COUNT, Unit.SECONDS) else 0.1
    if unit is Unit.COUNT and least <= 1:
        return 1.0
    if unit is Unit.SECONDS and least > 30:
        return next(
            (step for step in _SECOND_STEPS if step >= least), math.ceil(least / 86400) * 86400.0
        )
    power = 10.0 ** math.floor(math.log10(least))
    steps = [step for step in _STEPS if not (unit is Unit.COUNT and step * power % 1)]
    return next((step for step in steps if step * power >= least * (1 - 1e-9)), 10) * power
