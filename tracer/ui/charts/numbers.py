"""A number tile: a value, its change since the previous period, and its trend as a small line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracer.ui.charts.units import Unit, change, shown

_WORSE: Final = 0.1
"""A change by more than this part of the previous value is marked as worse."""
_HEIGHT: Final = 20
"""Of the trend, in units of its drawing; one unit wide per bucket."""
_LOWEST: Final = _HEIGHT - 1
"""The y of zero, so that the line is not cut off at the lower edge."""
_HIGHEST: Final = 2
"""The y of the largest value."""


@dataclass(frozen=True, slots=True)
class NumberTile:
    """The value, how it changed, whether that is worse, and the trend's paths."""

    value: str
    change: str
    worse: bool
    previous: str
    url: str
    line: str
    area: str
    width: int
    """Of the trend: its number of buckets less one."""


def number_tile(
    value: float | None,
    previous: float | None,
    trend: Sequence[float | None],
    unit: Unit,
    *,
    url: str = "",
    less_is_better: bool = False,
    more_is_better: bool = False,
) -> NumberTile:
    """Return a number tile, marked as worse if the value is more than 10 % worse than before."""
    worse = False
    if value is not None and previous is not None:
        worse = (less_is_better and value > previous * (1 + _WORSE)) or (
            more_is_better and value < previous * (1 - _WORSE)
        )
    return NumberTile(
        value=shown(value, unit) or "–",
        change=change(value, previous, unit) if value is not None and previous is not None else "",
        worse=worse,
        previous=shown(previous, unit),
        url=url,
        line=(line := _line(trend)),
        area=f"{line}V{_HEIGHT}H{_first_index(trend)}Z" if line else "",
        width=max(1, len(trend) - 1),
    )


def _first_index(trend: Sequence[float | None]) -> int:
    return next(index for index, value in enumerate(trend) if value is not None)


def _line(trend: Sequence[float | None]) -> str:
    known = [(index, value) for index, value in enumerate(trend) if value is not None]
    if len(known) < 2:
        return ""
    largest = max(value for _, value in known) or 1
    return "M" + "L".join(
        f"{index} {_LOWEST - (_LOWEST - _HIGHEST) * value / largest:.1f}" for index, value in known
    )
